"""A policy document: JSON text in, statements out, or a precise refusal.

Owns IAM's policy grammar and the limits of each kind of document. `parse_policy` is for text that a caller sends: what
it accepts can be stored. `read_policy` is for stored text: it takes what older versions accepted (and what would be a
surprise must then be safe: see `conditions` for unknown operators, `compiled` for NotPrincipal with Allow). Does not
know who exists, which actions exist, or whose resource an ARN is.

Sources: IAM User Guide, "Grammar of the IAM JSON policy language", "IAM and AWS STS quotas"; S3 and SQS user guides for
the size of bucket and queue policies.
"""

import enum
import re

import msgspec

from cumulo.identity.policy.conditions import OPERATOR_NAMES, Condition, compile_condition, parse_operator
from cumulo.identity.policy.malformed import MalformedPolicy
from cumulo.identity.policy.patterns import ShortArn, compile_resource
from cumulo.identity.policy.principals import PrincipalElement, read_principal
from cumulo.identity.policy.strict_json import (
    WHITE_SPACE,
    Node,
    Number,
    describe,
    parse_json,
    require_text,
    unique_members,
)

VERSIONS = ("2012-10-17", "2008-10-17")
VERSION_WITH_VARIABLES = VERSIONS[0]
STATEMENTS_MAX = 500
"""More do not fit into 20 KiB; a bound of its own keeps the reader linear whatever the sizes become."""


class Effect(enum.StrEnum):
    """What a statement does when it applies."""

    ALLOW = "Allow"
    DENY = "Deny"


class PolicyKind(enum.StrEnum):
    """The part that a policy plays in a decision; the words are those of AWS's denial texts."""

    IDENTITY = "identity-based policy"
    RESOURCE = "resource-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    SCP = "service control policy"
    RCP = "resource control policy"
    ENDPOINT = "VPC endpoint policy"

    @property
    def has_principal(self) -> bool:
        """Say whether statements of this kind name principals."""
        return self in {PolicyKind.RESOURCE, PolicyKind.RCP, PolicyKind.ENDPOINT}

    @property
    def short_arn(self) -> ShortArn:
        """What a Resource with fewer than six segments means in this kind."""
        match self:
            case PolicyKind.RESOURCE | PolicyKind.ENDPOINT:
                return ShortArn.REST_IS_ANY_IF_WILD
            case PolicyKind.SCP:
                return ShortArn.REST_IS_ANY_IF_WILD_END
            case PolicyKind.RCP:
                return ShortArn.INVALID
        return ShortArn.REST_IS_ANY


class DocumentKind(enum.Enum):
    """A kind of document as it is written: the part it plays, and its size in bytes without white space."""

    MANAGED = ("managed policy", PolicyKind.IDENTITY, 6144)
    USER_INLINE = ("user policy", PolicyKind.IDENTITY, 2048)
    GROUP_INLINE = ("group policy", PolicyKind.IDENTITY, 5120)
    ROLE_INLINE = ("role policy", PolicyKind.IDENTITY, 10240)
    SESSION = ("session policy", PolicyKind.SESSION, 2048)
    TRUST = ("trust policy", PolicyKind.RESOURCE, 2048)
    QUEUE = ("queue policy", PolicyKind.RESOURCE, 20 * 1024)
    BUCKET = ("bucket policy", PolicyKind.RESOURCE, 20 * 1024)
    KEY = ("key policy", PolicyKind.RESOURCE, 32 * 1024)
    SCP = ("service control policy", PolicyKind.SCP, 5120)
    RCP = ("resource control policy", PolicyKind.RCP, 5120)
    ENDPOINT = ("endpoint policy", PolicyKind.ENDPOINT, 20 * 1024)

    def __init__(self, title: str, policy_kind: PolicyKind, size_max: int) -> None:
        self.title = title
        self.policy_kind = policy_kind
        self.size_max = size_max

    @property
    def is_iam_text(self) -> bool:
        """Say whether IAM's own limits on Sid hold; queues, buckets and keys take any text."""
        return self not in {DocumentKind.QUEUE, DocumentKind.BUCKET, DocumentKind.KEY, DocumentKind.ENDPOINT}


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One statement as written; a single value has become a list of one.

    `resources` is None where the kind has no Resource element (trust policies). `index` counts from 0.
    """

    index: int
    sid: str
    effect: Effect
    principal: PrincipalElement | None
    not_principal: bool
    actions: tuple[str, ...]
    not_action: bool
    resources: tuple[str, ...] | None
    not_resource: bool
    conditions: tuple[Condition, ...]


class PolicyDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed policy; `variables` says whether its version gives `${…}` a meaning."""

    version: str
    id: str
    statements: tuple[Statement, ...]

    @property
    def variables(self) -> bool:
        """Say whether `${…}` is a variable: only since 2012-10-17."""
        return self.version == VERSION_WITH_VARIABLES


