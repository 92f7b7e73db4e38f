"""Tags of users and managed policies, which policies may ask for (`aws:PrincipalTag`, `aws:ResourceTag`).

Pure functions of a transaction, and the rules of IAM for tags ("Tags for AWS Identity and Access Management resources",
IAM User Guide): keys are unique without regard to case and keep the case in which they were written.
"""

import re
from typing import Any, Final

import msgspec

from cumulo.identity import directory
from cumulo.identity.errors import CONSTRAINT, DUPLICATE_TAGS, LIMIT_EXCEEDED
from cumulo.identity.model import (
    TAG_KEY_CHARACTERS_MAX,
    TAG_VALUE_CHARACTERS_MAX,
    TAGS_MAX,
    Listed,
    Page,
    Stamped,
    Tags,
)
from cumulo.identity.policy_model import ListPolicyTags, TagPolicy, UntagPolicy
from cumulo.identity.user_model import ListUserTags, TagUser, UntagUser
from cumulo.storage.engine import ReadTxn, Txn

_PATTERN: Final = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]"
# \w is all letters, digits and the underscore; \s stands for \p{Z} less control characters, which are refused first.
_TEXT: Final = re.compile(r"[\w\s.:/=+\-@]*")
_RESERVED: Final = "aws:"


def require_tags(tags: Tags) -> None:
    """Refuse tags that break IAM's rules; raises `ValidationError`, `InvalidInput`. Needs no transaction."""
    if len(tags) > TAGS_MAX:
        raise CONSTRAINT.error(
            value=len(tags), parameter="tags", allowed=f"have length less than or equal to {TAGS_MAX}"
        )
    for number, (key, value) in enumerate(tags, 1):
        require_key(key, f"tags.{number}.member.key")
        _require_text(value, f"tags.{number}.member.value", TAG_VALUE_CHARACTERS_MAX)
    if len({key.lower() for key, _ in tags}) != len(tags):
        raise DUPLICATE_TAGS.error()


def require_key(key: str, parameter: str) -> None:
    """Refuse what cannot be a tag's key; raises `ValidationError`."""
    if not key:
        raise CONSTRAINT.error(value="", parameter=parameter, allowed="have length greater than or equal to 1")
    _require_text(key, parameter, TAG_KEY_CHARACTERS_MAX)
    if key.lower().startswith(_RESERVED):
        raise CONSTRAINT.error(value=key, parameter=parameter, allowed=f"not begin with {_RESERVED}")


def _require_text(text: str, parameter: str, characters_max: int) -> None:
    if len(text) > characters_max:
        shown = f"{text[:100]}..."
        allowed = f"have length less than or equal to {characters_max}"
        raise CONSTRAINT.error(value=shown, parameter=parameter, allowed=allowed)
    if not _TEXT.fullmatch(text) or not text.replace("\u3000", " ").isprintable():
        allowed = f"satisfy regular expression pattern: {_PATTERN}+"
        raise CONSTRAINT.error(value=ascii(text), parameter=parameter, allowed=allowed)


def tag_user(txn: Txn, stamped: Stamped[TagUser]) -> None:
    """Set tags of a user; raises `NoSuchEntity`, `LimitExceeded`."""
    target = stamped.the_user
    record = directory.require_user(txn, target)
    tags = _with(record.tags, stamped.request.tags, "TagsPerUser")
    directory.put_user(txn, target.id, msgspec.structs.replace(record, tags=tags))
    directory.changed(txn)


def untag_user(txn: Txn, stamped: Stamped[UntagUser]) -> None:
    """Remove tags of a user; raises `NoSuchEntity`."""
    target = stamped.the_user
    record = directory.require_user(txn, target)
    tags = _without(record.tags, stamped.request.tag_keys)
    directory.put_user(txn, target.id, msgspec.structs.replace(record, tags=tags))
    directory.changed(txn)


def list_of_user(txn: ReadTxn, stamped: Stamped[ListUserTags]) -> Listed[tuple[str, str]]:
    """Return a page of a user's tags in order of their keys; raises `NoSuchEntity`."""
    return _page(directory.require_user(txn, stamped.the_user).tags, stamped.the_page)


def tag_policy(txn: Txn, stamped: Stamped[TagPolicy]) -> None:
    """Set tags of a managed policy; raises `NoSuchEntity`, `LimitExceeded`."""
    target = stamped.the_policy
    record = directory.require_policy(txn, target)
    tags = _with(record.tags, stamped.request.tags, "TagsPerPolicy")
    directory.put_policy(txn, target.id, msgspec.structs.replace(record, tags=tags))


def untag_policy(txn: Txn, stamped: Stamped[UntagPolicy]) -> None:
    """Remove tags of a managed policy; raises `NoSuchEntity`."""
    target = stamped.the_policy
    record = directory.require_policy(txn, target)
    tags = _without(record.tags, stamped.request.tag_keys)
    directory.put_policy(txn, target.id, msgspec.structs.replace(record, tags=tags))


def list_of_policy(txn: ReadTxn, stamped: Stamped[ListPolicyTags]) -> Listed[tuple[str, str]]:
    """Return a page of a managed policy's tags in order of their keys; raises `NoSuchEntity`."""
    return _page(directory.require_policy(txn, stamped.the_policy).tags, stamped.the_page)


def resource_keys(tags: Tags) -> dict[str, str | tuple[str, ...]]:
    """Return the condition keys that a tagged resource of IAM brings into a request about it."""
    found: dict[str, str | tuple[str, ...]] = {}
    for key, value in tags:
        found[f"aws:ResourceTag/{key}"] = found[f"iam:ResourceTag/{key}"] = value
    return found


def request_keys(tags: Tags, tag_keys: tuple[str, ...] = ()) -> dict[str, str | tuple[str, ...]]:
    """Return the condition keys of a request that sets `tags` or removes those of `tag_keys`."""
    found: dict[str, str | tuple[str, ...]] = {f"aws:RequestTag/{key}": value for key, value in tags}
    named = tuple(key for key, _ in tags) + tag_keys
    if named:
        found["aws:TagKeys"] = named
    return found


def _with(old: Tags, new: Tags, quota: str) -> Tags:
    replaced = {key.lower() for key, _ in new}
    tags = (*(tag for tag in old if tag[0].lower() not in replaced), *new)
    if len(tags) > TAGS_MAX:
        raise LIMIT_EXCEEDED.error(quota=quota, limit=TAGS_MAX)
    return tags


def _without(old: Tags, tag_keys: tuple[str, ...]) -> Tags:
    removed = {key.lower() for key in tag_keys}
    return tuple(tag for tag in old if tag[0].lower() not in removed)


def _page(tags: Tags, page: Page) -> Listed[Any]:
    rest = sorted((tag for tag in tags if tag[0].lower() > page.after), key=lambda tag: tag[0].lower())
    taken = rest[: page.size]
    return Listed(tuple(taken), taken[-1][0].lower() if len(rest) > len(taken) else "")
