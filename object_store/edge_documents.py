"""Configurations as documents: JSON in the words of S3's own API, as its SDKs and command lines take and give it.

Owns the way between a document, S3's shape and what the room keeps. Where the room keeps S3's shape there is nothing to
do; where it has a form of its own, the pages of the AWS edge know the way to and from XML, and the document goes along.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from cumulo.gateway import aws_xml
from cumulo.gateway.aws_shapes import from_plain
from cumulo.object_store import aws_s3, edge_aws_configurations, edge_aws_tagging, model
from cumulo.object_store.configurations import (
    ENCRYPTION,
    KINDS,
    OWNERSHIP_CONTROLS,
    PUBLIC_ACCESS_BLOCK,
    QUOTA,
    TAGGING,
    kind_of,
)
from cumulo.object_store.errors import INVALID_ARGUMENT
from cumulo.object_store.model import Configuration


class Form(msgspec.Struct, frozen=True):
    """How a kind that the room keeps in a form of its own is written: S3's shape and its root element, what the room
    makes of it, and the elements of what the room keeps.
    """

    shape: type[Any]
    root: str
    parsed: Callable[[Any], Configuration]
    elements: Callable[[Any], str]


FORMS: Final = {
    PUBLIC_ACCESS_BLOCK: Form(
        aws_s3.PublicAccessBlockConfiguration,
        "PublicAccessBlockConfiguration",
        edge_aws_configurations.public_access_block_of,
        edge_aws_configurations.public_access_block_elements,
    ),
    OWNERSHIP_CONTROLS: Form(
        aws_s3.OwnershipControls,
        "OwnershipControls",
        edge_aws_configurations.ownership_controls_of,
        edge_aws_configurations.ownership_controls_elements,
    ),
    ENCRYPTION: Form(
        aws_s3.ServerSideEncryptionConfiguration,
        "ServerSideEncryptionConfiguration",
        edge_aws_configurations.encryption_of,
        edge_aws_configurations.encryption_elements,
    ),
    TAGGING: Form(
        aws_s3.Tagging,
        "Tagging",
        lambda said: model.BucketTagging(edge_aws_tagging.tags_of(said.TagSet)),
        lambda it: edge_aws_tagging.tag_elements(it.tags),
    ),
}
_BY_TYPE: Final = {KINDS[kind].type: form for kind, form in FORMS.items()}


def parsed(kind: str, document: str) -> Configuration:
    """Return the configuration that a document says; raises `InvalidArgument`."""
    row, form = kind_of(kind), FORMS.get(kind)
    if not row.is_kept or (form is None and not row.shape and kind != QUOTA):
        raise INVALID_ARGUMENT.error(parameter="kind", value=kind, allowed="a kind that has documents")
    try:
        said = msgspec.json.decode(document, type=row.value_type if form is None else form.shape, strict=True)
    except msgspec.MsgspecError as error:
        raise INVALID_ARGUMENT.error(
            parameter="document", value="that is not read", allowed=f"JSON in S3's shape of {kind}: {error}"
        ) from error
    configuration: Configuration = said if form is None else form.parsed(said)
    return configuration


def document(value: Configuration | None) -> str:
    """Return a configuration as a document, an empty text for none."""
    if value is None:
        return ""
    form = _BY_TYPE.get(type(value))
    if form is None:
        return msgspec.json.encode(value).decode()
    root = aws_xml.parse(f"<{form.root}>{form.elements(value)}</{form.root}>".encode())
    values = aws_xml.read_values(root, form.root, form.shape)
    return msgspec.json.encode(from_plain("xml", values, form.shape, strict=False)).decode()
