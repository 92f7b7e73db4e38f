"""Authentication: who stands behind a bearer token, an access key's signature or its proof.

Owns the memory of verified tokens and opened secrets. Promises that what it remembers is compared with the policy epoch
at every use, so that a deleted user, a disabled key or a revoked token is refused at the next request; that an unknown
access key takes the same path and gets the same answer as a wrong proof; and that no secret or token appears in an
error, a log or `repr`. Implements the ports `Authenticator` and `CredentialSource`. Decides nothing about permissions.
"""

import hashlib
import hmac
from typing import Any, TypeVar

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.errors import EXPIRED_TOKEN, INVALID_CLIENT_TOKEN_ID, ServiceError
from cumulo.core.ids import Randomness
from cumulo.core.ports import Authenticated, Credential
from cumulo.identity import callers, directory, keys, proofs, sessions, signing_keys, tokens
from cumulo.identity.callers import Claim
from cumulo.identity.keys import KeyRecord
from cumulo.identity.principal_model import Caller
from cumulo.identity.proofs import ProofTimes
from cumulo.identity.sealing import SecretBox
from cumulo.identity.sessions import SealedSession
from cumulo.identity.snapshots import PolicyEpoch, read_now
from cumulo.identity.token_model import IssueToken, SessionCredentials, Token
from cumulo.identity.tokens import Claims, Signer
from cumulo.storage.engine import Engine, ReadTxn

TOKENS_REMEMBERED_MAX = 10_000
"""About 1 KiB each. A token that fell out is verified again, 65 µs."""
SECRETS_REMEMBERED_MAX = 2_000
TOKEN_UNIQUE_BYTES = 16
_NOBODY = "AKIA0000000000000000"

V = TypeVar("V")


class _Verified(msgspec.Struct):
    """A token that verified, and the epoch at which its bearer was last looked at."""

    claim: Claim
    authenticated: Authenticated
    epoch: bytes | None


class _Opened(msgspec.Struct):
    """A session that opened, and the epoch at which its bearer was last looked at."""

    session: SealedSession
    credential: Credential
    epoch: bytes | None


