"""A whole identity room on a memory engine and a manual clock, driven by plain calls."""

import asyncio
from pathlib import Path
from typing import Any, TypeVar

import pytest

from cumulo.core.clocks import ManualClock
from cumulo.core.context import CallContext
from cumulo.core.errors import ACCESS_DENIED, ServiceError
from cumulo.core.ids import SeededRandomness
from cumulo.core.names import FIRST_ACCOUNT
from cumulo.core.operations import Check
from cumulo.core.tokens import TokenSealer
from cumulo.identity import access_key_model, account_model, invariants, policy_model, user_model
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.identity.bootstrap import RootCredentials, bootstrap
from cumulo.identity.credentials import Credentials
from cumulo.identity.policy import Principal
from cumulo.identity.proofs import prove
from cumulo.identity.sealing import SecretBox
from cumulo.identity.service import Service
from cumulo.identity.token_model import IssueToken, Token
from cumulo.storage.due_pump import DuePump
from cumulo.storage.engine import ROOT, Engine
from cumulo.storage.memory import MemoryEngine

SERVER_KEY = bytes(range(1, 33))
OWN = Guard(FIRST_ACCOUNT)
ALLOW_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'

T = TypeVar("T")


class World:
    """One server's identity. `root` is the first account's root, authenticated by a token."""

    def __init__(
        self,
        engine: Engine | None = None,
        *,
        seed: int = 1,
        credentials_file: Path | None = None,
        runner: asyncio.Runner | None = None,
    ) -> None:
        self.runner = runner
        self.engine: Engine = engine if engine is not None else MemoryEngine()
        self.clock = ManualClock()
        self.randomness = SeededRandomness(seed)
        self.box = SecretBox(SERVER_KEY)
        self.sealer = TokenSealer({1: SERVER_KEY}, 1)
        self.nonces = 0
        made = self.run(
            bootstrap(
                self.engine,
                clock=self.clock,
                randomness=self.randomness,
                box=self.box,
                credentials_file=credentials_file,
            )
        )
        assert made is not None
        self.root_credentials: RootCredentials = made
        self.start()
        self.root_token = self.token(made.access_key_id, made.secret_access_key)
        self.root = self.context(self.root_token.text)

    def start(self) -> None:
        """Make the objects of a server's process anew, as a restart does."""
        self.authorizer = Authorizer(self.engine, self.clock)
        self.credentials = Credentials(self.engine, self.clock, self.randomness, self.box)
        self.service = Service(
            self.engine,
            self.authorizer,
            self.clock,
            self.randomness,
            sealer=self.sealer,
            box=self.box,
            credentials=self.credentials,
        )

    def run(self, step: Any) -> Any:
        """Run a coroutine to its end; on the loop of `runner`, for an engine that belongs to one."""
        return asyncio.run(step) if self.runner is None else self.runner.run(step)

    def nonce(self) -> bytes:
        """Return 16 bytes that were not used before."""
        self.nonces += 1
        return self.nonces.to_bytes(16, "big")

    def proof(self, key_id: str, secret: str, **changed: Any) -> IssueToken:
        """Return a proof as a client makes it now."""
        values: dict[str, Any] = {"timestamp_ms": self.clock.wall_ms(), "nonce": self.nonce(), "ttl_s": 0} | changed
        proof = prove(secret, key_id, values["timestamp_ms"], values["nonce"], values["ttl_s"])
        return IssueToken(access_key_id=key_id, proof=changed.get("proof", proof), **_without(values, "proof"))

    def token(self, key_id: str, secret: str, **changed: Any) -> Token:
        """Trade a proof for a token."""
        anonymous = CallContext(principal=Principal(kind="anonymous"), request_id="r")  # type: ignore[arg-type]
        token: Token = self.call(self.proof(key_id, secret, **changed), anonymous)
        return token

    def context(self, token: str, **values: Any) -> CallContext:
        """Authenticate a token and return the context of its call, as the edge makes it."""
        authenticated = self.credentials.authenticate(token)
        return CallContext(
            principal=authenticated.principal, request_id="r", expires_ms=authenticated.expires_ms, **values
        )

    def call(self, request: Any, ctx: CallContext | None = None) -> Any:
        """Run the operation of a request; by root where nobody else is named."""
        return self.run(self.service.call(ctx or self.root, type(request).__name__, request)).value

    def user(self, name: str, *documents: str, ctx: CallContext | None = None) -> CallContext:
        """Make a user with inline policies and a key; return the context of his calls."""
        self.call(user_model.CreateUser(name=name), ctx)
        for index, document in enumerate(documents):
            self.call(policy_model.PutUserPolicy(user=name, policy_name=f"inline{index}", document=document), ctx)
        return self.login(name, ctx)

    def login(self, name: str, ctx: CallContext | None = None) -> CallContext:
        """Make a key of a user; return the context of his calls."""
        made = self.call(access_key_model.CreateAccessKey(user=name), ctx)
        return self.context(self.token(made.access_key.access_key_id, made.secret).text)

    def account(self, number: str) -> CallContext:
        """Make another account; return the context of its root's calls."""
        made = self.call(account_model.CreateAccount(account=number))
        return self.context(self.token(made.access_key.access_key_id, made.secret).text)

    def allowed(self, ctx: CallContext, action: str, resource: str = "*", guard: Guard = OWN) -> bool:
        """Say whether a call may do something."""
        try:
            self.authorizer.authorize(ctx, (Check(action, resource),), guard)
        except ServiceError as error:
            if error.row is not ACCESS_DENIED:
                raise
            return False
        return True

    def due(self) -> int:
        """Do what is due."""
        pump = DuePump(self.engine, self.clock)
        for kind, handler in self.service.due_handlers().items():
            pump.register(kind, handler)
        done: int = self.run(pump.run_due())
        return done

    def problems(self) -> list[str]:
        """Return what the room's invariants find wrong."""
        found: list[str] = self.run(self.engine.read((ROOT,), lambda txn, _: invariants.check(txn), None))
        return found


def _without(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}


def refused(code: str) -> "pytest.RaisesExc[ServiceError]":
    """Expect an error of the catalogue by its code."""
    return pytest.raises(ServiceError, match=rf"^{code}: ")


def statement(effect: str, action: str | list[str], resource: str | list[str] = "*", **rest: Any) -> dict[str, Any]:
    """Return one statement of a policy."""
    return {"Effect": effect, "Action": action, "Resource": resource, **rest}
