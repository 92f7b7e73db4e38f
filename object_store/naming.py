"""What may be named how: buckets, keys, metadata; and the pages' sizes.

Owns S3's rules for names ("General purpose bucket naming rules", "Naming Amazon S3 objects", "Working with object
metadata", "Categorizing your objects using tags", "Canned ACL"). Promises that what passed here fits into the engine
and into every protocol. Does not know what exists.
"""

import re
from collections.abc import Mapping

from cumulo.core.errors import ServiceError
from cumulo.object_store import listing_model, object_model, tagging_model, upload_model
from cumulo.object_store.errors import (
    INVALID_ARGUMENT,
    INVALID_BUCKET_NAME,
    INVALID_PART_NUMBER_ARGUMENT,
    INVALID_REDIRECT_LOCATION,
    INVALID_STORAGE_CLASS,
    INVALID_TAG,
    KEY_MUST_BE_SPECIFIED,
    KEY_TOO_LONG,
    METADATA_TOO_LARGE,
    TOO_MANY_TAGS,
)

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_IP_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
_RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_METADATA_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
"""A field name of RFC 9110, section 5.1, in lower case: what every protocol can carry."""
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_TAG = re.compile(r"[^\W_]|[\s_.:/=+\-@]")
"""One character of a tag: letters, spaces and numbers of any script, and `_ . : / = + - @`."""
_SHOWN_CHARACTERS_MAX = 80


def check_bucket_name(name: str) -> None:
    """Raise `InvalidBucketName` for what no bucket may be called."""
    allowed = ""
    if _BUCKET.fullmatch(name) is None:
        allowed = "3 to 63 lower-case letters, digits, dots and hyphens, with a letter or digit first and last"
    elif ".." in name:
        allowed = "no two dots side by side"
    elif _IP_ADDRESS.fullmatch(name) is not None:
        allowed = "not in the form of an IP address"
    elif name.startswith(_RESERVED_PREFIXES):
        allowed = "not beginning with " + ", ".join(_RESERVED_PREFIXES)
    elif name.endswith(_RESERVED_SUFFIXES):
        allowed = "not ending with " + ", ".join(_RESERVED_SUFFIXES)
    if allowed:
        raise INVALID_BUCKET_NAME.error(bucket=shown(name), allowed=allowed)


def check_key(key: str) -> None:
    """Raise `KeyTooLongError`, `UserKeyMustBeSpecified`, or `InvalidArgument` for what no object may be called."""
    size = text_bytes("key", key)
    if not key:
        raise KEY_MUST_BE_SPECIFIED.error()
    if size > object_model.KEY_BYTES_MAX:
        raise KEY_TOO_LONG.error(size=size, allowed=object_model.KEY_BYTES_MAX)
    encoded = 2 + size + key.count("\x00")
    if encoded > object_model.KEY_ENCODING_BYTES_MAX:
        raise KEY_TOO_LONG.error(
            size=encoded, allowed=f"{object_model.KEY_ENCODING_BYTES_MAX}, where each NUL character counts as two bytes"
        )


def check_text(parameter: str, text: str, bytes_max: int) -> None:
    """Raise `InvalidArgument` for a text that is too long."""
    size = text_bytes(parameter, text)
    if size > bytes_max:
        raise INVALID_ARGUMENT.error(
            parameter=parameter, value=f"of {size} bytes", allowed=f"at most {bytes_max} bytes"
        )


def text_bytes(parameter: str, text: str) -> int:
    """Return the length of a text in UTF-8; raises `InvalidArgument` where it has none."""
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise INVALID_ARGUMENT.error(
            parameter=parameter, value=repr(shown(text)), allowed="text without surrogates"
        ) from error


def check_content_type(content_type: str) -> None:
    """Raise `InvalidArgument` for what no header can carry."""
    check_text("content_type", content_type, object_model.CONTENT_TYPE_BYTES_MAX)
    if _CONTROL_CHARACTERS.search(content_type) is not None:
        raise INVALID_ARGUMENT.error(
            parameter="content_type", value=repr(content_type), allowed="no control characters"
        )


