"""The service of identity: stamps requests, draws ids and secrets, seals, and runs the table's functions.

The only stateful object of the room besides the authoriser and the credentials. Promises that a secret is in one answer
and in no record, log or remembered answer: a repeated request that made a key is told that it exists.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.ids import Randomness, iam_id
from cumulo.core.names import FIRST_ACCOUNT, is_account_id, parse_arn
from cumulo.core.operations import Check, Checks, Operation
from cumulo.core.tokens import TokenSealer
from cumulo.identity import (
    access_key_model,
    account_model,
    bootstrap,
    callers,
    directory,
    group_model,
    keys,
    lookups,
    model,
    names,
    owners,
    pages,
    policies,
    policy_model,
    principal_model,
    proofs,
    revocations,
    signing_keys,
    tags,
    token_model,
    tokens,
    user_model,
)
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.identity.callers import Claim
from cumulo.identity.credentials import Credentials, seal_secret
from cumulo.identity.errors import ENTITY_ALREADY_EXISTS
from cumulo.identity.model import NewKey, Stamped
from cumulo.identity.names import invalid
from cumulo.identity.operations import TABLE
from cumulo.identity.policy import DocumentKind, PrincipalKind
from cumulo.identity.policy_model import Explained
from cumulo.identity.revocations import Expiry
from cumulo.identity.room import Resolved, Room
from cumulo.identity.sealing import SecretBox
from cumulo.identity.signing_keys import DueKey
from cumulo.identity.snapshots import read_now
from cumulo.identity.token_model import CallerIdentity, IssueToken, SessionCredentials, Token
from cumulo.identity.tokens import new_secret
from cumulo.storage.due_pump import DueHandler
from cumulo.storage.engine import Due, Engine

GuardSource = Callable[[str], Awaitable[Guard | None]]
"""Answers what protects the resource of an ARN, for explanations; None where there is no such resource."""

_NEW_IDS: Final[dict[Any, str]] = {
    user_model.CreateUser: "AIDA",
    group_model.CreateGroup: "AGPA",
    policy_model.CreatePolicy: "ANPA",
}
_DOCUMENTS: Final[dict[Any, DocumentKind]] = {
    policy_model.CreatePolicy: DocumentKind.MANAGED,
    policy_model.CreatePolicyVersion: DocumentKind.MANAGED,
    policy_model.UpdatePolicy: DocumentKind.MANAGED,
    policy_model.PutUserPolicy: DocumentKind.USER_INLINE,
    policy_model.PutGroupPolicy: DocumentKind.GROUP_INLINE,
}
_ACTION: Final = re.compile(r"[a-z0-9-]{1,64}:[A-Za-z0-9]{1,128}")
RESOURCE_CHARACTERS_MAX: Final = 2_048
_OF_FIRST_ACCOUNT: Final = (account_model.CreateAccount, account_model.ListAccounts)


class _WithSecret(Resolved, frozen=True):
    """A resolved request that makes an access key, with the secret that only its first answer shows."""

    secret: str = ""

    def __repr__(self) -> str:
        return "_WithSecret()"


class Service(Room):
    """Identity's operations.

    `engine` must be an embedded one on which `bootstrap` has run; `sealer` seals page tokens; `box` holds the server
    key; `credentials` is the server's authenticator.
    """

    table = TABLE

    def __init__(
        self,
        engine: Engine,
        authorizer: Authorizer,
        clock: Clock,
        randomness: Randomness,
        *,
        sealer: TokenSealer,
        box: SecretBox,
        credentials: Credentials,
    ) -> None:
        super().__init__(engine, authorizer, clock, randomness)
        self._sealer = sealer
        self._box = box
        self._credentials = credentials
        self._guard_sources: dict[str, GuardSource] = {}

    def add_guard_source(self, arn_service: str, source: GuardSource) -> None:
        """Name who knows the resource policies of an ARN's service (`sqs`, `s3`), so that explanations include them."""
        self._guard_sources[arn_service] = source

    async def start(self) -> None:
        """Nothing waits for a start."""

    async def drain(self) -> None:
        """Nothing is parked."""

    def due_handlers(self) -> Mapping[str, DueHandler]:
        """Return what identity does when its due entries' time has come."""
        return {signing_keys.DUE_KIND: self._signing_keys_due, revocations.DUE_KIND: self._revocations_due}

    async def rotate_signing_key(self) -> None:
        """Sign with a new key from now on; tokens signed with the old one live to their end."""
        new = bootstrap.new_signing_key(self.randomness, self._box, self.clock)
        await self.engine.transact(keys.PARTITIONS, signing_keys.add, new)

    async def resolve(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        """Parse the names, look them up, draw ids and secrets."""
        if isinstance(request, IssueToken):
            return self._resolve_proof(request)
        wanted = lookups.wanted(request, ctx.principal.account, ctx.principal.id)
        found: lookups.Found = await self.engine.read(keys.PARTITIONS, lookups.look_up, wanted)
        account = FIRST_ACCOUNT if isinstance(request, _OF_FIRST_ACCOUNT) else found.account
        fields: dict[str, Any] = {}
        if isinstance(request, model.Listing):
            fields["page"] = pages.open_page(self._sealer, account, request)
        if isinstance(request, token_model.RevokeToken):
            account, fields = self._token_fields(request)
        _check_fields(request, self.clock.wall_ms())
        secret = ""
        if isinstance(request, account_model.CreateAccount):
            fields["new_id"] = _account_number(request.account) or self._random_account()
            secret, fields["new_key"] = self._new_key(fields["new_id"], fields["new_id"])
        elif isinstance(request, access_key_model.CreateAccessKey) and found.user is not None:
            secret, fields["new_key"] = self._new_key(account, found.user.id)
        elif type(request) in _NEW_IDS:
            fields["new_id"] = iam_id(self.randomness, _NEW_IDS[type(request)])
        stamped: Stamped[Any] = Stamped(
            request=request if wanted.created is None else msgspec.structs.replace(request, name=wanted.created.name),
            account=account,
            now_ms=self.clock.wall_ms(),
            deadline_ms=self.clock.deadline_ms(),
            user=found.user,
            group=found.group,
            policy=found.policy,
            access_key_id=found.access_key_id,
            **fields,
        )
        assert operation.checks is not None
        checks, guard = operation.checks(stamped), Guard(account)
        grows = not operation.name.startswith(("Delete", "Remove", "Detach", "Revoke", "Untag", "UpdateAccessKey"))
        if secret:
            return _WithSecret(stamped, keys.PARTITIONS, checks, guard, grows=grows, secret=secret)
        return Resolved(stamped, keys.PARTITIONS, checks, guard, grows=grows)

    def present(self, request: Any, resolved: Resolved, value: Any) -> Any:
        """Seal page tokens; add the secret of a new key, and what a remembered answer has no room for."""
        stamped: Stamped[Any] = resolved.request
        if isinstance(resolved, _WithSecret):
            return _with_secret(resolved, value)
        if isinstance(value, model.Listed):
            return self._with_token(stamped, request, value)
        if isinstance(value, group_model.GroupMembers):
            return msgspec.structs.replace(value, users=self._with_token(stamped, request, value.users))
        if isinstance(request, policy_model.CreatePolicy):
            return msgspec.structs.replace(value, description=request.description, tags=request.tags)
        if isinstance(request, user_model.CreateUser):
            return msgspec.structs.replace(value, tags=request.tags)
        if isinstance(request, policy_model.UpdatePolicy):
            record = read_now(self.engine, keys.PARTITIONS, directory.policy, value.policy_id)
            return value if record is None else msgspec.structs.replace(value, description=record.description)
        return value

    def issue_token(self, request: IssueToken) -> Token:
        """Trade a proof for a token; see `Credentials.issue`."""
        return self._credentials.issue(request, request.ttl_s or token_model.TOKEN_LIFE_S_DEFAULT)

    def session_token(self, ctx: CallContext, request: token_model.GetSessionToken) -> SessionCredentials:
        """Return session credentials of the caller; `authorize` has seen to it that a long-term key signed.

        A root's session ends after an hour at the latest, whatever was asked for (STS API, GetSessionToken).
        """
        caller = ctx.principal
        assert isinstance(caller, principal_model.Caller)
        life_s = request.duration_s or token_model.SESSION_LIFE_S_DEFAULT
        if caller.kind is PrincipalKind.ROOT:
            life_s = min(life_s, token_model.ROOT_SESSION_LIFE_S_MAX)
        return self._credentials.issue_session(caller, life_s)

    def caller_identity(self, ctx: CallContext) -> CallerIdentity:
        """Say who calls."""
        principal = ctx.principal
        key_id = principal.access_key_id if isinstance(principal, principal_model.Caller) else ""
        return CallerIdentity(principal.account, principal.arn, principal.id, key_id, ctx.expires_ms)

    async def explain_access(self, ctx: CallContext, stamped: Stamped[policy_model.ExplainAccess]) -> Explained:
        """Say how a principal's request would come out; raises `NoSuchEntity`."""
        request, target = stamped.request, stamped.the_user
        claim = Claim(target.account, target.id)
        principal: principal_model.Caller | None = await self.engine.read(keys.PARTITIONS, callers.caller, claim)
        if principal is None:
            raise directory.missing(names.USER, target)
        guard = await self._guard_of(request.resource, target.account)
        simulated = {key: values[0] if len(values) == 1 else values for key, values in request.context.items()}
        check = Check(request.action, request.resource)
        explanation, sentence = self.authorizer.explain(ctx, principal, check, guard, simulated)
        matched = list(explanation.decision.matched)
        for result in explanation.kinds:
            matched += [statement for statement in result.matched if statement not in matched]
        shown = tuple(
            statement if statement.policy else msgspec.structs.replace(statement, policy=_bearer(request.resource))
            for statement in matched
        )
        return Explained(explanation.decision.outcome, shown, sentence)

    async def _guard_of(self, resource: str, own_account: str) -> Guard:
        """Return what protects a resource: its own policy only where it is the asked principal's account's."""
        arn = parse_arn(resource)
        source = self._guard_sources.get(arn.service) if arn is not None else None
        found = await source(resource) if source is not None else None
        if found is not None:
            return found if found.account == own_account else Guard(found.account)
        return Guard(arn.account if arn is not None and is_account_id(arn.account) else own_account)

    def _resolve_proof(self, request: IssueToken) -> Resolved:
        names.require_key_id(request.access_key_id, "access_key_id")
        if not token_model.NONCE_BYTES_MIN <= len(request.nonce) <= token_model.NONCE_BYTES_MAX:
            allowed = f"{token_model.NONCE_BYTES_MIN} to {token_model.NONCE_BYTES_MAX} bytes"
            raise invalid("nonce", f"of {len(request.nonce)} bytes", allowed)
        if len(request.proof) != proofs.PROOF_BYTES:
            raise invalid("proof", f"of {len(request.proof)} bytes", f"{proofs.PROOF_BYTES} bytes")
        if request.ttl_s and not token_model.TOKEN_LIFE_S_MIN <= request.ttl_s <= token_model.TOKEN_LIFE_S_MAX:
            raise invalid(
                "ttl_s", request.ttl_s, f"{token_model.TOKEN_LIFE_S_MIN} to {token_model.TOKEN_LIFE_S_MAX}, or 0"
            )
        stamped = Stamped(
            request=request, account="", now_ms=self.clock.wall_ms(), deadline_ms=self.clock.deadline_ms()
        )
        no_checks: Checks = ()
        return Resolved(stamped, keys.PARTITIONS, no_checks, Guard(""))

    def _token_fields(self, request: token_model.RevokeToken) -> tuple[str, dict[str, Any]]:
        """Return whose token it is, and its id; raises `ValidationError`."""
        if bool(request.token_id) == bool(request.token):
            raise invalid("target", "", "exactly one of token_id and token")
        token_id = request.token_id
        if request.token:
            claim = self._credentials.claim_of(request.token)
            if claim is None:
                raise invalid("token", "", "a token of this server")
            token_id = claim.token_id
        owner = tokens.principal_of(token_id)
        if owner is None:
            raise invalid("token_id", token_id, "the token_id of IssueToken")
        account, principal_id = owner
        return account, {"token_id": token_id, "principal_id": principal_id}

    def _new_key(self, account: str, owner: str) -> tuple[str, NewKey]:
        secret, key_id = new_secret(self.randomness), iam_id(self.randomness, "AKIA")
        return secret, NewKey(key_id, seal_secret(self._box, self.randomness, secret, account, owner, key_id))

    def _random_account(self) -> str:
        return f"{int.from_bytes(self.randomness.token_bytes(8), 'big') % 10**12:012d}"

    def _with_token(self, stamped: Stamped[Any], request: model.Listing, listed: model.Listed[Any]) -> Any:
        token = pages.seal_page(self._sealer, stamped.account, request, listed.next_page)
        return msgspec.structs.replace(listed, next_page=token)

    async def _signing_keys_due(self, entries: list[Due]) -> None:
        for entry in entries:
            due = DueKey(entry.key, entry.at_ms)
            if await self.engine.read(keys.PARTITIONS, signing_keys.asks_for_rotation, due):
                await self.rotate_signing_key()
            else:
                await self.engine.transact(keys.PARTITIONS, signing_keys.remove, due, grows=False)

    async def _revocations_due(self, entries: list[Due]) -> None:
        expiry = Expiry(tuple(entries), self.clock.wall_ms(), self.clock.deadline_ms())
        await self.engine.transact(keys.PARTITIONS, revocations.expire, expiry, grows=False)


def _with_secret(resolved: _WithSecret, value: Any) -> Any:
    """Return the answer with its secret; for a repeated request, whose key is an earlier one, that it exists."""
    made: access_key_model.AccessKey = value.access_key if isinstance(value, account_model.CreatedAccount) else value
    if made.access_key_id != resolved.request.new_key.access_key_id:
        raise ENTITY_ALREADY_EXISTS.error(what="Access Key", name=made.access_key_id)
    if isinstance(value, account_model.CreatedAccount):
        return msgspec.structs.replace(value, secret=resolved.secret)
    return access_key_model.CreatedKey(made, resolved.secret)


def _account_number(text: str) -> str:
    """Return the account that a client chose, or an empty text; raises `ValidationError`."""
    number = text.removeprefix("accounts/")
    if text and not is_account_id(number):
        raise invalid("account", text, "12 digits, or accounts/ and 12 digits")
    return number


def _bearer(resource: str) -> str:
    """Return the ARN of the resource that bears the policy which protects `resource`: for an object its bucket's."""
    return resource.partition("/")[0] if resource.startswith("arn:aws:s3:::") else resource


def _check_fields(request: Any, now_ms: int) -> None:
    """Refuse values that break a rule which needs no look-up; raises `ValidationError`, `MalformedPolicyDocument`."""
    for field, characters_max in (
        ("description", policy_model.DESCRIPTION_CHARACTERS_MAX),
        ("display_name", account_model.DISPLAY_NAME_CHARACTERS_MAX),
    ):
        text = getattr(request, field, None) or ""
        if len(text) > characters_max or not text.isprintable():
            raise invalid(field, text, f"at most {characters_max} printable characters")
    if isinstance(request, account_model.CreateAccount):
        owners.require_email(request.email)
    if hasattr(request, "path_prefix"):
        names.require_path_prefix(request.path_prefix)
    if hasattr(request, "tags"):
        tags.require_tags(request.tags)
    for number, key in enumerate(getattr(request, "tag_keys", ()), 1):
        tags.require_key(key, f"tagKeys.{number}.member")
    if isinstance(request, (user_model.UpdateUser, group_model.UpdateGroup)):
        kind = names.USER if isinstance(request, user_model.UpdateUser) else names.GROUP
        if request.new_name:
            names.require_name(kind, request.new_name, "new_name")
        if request.new_path:
            names.require_path(request.new_path, "new_path")
    if hasattr(request, "policy_name"):
        names.require_name(names.POLICY, request.policy_name, "policy_name")
    if type(request) in _DOCUMENTS and request.document is not None:
        policies.require_document(request.document, _DOCUMENTS[type(request)], "document")
    if isinstance(request, token_model.GetSessionToken) and request.duration_s:
        names.require_between(
            request.duration_s, token_model.SESSION_LIFE_S_MIN, token_model.SESSION_LIFE_S_MAX, "durationSeconds"
        )
    if isinstance(request, token_model.RevokePrincipalTokens) and not 0 <= request.issued_before_ms <= now_ms:
        raise invalid("issued_before_ms", request.issued_before_ms, "a time that is not in the future, or 0 for now")
    if isinstance(request, policy_model.ExplainAccess):
        _check_question(request)


def _check_question(request: policy_model.ExplainAccess) -> None:
    if not _ACTION.fullmatch(request.action):
        raise invalid("action", request.action, "a service and an action, as s3:GetObject, without wildcards")
    resource = request.resource
    if len(resource) > RESOURCE_CHARACTERS_MAX or not (resource == "*" or parse_arn(resource) is not None):
        raise invalid("resource", resource, "an ARN, or * for an action without a resource")
    if len(request.context) > policy_model.CONTEXT_KEYS_MAX:
        raise invalid("context", f"of {len(request.context)} keys", f"at most {policy_model.CONTEXT_KEYS_MAX} keys")
    if len({key.lower() for key in request.context}) != len(request.context):
        raise invalid("context", sorted(request.context), "each key once, without regard to case")
    for key, values in request.context.items():
        if any(len(text) > policy_model.CONTEXT_VALUE_CHARACTERS_MAX for text in (key, *values)):
            raise invalid("context", key, f"at most {policy_model.CONTEXT_VALUE_CHARACTERS_MAX} characters a value")