class Credentials:
    """The server's one authenticator.

    `engine` must be an embedded one; `box` holds the server key. `bootstrap` must have run on the engine before.
    """

    def __init__(self, engine: Engine, clock: Clock, randomness: Randomness, box: SecretBox) -> None:
        self._engine = engine
        self._epoch = PolicyEpoch(engine).now
        self._clock = clock
        self._randomness = randomness
        self._box = box
        self._proof_times = ProofTimes(clock.wall_ms())
        self._verified: dict[bytes, _Verified] = {}
        self._credentials: dict[str, tuple[bytes | None, Credential | None]] = {}
        self._sessions: dict[tuple[str, str], _Opened] = {}
        # What an unknown access key is verified against, so that it costs what a known one costs.
        secret = randomness.token_bytes(30).hex().encode()
        sealed = box.seal(randomness, secret, _sealed_for(_NOBODY, KeyRecord()))
        self._nobody = KeyRecord(active=False, sealed=sealed)
        self._signer, self._signer_epoch = self._load_signer()

    def authenticate(self, token: str) -> Authenticated:
        """Return who a bearer token stands for; raises `InvalidClientTokenId`, `ExpiredToken`."""
        try:
            digest = hashlib.sha256(token.encode("ascii")).digest()
        except UnicodeEncodeError:
            raise INVALID_CLIENT_TOKEN_ID.error() from None
        epoch = self._epoch()
        found = self._verified.get(digest)
        if found is None:
            found = self._verify(token, epoch)
            _remember(self._verified, digest, found, TOKENS_REMEMBERED_MAX)
        elif found.epoch != epoch:
            self._look_again(digest, found, epoch)
        if self._clock.wall_ms() >= found.authenticated.expires_ms:
            self._verified.pop(digest, None)
            raise EXPIRED_TOKEN.error()
        return found.authenticated

    def credential(self, access_key_id: str, session_token: str = "") -> Credential | None:
        """Return an active key's secret and principal, for an edge that verifies a signature; None for any other.

        A session's key needs the session token that it was issued with; a long-term key must come without one. Raises
        `ExpiredToken` for a session of ours that has ended.
        """
        if session_token or access_key_id.startswith(sessions.PREFIX):
            return self._session_credential(access_key_id, session_token)
        epoch = self._epoch()
        found = self._credentials.get(access_key_id)
        if found is not None and found[0] == epoch:
            return found[1]
        record, secret = self._open(access_key_id)
        made = None
        if record.active:
            claim = Claim(record.account, record.owner, access_key_id)
            caller = read_now(self._engine, keys.PARTITIONS, callers.caller, claim)
            made = Credential(access_key_id, secret, caller) if caller is not None else None
        if made is not None:  # unknown ids are not remembered: anybody can invent those
            _remember(self._credentials, access_key_id, (epoch, made), SECRETS_REMEMBERED_MAX)
        else:
            self._credentials.pop(access_key_id, None)
        return made

    def issue_session(self, parent: Caller, life_s: int) -> SessionCredentials:
        """Return session credentials of the bearer of a long-term key; nothing is stored."""
        assert parent.access_key_id
        assert not parent.token_id
        claim = Claim(parent.account, parent.id, parent.access_key_id)
        return sessions.issue(self._box, self._randomness, claim, self._clock.wall_ms(), life_s)

    def issue(self, request: IssueToken, life_s: int) -> Token:
        """Trade a proof for a token that lives `life_s` seconds.

        Raises `InvalidClientTokenId` for an unknown or disabled key and for a wrong proof alike, `RequestExpired` for a
        proof outside its time or used before.
        """
        now_ms = self._clock.wall_ms()
        self._proof_times.check(request.timestamp_ms, now_ms)
        key_id = request.access_key_id
        record, secret = self._open(key_id)
        expected = proofs.prove(secret, key_id, request.timestamp_ms, request.nonce, request.ttl_s)
        right = hmac.compare_digest(expected, request.proof)
        claim = Claim(record.account, record.owner, key_id)
        stands = read_now(self._engine, keys.PARTITIONS, callers.stands, claim)
        if not (right and record.active and stands):
            raise INVALID_CLIENT_TOKEN_ID.error()
        self._proof_times.take(key_id, request.timestamp_ms, request.nonce, now_ms)
        return self._sign(claim, now_ms, life_s)

    def claim_of(self, token: str) -> Claim | None:
        """Return whose token it is, expired or not, or None for what is no token of ours. For its revocation."""
        try:
            return _claim(self._current_signer(token, self._epoch()).verify(token, self._clock.wall_ms() // 1000))
        except ServiceError:
            return None

    def _session_credential(self, access_key_id: str, session_token: str) -> Credential | None:
        epoch, known_as = self._epoch(), (access_key_id, session_token)
        found = self._sessions.get(known_as)
        session = found.session if found is not None else sessions.open_session(self._box, *known_as)
        if session is None:
            return None
        if self._clock.wall_ms() >= session.expires_ms:
            self._sessions.pop(known_as, None)
            raise EXPIRED_TOKEN.error()
        if found is not None and found.epoch == epoch:
            return found.credential
        claim = session.claim(access_key_id)
        caller = read_now(self._engine, keys.PARTITIONS, callers.caller, claim)
        if caller is None:
            self._sessions.pop(known_as, None)
            return None
        made = _Opened(session, Credential(access_key_id, session.secret, caller, session.expires_ms), epoch)
        _remember(self._sessions, known_as, made, SECRETS_REMEMBERED_MAX)
        return made.credential

    def _sign(self, claim: Claim, now_ms: int, life_s: int) -> Token:
        epoch = self._epoch()
        if epoch != self._signer_epoch:
            self._signer, self._signer_epoch = self._load_signer()
        unique = self._randomness.token_bytes(TOKEN_UNIQUE_BYTES)
        identifier = tokens.token_id(claim.account, claim.principal_id, unique)
        now_s = now_ms // 1000
        claims = Claims(
            iss=tokens.ISSUER,
            aud=tokens.AUDIENCE,
            sub=claim.principal_id,
            acc=claim.account,
            key=claim.access_key_id,
            jti=identifier,
            iat=now_s,
            nbf=now_s,
            exp=now_s + life_s,
            ims=now_ms,
        )
        return Token(self._signer.sign(claims), identifier, claims.exp * 1000)

    def _verify(self, token: str, epoch: bytes | None) -> _Verified:
        claims = self._current_signer(token, epoch).verify(token, self._clock.wall_ms() // 1000)
        claim = _claim(claims)
        caller = self._caller(claim)
        return _Verified(claim, Authenticated(caller, claims.exp * 1000, claims.ims), epoch)

    def _look_again(self, digest: bytes, found: _Verified, epoch: bytes | None) -> None:
        """Ask anew whether a known token's bearer and key still stand: something has changed since."""
        try:
            caller = self._caller(found.claim)
        except Exception:
            self._verified.pop(digest, None)
            raise
        before = found.authenticated
        if caller != before.principal:
            found.authenticated = Authenticated(caller, before.expires_ms, before.token_issued_ms)
        found.epoch = epoch

    def _caller(self, claim: Claim) -> Caller:
        caller: Caller | None = read_now(self._engine, keys.PARTITIONS, callers.caller, claim)
        if caller is None:
            raise INVALID_CLIENT_TOKEN_ID.error()
        return caller

    def _open(self, access_key_id: str) -> tuple[KeyRecord, str]:
        """Return a key's record and secret; for an unknown one those of nobody, at the same cost."""
        record: KeyRecord | None = read_now(self._engine, keys.PARTITIONS, directory.access_key, access_key_id)
        name, record = (access_key_id, record) if record is not None else (_NOBODY, self._nobody)
        return record, self._box.open(record.sealed, _sealed_for(name, record)).decode()

    def _current_signer(self, token: str, epoch: bytes | None) -> Signer:
        """Return the signer; read anew only where the epoch moved since, so that a flood of unknown key ids reads
        nothing.
        """
        if epoch != self._signer_epoch and not self._signer.knows(token):
            self._signer, self._signer_epoch = self._load_signer()
        return self._signer

    def _load_signer(self) -> tuple[Signer, bytes | None]:
        loaded: tuple[Signer, bytes | None] = read_now(self._engine, keys.PARTITIONS, _signer_at, self._box)
        return loaded


def seal_secret(box: SecretBox, randomness: Randomness, secret: str, account: str, owner: str, key_id: str) -> bytes:
    """Return an access key's secret sealed for its record."""
    return box.seal(randomness, secret.encode(), _sealed_for(key_id, KeyRecord(account=account, owner=owner)))


def _sealed_for(key_id: str, record: KeyRecord) -> tuple[str, ...]:
    return keys.sealed_for("access_key", record.account, record.owner, key_id)


def _signer_at(txn: ReadTxn, box: SecretBox) -> tuple[Signer, bytes | None]:
    return signing_keys.load(txn, box), directory.epoch(txn, None)


def _claim(claims: Claims) -> Claim:
    return Claim(claims.acc, claims.sub, claims.key, claims.jti, claims.ims)


def _remember(memory: dict[Any, V], key: Any, value: V, entries_max: int) -> None:
    """Keep an entry; at the bound the oldest goes."""
    if len(memory) >= entries_max and key not in memory:
        del memory[next(iter(memory))]
    memory[key] = value