def check_metadata(metadata: Mapping[str, str], *, of_form: bool = False) -> None:
    """Raise `MetadataTooLarge`, or `InvalidArgument` for a name or value that no header can carry. A form's values came
    in none, and S3 takes any text; it leaves in encoded words.
    """
    size = sum(text_bytes("metadata", name) + text_bytes("metadata", value) for name, value in metadata.items())
    if size > object_model.METADATA_BYTES_MAX:
        raise METADATA_TOO_LARGE.error(size=size, allowed=object_model.METADATA_BYTES_MAX)
    for name, value in metadata.items():
        if _METADATA_NAME.fullmatch(name) is None:
            raise INVALID_ARGUMENT.error(
                parameter="metadata", value=repr(shown(name)), allowed="names are lower-case header field names"
            )
        if not of_form and _CONTROL_CHARACTERS.search(value) is not None:
            raise INVALID_ARGUMENT.error(
                parameter="metadata", value=repr(shown(value)), allowed=f"no control characters in {name}"
            )


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise `InvalidArgument` for a content header that is not kept, is too long, or that no answer can carry, and
    `InvalidRedirectLocation`.
    """
    for name, value in headers.items():
        if name not in object_model.CONTENT_HEADERS:
            raise INVALID_ARGUMENT.error(
                parameter="headers",
                value=repr(shown(name)),
                allowed="one of " + ", ".join(object_model.CONTENT_HEADERS),
            )
        is_redirect = name == object_model.WEBSITE_REDIRECT
        check_text(
            name,
            value,
            object_model.WEBSITE_REDIRECT_BYTES_MAX if is_redirect else object_model.CONTENT_HEADER_BYTES_MAX,
        )
        if _CONTROL_CHARACTERS.search(value) is not None:
            raise INVALID_ARGUMENT.error(parameter=name, value=repr(shown(value)), allowed="no control characters")
        if is_redirect:
            check_redirect(value)


def check_redirect(location: str) -> None:
    """Raise `InvalidRedirectLocation` for a place that no website can lead to."""
    if not location.startswith(("/", "http://", "https://")):
        raise INVALID_REDIRECT_LOCATION.error(location=shown(location))


def check_storage_class(storage_class: str) -> None:
    """Raise `InvalidStorageClass` for a name that S3 does not know; an empty one is the standard class."""
    if storage_class and storage_class not in object_model.STORAGE_CLASSES:
        raise INVALID_STORAGE_CLASS.error(storage_class=shown(storage_class))


_RESERVED_TAG = {
    "Bucket": "System tags cannot be added/updated by requester",
    "Object": "Your TagKey cannot be prefixed with aws:",
}


def check_tags(tags: Mapping[str, str], what: str, tags_max: int) -> None:
    """Raise `BadRequest` for too many tags, `InvalidTag` for one that cannot be; `what` is said to bear them."""
    if len(tags) > tags_max:
        raise TOO_MANY_TAGS.error(what=what, allowed=tags_max)
    for key, value in tags.items():
        if not 1 <= len(key) <= tagging_model.TAG_KEY_CHARACTERS_MAX or not _is_tag_text(key):
            raise INVALID_TAG.error(reason="The TagKey you have provided is invalid", key=shown(key))
        if len(value) > tagging_model.TAG_VALUE_CHARACTERS_MAX or not _is_tag_text(value):
            reason = "The TagValue you have provided is invalid"
            raise INVALID_TAG.error(reason=reason, key=shown(key), value=shown(value))
        if key.startswith("aws:"):
            raise INVALID_TAG.error(reason=_RESERVED_TAG[what], key=shown(key))


def check_unreserved(tags: Mapping[str, str]) -> None:
    """Raise `InvalidTag` where a new bucket is to bear a tag of the system's, which S3 refuses in other words."""
    if any(key.startswith("aws:") for key in tags):
        raise INVALID_TAG.error(
            reason='User-defined tag keys can\'t start with "aws:". This prefix is reserved for system tags. Remove '
            '"aws:" from your tag keys and try again.'
        )


def _is_tag_text(text: str) -> bool:
    return all(_TAG.match(character) is not None for character in text)


def check_part_number(part_number: int) -> None:
    """Raise `InvalidArgument` for a number that no part can have."""
    if not 1 <= part_number <= upload_model.PARTS_MAX:
        raise INVALID_PART_NUMBER_ARGUMENT.error(parameter="partNumber", value=part_number)


def check_page_size(page_size: int) -> int:
    """Return how many entries a page may hold; 0 asks for all that it can, and so does more, as in S3."""
    if page_size < 0:
        raise out_of_range("page_size", page_size, f"0 to {listing_model.PAGE_MAX}")
    return min(page_size, listing_model.PAGE_MAX) or listing_model.PAGE_MAX


def out_of_range(parameter: str, value: object, allowed: str) -> ServiceError:
    """Return the error for a number beyond its bounds."""
    return INVALID_ARGUMENT.error(parameter=parameter, value=value, allowed=allowed)


def shown(text: str) -> str:
    """Return as much of a text as an error message repeats."""
    cut = text if len(text) <= _SHOWN_CHARACTERS_MAX else text[:_SHOWN_CHARACTERS_MAX] + "…"
    return cut.encode("utf-8", "replace").decode()
