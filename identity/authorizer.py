"""The one decision: may this caller do these things to this resource? Default deny."""

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.operations import Checks


class Guard(msgspec.Struct, frozen=True):
    """What protects a resource: the account that owns it, and its own policy (JSON text, empty when it has none)."""

    account: str
    policy: str = ""


class Authorizer:
    """Decides; default deny."""

    def authorize(self, ctx: CallContext, checks: Checks, guard: Guard) -> None:
        """Return when every check is allowed; raise `AccessDenied` with the reason otherwise."""
        raise NotImplementedError
