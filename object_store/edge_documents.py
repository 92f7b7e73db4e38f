"""Configurations as documents: JSON in the words of S3's own API, as its SDKs and command lines take and give it.

Owns the way between a document, S3's shape and what the room keeps. Where the room keeps S3's shape there is nothing to
do; where it has a form of its own, the pages of the AWS edge know the way to and from XML, and the document goes along.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from cumulo.gateway import aws_timestamps, aws_xml
from cumulo.gateway.aws_model import MalformedInput, MissingMember
from cumulo.gateway.aws_shapes import Change, from_plain, timestamps_changed
from cumulo.object_store import (
    aws_s3,
    configuration_model,
    edge_aws_configurations,
    edge_aws_lifecycle,
    edge_aws_locks,
    edge_aws_tagging,
    tagging_model,
)
from cumulo.object_store.configuration_model import Configuration
from cumulo.object_store.configurations import (
    ENCRYPTION,
    KINDS,
    LIFECYCLE,
    OBJECT_LOCK,
    OWNERSHIP_CONTROLS,
    PUBLIC_ACCESS_BLOCK,
    QUOTA,
    TAGGING,
    VERSIONING,
    kind_of,
)
from cumulo.object_store.errors import INVALID_ARGUMENT

Plain = dict[str, Any]


class Form(msgspec.Struct, frozen=True):
    """How a kind that the room keeps in a form of its own is written: S3's shape and its root element, what the room
    makes of it, and the elements of what the room keeps. `parsed` gets the whole document, too, and `besides` returns
    what stands in it beside the shape: S3 sends that in headers.
    """

    shape: type[Any]
    root: str
    parsed: Callable[[Any, Plain], Configuration]
    elements: Callable[[Any], str]
    besides: Callable[[Any], Plain] | None = None


FORMS: Final = {
    PUBLIC_ACCESS_BLOCK: Form(
        aws_s3.PublicAccessBlockConfiguration,
        "PublicAccessBlockConfiguration",
        lambda said, _: edge_aws_configurations.public_access_block_of(said),
        edge_aws_configurations.public_access_block_elements,
    ),
    OWNERSHIP_CONTROLS: Form(
        aws_s3.OwnershipControls,
        "OwnershipControls",
        lambda said, _: edge_aws_configurations.ownership_controls_of(said),
        edge_aws_configurations.ownership_controls_elements,
    ),
    ENCRYPTION: Form(
        aws_s3.ServerSideEncryptionConfiguration,
        "ServerSideEncryptionConfiguration",
        lambda said, _: edge_aws_configurations.encryption_of(said),
        edge_aws_configurations.encryption_elements,
    ),
    LIFECYCLE: Form(
        aws_s3.BucketLifecycleConfiguration,
        "LifecycleConfiguration",
        lambda said, plain: edge_aws_lifecycle.lifecycle_of(said, plain.get(edge_aws_lifecycle.MINIMUM_SIZE_MEMBER)),
        edge_aws_lifecycle.lifecycle_elements,
        lambda it: {edge_aws_lifecycle.MINIMUM_SIZE_MEMBER: it.minimum_size},
    ),
    VERSIONING: Form(
        aws_s3.VersioningConfiguration,
        "VersioningConfiguration",
        lambda said, _: edge_aws_configurations.versioning_of(said),
        edge_aws_configurations.versioning_elements,
    ),
    OBJECT_LOCK: Form(
        aws_s3.ObjectLockConfiguration,
        "ObjectLockConfiguration",
        lambda said, _: edge_aws_locks.bucket_lock_of(said),
        edge_aws_locks.bucket_lock_elements,
    ),
    TAGGING: Form(
        aws_s3.Tagging,
        "Tagging",
        lambda said, _: tagging_model.BucketTagging(edge_aws_tagging.tags_of(said.TagSet or [])),
        lambda it: edge_aws_tagging.tag_elements(it.tags),
    ),
}
_BY_TYPE: Final = {KINDS[kind].type: form for kind, form in FORMS.items()}


def parsed(kind: str, document: str) -> Configuration:
    """Return the configuration that a document says; raises `InvalidArgument`, and what S3 refuses of a shape."""
    row, form = kind_of(kind), FORMS.get(kind)
    if not row.is_kept or (form is None and not row.shape and kind != QUOTA):
        raise INVALID_ARGUMENT.error(parameter="kind", value=kind, allowed="a kind that has documents")
    shape = row.value_type if form is None else form.shape
    try:
        plain = msgspec.json.decode(document)
        if kind != QUOTA:
            plain = timestamps_changed(shape, _read_timestamp, plain)
        said = from_plain("json", plain, shape, strict=True)
    except (msgspec.MsgspecError, MissingMember, MalformedInput, ValueError) as error:
        raise INVALID_ARGUMENT.error(
            parameter="document", value="that is not read", allowed=f"JSON in S3's shape of {kind}: {error}"
        ) from error
    configuration: Configuration = said if form is None else form.parsed(said, plain)
    return configuration


def document(value: Configuration | None) -> str:
    """Return a configuration as a document, an empty text for none."""
    if value is None:
        return ""
    form = _BY_TYPE.get(type(value))
    shaped: Any = value
    besides: Plain = {}
    if form is not None:
        root = aws_xml.parse(f"<{form.root}>{form.elements(value)}</{form.root}>".encode())
        shaped = from_plain("xml", aws_xml.read_values(root, form.root, form.shape), form.shape, strict=False)
        besides = form.besides(value) if form.besides is not None else {}
    plain: Plain = msgspec.to_builtins(shaped)
    if not isinstance(shaped, configuration_model.BucketQuota):
        plain = timestamps_changed(type(shaped), _write_timestamp, plain)
    return msgspec.json.encode({**plain, **besides}).decode()


def _read_timestamp(_format: str) -> Change:
    return lambda value: aws_timestamps.parsed(value) if isinstance(value, str) else value


def _write_timestamp(_format: str) -> Change:
    return aws_timestamps.iso8601_of_s3
