"""Who calls, and whom a policy means: the Principal and NotPrincipal elements.

Owns the caller's description, the check of principals at write, and the level at which an element names a caller. Users
and roles are known by unique id: a name can be deleted and made anew, and the new one must not inherit what the old one
was given. Does not know who exists; the exchange of names and ids is in `stored_principals`.
"""

import enum
import re
from collections.abc import Callable

import msgspec

from cumulo.core.names import is_account_id, parse_arn
from cumulo.identity.policy.context_keys import FoldedKeys
from cumulo.identity.policy.malformed import MalformedPolicy
from cumulo.identity.policy.strict_json import Node, describe, require_text, unique_members

EVERYONE = "*"


class PrincipalKind(enum.StrEnum):
    """What kind of caller it is. A role never calls; its sessions do."""

    ANONYMOUS = "anonymous"
    ROOT = "root"
    USER = "user"
    ROLE_SESSION = "role_session"
    FEDERATED = "federated"
    """A session of GetFederationToken: `user_id` and `user_arn` name who asked for it."""
    WEB_IDENTITY = "web_identity"
    """The bearer of a foreign token that asks to assume a role; `name` is the issuer's host or the provider's ARN."""
    SERVICE = "service"
    """`name` is its host, such as `s3.amazonaws.com`."""


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """An authenticated caller, or the anonymous one.

    `id` is what `aws:userid` shows: `AIDA…` of a user, `AROA…:session` of a role session, the account id of its root.
    `canonical_id` is the account's id in S3's spelling.
    """

    kind: PrincipalKind
    account: str = ""
    arn: str = ""
    id: str = ""
    name: str = ""
    role_arn: str = ""
    role_id: str = ""
    user_arn: str = ""
    user_id: str = ""
    canonical_id: str = ""


ANONYMOUS = Principal(kind=PrincipalKind.ANONYMOUS)

_PRINCIPAL_TYPES = {
    PrincipalKind.ANONYMOUS: "Anonymous",
    PrincipalKind.ROOT: "Account",
    PrincipalKind.USER: "User",
    PrincipalKind.ROLE_SESSION: "AssumedRole",
    PrincipalKind.FEDERATED: "FederatedUser",
}


def principal_keys(principal: Principal) -> FoldedKeys:
    """Return the condition keys that follow from the caller alone; tags and token facts come from the session."""
    keys = FoldedKeys({"aws:principalisawsservice": "true" if principal.kind is PrincipalKind.SERVICE else "false"})
    if principal.kind is PrincipalKind.SERVICE:
        keys["aws:principalservicename"] = principal.name
    if principal.kind in _PRINCIPAL_TYPES:
        keys["aws:principaltype"] = _PRINCIPAL_TYPES[principal.kind]
    if not principal.account or principal.kind is PrincipalKind.WEB_IDENTITY:
        return keys
    keys["aws:principalarn"] = principal.role_arn if principal.kind is PrincipalKind.ROLE_SESSION else principal.arn
    keys["aws:principalaccount"] = principal.account
    keys["aws:userid"] = principal.id
    if principal.kind is PrincipalKind.USER:
        keys["aws:username"] = principal.name
    return keys


class Level(enum.IntEnum):
    """How closely a resource policy names a caller; what each level grants stands in `decision`."""

    NONE = 0
    ACCOUNT = 1
    ROLE = 2
    """The role of a role session, or the user of a federated session."""
    DIRECT = 3


# An enumeration's member costs a look-up through its class; these stand on the path of every decision.
_NONE, _ACCOUNT, _ROLE, _DIRECT = Level
_ANONYMOUS, _ROOT, _USER, _ROLE_SESSION, _FEDERATED, _WEB_IDENTITY, _SERVICE = PrincipalKind


class PrincipalElement(msgspec.Struct, frozen=True):
    """A Principal or NotPrincipal element; `everyone` stands for `*` in either spelling."""

    everyone: bool = False
    aws: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    federated: tuple[str, ...] = ()
    canonical_user: tuple[str, ...] = ()


