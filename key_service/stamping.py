"""What a transaction function of the room gets: the request, and everything that was looked up or drawn before it."""

from typing import Any

import msgspec

from cumulo.storage.storage_keys import WrappedKey

NO_MATERIAL = WrappedKey(0, b"")


class Stamped(msgspec.Struct, frozen=True, kw_only=True):
    """A request with its surroundings.

    `wall_ms` is what is shown and kept, `now_ms` what due entries are measured by. `key` is the id that the request is
    about, `fresh` new material for it, `policy` a policy as it is stored; `after` is where a listing goes on, behind
    that row, and `limit` how many rows a page has.
    """

    request: Any
    account: str
    region: str
    wall_ms: int
    now_ms: int
    key: bytes = b""
    material: int = 0
    fresh: WrappedKey = NO_MATERIAL
    policy: str = ""
    after: bytes = b""
    limit: int = 0
