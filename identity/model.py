"""What all requests of identity have in common: their bases, what is found out for them, pages, names and tags.

Owns what stands between the edge and the concepts whatever the subject is; the subjects' own types stand in
`<subject>_model.py`, frozen and already parsed likewise. Knows neither the wire nor the keys under which anything is
stored. Limits are IAM's ("IAM and AWS STS quotas", IAM User Guide) unless said otherwise.
"""

from typing import Generic, TypeVar

import msgspec

TAGS_MAX = 50
"""On one user or one policy."""
TAG_KEY_CHARACTERS_MAX = 128
TAG_VALUE_CHARACTERS_MAX = 256
NAME_CHARACTERS_MAX = 128
"""Names of groups, managed and inline policies."""
PATH_CHARACTERS_MAX = 512
PAGE_SIZE_DEFAULT = 100
PAGE_SIZE_MAX = 1_000

DAY_MS = 86_400_000
CONTROL_WINDOW_MS = DAY_MS
"""How long a control call's request id is remembered."""

Tags = tuple[tuple[str, str], ...]
"""Keys and values; keys are unique without regard to case."""


class Target(msgspec.Struct, frozen=True):
    """A user, group, managed policy or root that a request names, as a snapshot showed it.

    `id` is empty where nothing of that name exists; `arn` is then the one that it would have at the path `/`. Functions
    look again in their own transaction and take another id for absence: what was authorised is what is changed.
    """

    account: str
    name: str
    id: str
    arn: str
    tags: Tags = ()

    @property
    def path(self) -> str:
        """The path in its ARN."""
        return f"/{self.arn.partition('/')[2]}".removesuffix(self.name)

    @property
    def is_root(self) -> bool:
        """Say whether it is the account's root, which bears the account's number as its id."""
        return self.id == self.account


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the requests. A field called `user`, `group` or `policy` names something that must be looked up."""


class Mutation(Request, frozen=True, kw_only=True):
    """Base of the requests that change something; a `request_id` makes a repeat harmless."""

    request_id: str = ""


class Listing(Request, frozen=True, kw_only=True):
    """Base of the listings: `page_size` 0 means the default."""

    page_size: int = 0
    page_token: str = ""


R = TypeVar("R", bound=Request)


class Page(msgspec.Struct, frozen=True):
    """Where a listing goes on: at most `size` rows behind `after` (an empty text: from the start)."""

    size: int
    after: str = ""


class NewKey(msgspec.Struct, frozen=True):
    """An access key to be stored; its secret is sealed already."""

    access_key_id: str
    sealed: bytes


class Stamped(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """A request with all that was found out and drawn for it: what checks and transaction functions get.

    `account` is whose affair it is. `now_ms` is wall time, for dates that people see; `deadline_ms` is for the due
    index. Each other field is set for the requests that need it: `user`, `group` and `policy` are what the request
    names, `new_id` and `new_key` are for what it makes, `page` is where a listing goes on.
    """

    request: R
    account: str
    now_ms: int
    deadline_ms: int
    user: Target | None = None
    group: Target | None = None
    policy: Target | None = None
    access_key_id: str = ""
    principal_id: str = ""
    token_id: str = ""
    new_id: str = ""
    new_key: NewKey | None = None
    page: Page | None = None

    @property
    def the_user(self) -> Target:
        """The user of a request that names one."""
        assert self.user is not None
        return self.user

    @property
    def the_group(self) -> Target:
        """The group of a request that names one."""
        assert self.group is not None
        return self.group

    @property
    def the_policy(self) -> Target:
        """The managed policy of a request that names one."""
        assert self.policy is not None
        return self.policy

    @property
    def the_page(self) -> Page:
        """The page of a listing."""
        assert self.page is not None
        return self.page


T = TypeVar("T")


class Listed(msgspec.Struct, Generic[T], frozen=True):
    """A page of a listing. A transaction puts the last key into `next_page`; the service seals it into a token."""

    items: tuple[T, ...]
    next_page: str = ""