_FIELDS = {"AWS": "aws", "Service": "service", "Federated": "federated", "CanonicalUser": "canonical_user"}
_UNIQUE_ID = re.compile(r"A(?:IDA|ROA)[A-Z0-9]{12,124}")
_SERVICE_NAME = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_CANONICAL_USER = re.compile(r"[0-9a-f]{64}")
_NAME = r"[A-Za-z0-9_+=,.@-]+"
# A path is any printable ASCII but the wildcards; its parts are cut at slashes, so that there is one way to read it.
_IAM_RESOURCE = re.compile(rf"root|(?:user|role)/(?:[\x21-\x29\x2b-\x2e\x30-\x3e\x40-\x7e]*+/)*+{_NAME}")
_STS_RESOURCE = re.compile(rf"assumed-role/{_NAME}/{_NAME}|federated-user/{_NAME}")
_ALLOWED_AWS = '"*", an account id, or the ARN of an account\'s root, a user, a role or a session, without wildcards'


def read_principal(node: Node, path: str, *, stored: bool) -> PrincipalElement:
    """Return a Principal or NotPrincipal element.

    At write only `"*"` may stand as a bare text. In stored text a bare principal is read as `{"AWS": …}` (decision D5),
    and its members are taken as they are: they were checked at write.
    """
    if isinstance(node, str):
        if node == EVERYONE:
            return PrincipalElement(everyone=True)
        if not stored:
            raise MalformedPolicy(
                f'Invalid principal in policy: {describe(node)}; only "*" may stand alone, others in an object.',
                path,
            )
        return PrincipalElement(aws=(node,))
    listed: dict[str, tuple[str, ...]] = {}
    everyone = False
    for name, value in unique_members(node, path, '"*" or an object').items():
        member_path = f"{path}.{name}"
        if name not in _FIELDS:
            raise MalformedPolicy(f"Unknown principal type {describe(name)}; allowed are {', '.join(_FIELDS)}.", path)
        texts = tuple(text for text, _ in _texts(value, member_path))
        if not stored:
            for text, text_path in _texts(value, member_path):
                _check_principal(name, text, text_path)
        if name == "AWS" and EVERYONE in texts:
            everyone = True
        listed[_FIELDS[name]] = texts
    if not any(listed.values()):
        raise MalformedPolicy("No principal is named; at least one is due.", path)
    return PrincipalElement(everyone=everyone, **listed)


def _texts(node: Node, path: str) -> list[tuple[str, str]]:
    """Return the texts of one value or of a list of values, each with its path."""
    if isinstance(node, list):
        return [(require_text(member, f"{path}[{index}]"), f"{path}[{index}]") for index, member in enumerate(node)]
    return [(require_text(node, path), path)]


def _check_principal(name: str, text: str, path: str) -> None:
    match name:
        case "AWS":
            valid, allowed = _is_aws_principal(text), _ALLOWED_AWS
        case "Service":
            valid, allowed = _SERVICE_NAME.fullmatch(text) is not None, "a service's name such as s3.amazonaws.com"
        case "CanonicalUser":
            valid, allowed = _CANONICAL_USER.fullmatch(text) is not None, "64 hexadecimal digits"
        case _:
            valid = bool(text) and not any(mark in text for mark in "*? ")
            allowed = "an issuer's host or the ARN of a provider, without wildcards"
    if not valid:
        raise MalformedPolicy(f"Invalid principal in policy: {describe(text)}; allowed is {allowed}.", path)


def _is_aws_principal(text: str) -> bool:
    if text == EVERYONE or is_account_id(text) or _UNIQUE_ID.fullmatch(text):
        return True
    arn = parse_arn(text)
    if arn is None or arn.region or not is_account_id(arn.account):
        return False
    form = {"iam": _IAM_RESOURCE, "sts": _STS_RESOURCE}.get(arn.service)
    return form is not None and form.fullmatch(arn.resource) is not None


