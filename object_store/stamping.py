"""What a transaction function is given: a checked request, the partition that it is about, times, and who asked.

Owns the one form in which everything that is not pure gets into a transaction.
"""

from typing import Any

import msgspec

from cumulo.object_store.acl_model import Acl, Grant
from cumulo.object_store.enclosures import Enclosed
from cumulo.object_store.encryption import Plan
from cumulo.object_store.encryption_model import Encryption
from cumulo.object_store.lifecycle_rules import S3_TERMS, Terms


class Origin(msgspec.Struct, frozen=True):
    """Who caused a change, as an event tells it; `arn` is the caller's, `trace_header` his X-Ray's."""

    principal_id: str = ""
    source_ip: str = ""
    request_id: str = ""
    arn: str = ""
    trace_header: str = ""


NOBODY = Origin()


class Stamped(msgspec.Struct, frozen=True, kw_only=True):
    """A request ready to run.

    `partition` is the bucket's, empty where there is none. `now_ms` is the deadline clock for what must wait, `wall_ms`
    the system's for what people read. `upload` is the number that an upload id stands for. `after` is where a listing
    goes on. `enclosed` are messages that the commit carries. `lifecycle` is the digest of the bucket's rules, `terms`
    are by what rules act. `acl` is that of a new object; `grants`
    are those that replace a list's, None where it is a canned one. `plan` is how what is to come is encrypted, and is
    gone before a transaction; `encryption` is what became of it. `is_versioned` says that
    the bucket's versions have ids. `shows_retention` and `shows_hold` say what the caller may know of a lock.
    """

    request: Any
    partition: bytes = b""
    now_ms: int = 0
    wall_ms: int = 0
    origin: Origin = NOBODY
    upload: int = 0
    after: bytes = b""
    limit: int = 0
    lifecycle: bytes = b""
    terms: Terms = S3_TERMS
    enclosed: Enclosed | None = None
    acl: Acl | None = None
    grants: tuple[Grant, ...] | None = None
    plan: Plan | None = None
    encryption: Encryption | None = None
    is_versioned: bool = False
    shows_retention: bool = False
    shows_hold: bool = False