def counted_size(text: str) -> int:
    """Return the bytes of `text` that count against a limit: all but white space."""
    return len(text.encode(errors="surrogatepass")) - sum(map(text.count, WHITE_SPACE))


def parse_policy(text: str, kind: DocumentKind) -> PolicyDocument:
    """Return the document that a caller wants to store.

    Raises `MalformedPolicy` for everything that the grammar, the kind's limits or the rules for principals, resources,
    operators and variables refuse.
    """
    size = counted_size(text)
    if size > kind.size_max:
        raise MalformedPolicy(
            f"The {kind.title} has {size} bytes without white space; at most {kind.size_max} are allowed."
        )
    return _Reader(kind.policy_kind, kind).document(parse_json(text))


def read_policy(text: str, kind: PolicyKind) -> PolicyDocument:
    """Return a stored document; raises `MalformedPolicy` where it cannot even be read, which must deny the request."""
    return _Reader(kind, None).document(parse_json(text))


_EFFECTS = {effect.value: effect for effect in Effect}
_SID = re.compile(r"[0-9A-Za-z]*")
_ACTION = re.compile(r"\*|[\x21-\x39\x3b-\x7e]+:[\x20-\x7e]+")
_DOCUMENT_MEMBERS = ("Version", "Id", "Statement")
_STATEMENT_MEMBERS = (
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
)