def is_unique_id(text: str) -> bool:
    """Say whether `text` has the form of a user's or a role's unique id."""
    return _UNIQUE_ID.fullmatch(text) is not None


def is_user_or_role_arn(text: str) -> bool:
    """Say whether `text` is the ARN of a user or a role, which is stored as a unique id."""
    arn = parse_arn(text)
    return arn is not None and arn.service == "iam" and arn.resource.startswith(("user/", "role/"))


class PrincipalMatcher:
    """A Principal or NotPrincipal element, compiled.

    `level(principal, has_boundary)` says how closely the statement names the caller. For NotPrincipal it is DIRECT for
    everyone who is hit and NONE for those who are spared.
    """

    def __init__(self, element: PrincipalElement, *, negated: bool) -> None:
        self._everyone = element.everyone
        self._services = frozenset(element.service) - {""}
        self._federated = frozenset(element.federated) - {""}
        self._canonical_users = frozenset(element.canonical_user) - {""}
        self._names = frozenset(element.aws) - {""}
        self._accounts = frozenset(map(_account_of, element.aws)) - {""}
        self._roles = frozenset(map(_role_name_of, element.aws)) - {("", "")}
        self.level: Callable[[Principal, bool], Level] = self._level_if_not_listed if negated else self._level

    def _level(self, principal: Principal, _has_boundary: bool) -> Level:  # noqa: FBT001
        if self._everyone:
            return _DIRECT
        kind = principal.kind
        if kind is _USER:
            direct = principal.id in self._names or principal.arn in self._names
        elif kind is _ROOT:
            direct = self._names_account(principal)
        elif kind is _SERVICE:
            return _DIRECT if principal.name in self._services else _NONE
        elif kind is _WEB_IDENTITY:
            return _DIRECT if self._names_provider(principal) else _NONE
        elif kind is _ANONYMOUS:
            return _NONE
        else:
            direct = principal.arn in self._names
        if direct:
            return _DIRECT
        if self._names_origin(principal):
            return _ROLE
        return _ACCOUNT if self._names_account(principal) else _NONE

    def _names_account(self, principal: Principal) -> bool:
        return principal.account in self._accounts or principal.canonical_id in self._canonical_users

    def _names_origin(self, principal: Principal) -> bool:
        """Say whether the element names the role of a role session or the user of a federated session."""
        if principal.kind is _ROLE_SESSION:
            return principal.role_id in self._names or (
                bool(self._roles) and _role_name_of(principal.role_arn) in self._roles
            )
        return principal.kind is _FEDERATED and (principal.user_id in self._names or principal.user_arn in self._names)

    def _names_provider(self, principal: Principal) -> bool:
        provider_arn = f"arn:aws:iam::{principal.account}:oidc-provider/{principal.name}"
        return principal.name in self._federated or provider_arn in self._federated

    def _level_if_not_listed(self, principal: Principal, has_boundary: bool) -> Level:  # noqa: FBT001
        """Spare whom the list names in full: a session together with its origin and account, others by themselves.

        A caller with a permissions boundary is never spared.
        """
        if has_boundary:
            return _DIRECT
        spared = self._level(principal, has_boundary) is _DIRECT
        if spared and not self._everyone and principal.kind in {_ROLE_SESSION, _FEDERATED}:
            spared = self._names_origin(principal) and self._names_account(principal)
        return _NONE if spared else _DIRECT


def _account_of(text: str) -> str:
    """Return the account that an account id or a root ARN means, else an empty text."""
    if is_account_id(text):
        return text
    arn = parse_arn(text)
    return arn.account if arn is not None and arn.service == "iam" and arn.resource == "root" else ""


def _role_name_of(text: str) -> tuple[str, str]:
    """Return account and name of a role ARN: session ARNs carry no path, so the path plays no part."""
    arn = parse_arn(text)
    if arn is None or arn.service != "iam" or not arn.resource.startswith("role/"):
        return ("", "")
    return (arn.account, arn.resource.rpartition("/")[2])