class _Reader:
    """Walks the nodes of one document; `written` is None for stored text."""

    def __init__(self, kind: PolicyKind, written: DocumentKind | None) -> None:
        self._kind = kind
        self._written = written
        self._variables = False
        self._sids: set[str] = set()

    def document(self, node: Node) -> PolicyDocument:
        members = self._members(node, "$", _DOCUMENT_MEMBERS)
        version = require_text(members.get("Version", VERSIONS[-1]), "$.Version")
        if version not in VERSIONS:
            raise MalformedPolicy(f"Version {describe(version)} is not one of {', '.join(VERSIONS)}.", "$.Version")
        self._variables = version == VERSION_WITH_VARIABLES
        if "Statement" not in members:
            raise MalformedPolicy("Missing required field Statement")
        node = members["Statement"]
        nodes = node if isinstance(node, list) else [node]
        if not 0 < len(nodes) <= STATEMENTS_MAX:
            raise MalformedPolicy(f"{len(nodes)} statements; 1 to {STATEMENTS_MAX} are allowed.", "$.Statement")
        statements = tuple(
            self._statement(index, statement, f"$.Statement[{index}]" if isinstance(node, list) else "$.Statement")
            for index, statement in enumerate(nodes)
        )
        return PolicyDocument(version=version, id=require_text(members.get("Id", ""), "$.Id"), statements=statements)

    def _members(self, node: Node, path: str, names: tuple[str, ...]) -> dict[str, Node]:
        members = unique_members(node, path, "an object")
        for name in members:
            if name not in names:
                raise MalformedPolicy(f"Unknown element {describe(name)}; allowed are {', '.join(names)}.", path)
        return members

    def _statement(self, index: int, node: Node, path: str) -> Statement:
        members = self._members(node, path, _STATEMENT_MEMBERS)
        effect = self._effect(members, path)
        action_name = self._one_of(members, "Action", path, due=True)
        actions = self._texts(members[action_name], f"{path}.{action_name}")
        for member, member_path in actions:
            self._check_action(member, member_path)
        principal_name = self._principal_name(members, effect, path)
        resource_name = self._resource_name(members, path)
        return Statement(
            index=index,
            sid=self._sid(members, path),
            effect=effect,
            principal=read_principal(members[principal_name], f"{path}.{principal_name}", stored=self._written is None)
            if principal_name
            else None,
            not_principal=principal_name == "NotPrincipal",
            actions=tuple(action for action, _ in actions),
            not_action=action_name == "NotAction",
            resources=self._resources(members[resource_name], f"{path}.{resource_name}", resource_name)
            if resource_name
            else None,
            not_resource=resource_name == "NotResource",
            conditions=self._conditions(members["Condition"], f"{path}.Condition") if "Condition" in members else (),
        )

    def _effect(self, members: dict[str, Node], path: str) -> Effect:
        if "Effect" not in members:
            raise MalformedPolicy("Effect is missing; Allow or Deny is due.", path)
        effect = require_text(members["Effect"], f"{path}.Effect")
        if effect not in _EFFECTS:
            raise MalformedPolicy(f"Effect {describe(effect)} is not one of Allow, Deny.", f"{path}.Effect")
        return _EFFECTS[effect]

    def _sid(self, members: dict[str, Node], path: str) -> str:
        sid = require_text(members.get("Sid", ""), f"{path}.Sid")
        if self._written is None or not sid:
            return sid
        if self._written.is_iam_text and not _SID.fullmatch(sid):
            raise MalformedPolicy(f"Sid {describe(sid)} holds more than letters A-Z, a-z and digits.", f"{path}.Sid")
        if sid in self._sids:
            raise MalformedPolicy(f"Sid {describe(sid)} stands twice; each is used once in a policy.", f"{path}.Sid")
        self._sids.add(sid)
        return sid

    def _one_of(self, members: dict[str, Node], name: str, path: str, *, due: bool) -> str:
        """Return which of an element and its Not… twin stands there, an empty text for none; refuses both."""
        found = [candidate for candidate in (name, f"Not{name}") if candidate in members]
        if len(found) > 1:
            raise MalformedPolicy(f"{name} and Not{name} stand together; one of them is allowed.", path)
        if due and not found:
            raise MalformedPolicy(f"{name} is missing; {name} or Not{name} is due.", path)
        return found[0] if found else ""

    def _principal_name(self, members: dict[str, Node], effect: Effect, path: str) -> str:
        due = self._kind.has_principal
        name = self._one_of(members, "Principal", path, due=due)
        if name and not due:
            raise MalformedPolicy(f"{name} is not allowed in a policy of this kind ({self._kind}).", f"{path}.{name}")
        if self._written is None:
            return name
        if name == "NotPrincipal" and effect is Effect.ALLOW:
            raise MalformedPolicy("NotPrincipal with Allow is not supported; list who is allowed.", f"{path}.{name}")
        if self._kind is PolicyKind.RCP and (name != "Principal" or members[name] != "*"):
            raise MalformedPolicy('A resource control policy names "*" as its Principal and nothing else.', path)
        return name

    def _resource_name(self, members: dict[str, Node], path: str) -> str:
        is_trust = self._written is DocumentKind.TRUST
        may_lack = is_trust or (self._written is None and self._kind is PolicyKind.RESOURCE)
        name = self._one_of(members, "Resource", path, due=not may_lack)
        if name and is_trust:
            raise MalformedPolicy(f"{name} is not allowed in a trust policy.", f"{path}.{name}")
        return name

    def _texts(self, node: Node, path: str) -> list[tuple[str, str]]:
        """Return the texts of one value or a list, with their paths; refuses an empty list."""
        if not isinstance(node, list):
            return [(require_text(node, path), path)]
        if not node:
            raise MalformedPolicy("The list is empty; at least one value is due.", path)
        return [(require_text(value, f"{path}[{index}]"), f"{path}[{index}]") for index, value in enumerate(node)]

    def _check_action(self, action: str, path: str) -> None:
        if self._written is None:
            return
        if not _ACTION.fullmatch(action):
            raise MalformedPolicy(
                f'Action {describe(action)} is neither "*" nor of the form service:Name in printable ASCII.', path
            )
        if self._written is DocumentKind.TRUST and not action.lower().startswith("sts:"):
            raise MalformedPolicy(f"Action {describe(action)}: a trust policy speaks of actions of sts only.", path)

    def _resources(self, node: Node, path: str, name: str) -> tuple[str, ...]:
        texts = self._texts(node, path)
        if self._written is not None:
            for text, text_path in texts:
                short = self._kind.short_arn
                if short is ShortArn.REST_IS_ANY_IF_WILD and not self._may_match_nothing(text, name):
                    short = ShortArn.INVALID
                compile_resource(text, short, variables=self._variables, path=text_path)
        return tuple(text for text, _ in texts)

    def _may_match_nothing(self, text: str, name: str) -> bool:
        """Say whether a text of a resource policy may stand there although it is too short for an ARN, or none."""
        is_arn = text == "*" or text.startswith("arn:")
        if name == "NotResource":  # it would exclude nothing, and so hit everything
            return is_arn and "*" in text
        return is_arn or self._written is DocumentKind.QUEUE  # SQS keeps what S3 refuses

    def _conditions(self, node: Node, path: str) -> tuple[Condition, ...]:
        conditions = []
        for operator, block in unique_members(node, path, "operators with their keys").items():
            operator_path = f"{path}.{operator}"
            if self._written is not None and parse_operator(operator) is None:
                raise MalformedPolicy(
                    f"Unknown condition operator {describe(operator)}; allowed are {', '.join(OPERATOR_NAMES)}, with "
                    "ForAllValues: or ForAnyValue: before it and IfExists after it (not for Null).",
                    path,
                )
            for key, values in unique_members(block, operator_path, "keys with their values").items():
                condition = Condition(operator, key, self._condition_values(values, f"{operator_path}.{key}"))
                if self._written is not None:
                    self._check_condition(condition, f"{operator_path}.{key}")
                conditions.append(condition)
        return tuple(conditions)

    def _condition_values(self, node: Node, path: str) -> tuple[str, ...]:
        nodes = node if isinstance(node, list) else [node]
        if not nodes:
            raise MalformedPolicy("The list is empty; at least one value is due.", path)
        return tuple(_condition_value(value, path) for value in nodes)

    def _check_condition(self, condition: Condition, path: str) -> None:
        if ":" not in condition.key:
            raise MalformedPolicy(f"Condition key {describe(condition.key)} has no service before a colon.", path)
        use = parse_operator(condition.operator)
        assert use is not None
        if use.base is None and not {value.lower() for value in condition.values} <= {"true", "false"}:
            raise MalformedPolicy(f'Null takes "true" or "false", not {describe(condition.values[0])}.', path)
        compile_condition(condition, variables=self._variables, unknown=False, path=path)


def _condition_value(node: Node, path: str) -> str:
    """Return a condition value as text; numbers keep their spelling."""
    match node:
        case str():
            return require_text(node, path)
        case bool():
            return "true" if node else "false"
        case Number(text):
            return text
    raise MalformedPolicy(f"{describe(node)} is no string, number or boolean.", path)
