"""A key service on a real engine with a manual clock, for every test of the room."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.clocks import ManualClock
from cumulo.core.context import CallContext
from cumulo.core.ids import SeededRandomness
from cumulo.core.tokens import TokenSealer
from cumulo.identity.authorizer import Authorizer
from cumulo.identity.policy import Principal, PrincipalKind
from cumulo.key_service import invariants, model
from cumulo.key_service.service import DataKeys, Service
from cumulo.storage.due_pump import DuePump
from cumulo.storage.lmdb_engine import LmdbEngine
from cumulo.storage.storage_keys import StorageKeys

ACCOUNT = "000000000000"
OTHER_ACCOUNT = "111122223333"
FOREVER_MS = 1 << 62


def context_of(account: str) -> CallContext:
    """The context of a call by an account's root."""
    root = Principal(kind=PrincipalKind.ROOT, account=account, arn=f"arn:aws:iam::{account}:root", id=account)
    return CallContext(principal=root, request_id="test")


class Stand:
    """A service that runs, and short forms of its calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock()
        self.randomness = SeededRandomness(7)
        self.storage_keys = StorageKeys({1: b"r" * 32})
        self.ctx = context_of(ACCOUNT)

    async def open(self) -> None:
        self.engine = LmdbEngine(self.folder)
        self.service = Service(
            self.engine,
            Authorizer(self.engine, self.clock),
            self.clock,
            self.randomness,
            sealer=TokenSealer({1: b"k" * 32}, 1),
            storage_keys=self.storage_keys,
        )
        self.s3 = DataKeys(self.service, "s3")
        self.pump = DuePump(self.engine, self.clock)
        for kind, handler in self.service.due_handlers().items():
            self.pump.register(kind, handler)

    async def restart(self) -> None:
        """End the service and start it anew on what is stored."""
        await self.engine.close()
        await self.open()

    async def pass_days(self, days: int) -> None:
        """Let time pass, and do what became due."""
        self.clock.advance(days * model.DAY_MS)
        await self.pump.run_due()

    async def call(self, request: Any, ctx: CallContext | None = None) -> Any:
        return (await self.service.call(ctx or self.ctx, type(request).__name__, request)).value

    async def key(self, **fields: Any) -> str:
        """Make a key and return its id."""
        return str((await self.call(model.CreateKey(**fields))).key_id)

    async def close(self) -> None:
        entries = await self.engine.take_due(FOREVER_MS, 1_000)
        problems = await self.engine.inspect(invariants.check, entries)
        problems += await self.engine.inspect(invariants.check_materials, self.storage_keys)
        await self.engine.close()
        assert problems == []


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Run an async test body on a stand whose invariants are checked at its end."""

    def run_body(body: Any) -> None:
        async def whole() -> None:
            stand = Stand(tmp_path)
            await stand.open()
            await body(stand)
            await stand.close()

        asyncio.run(whole())

    return run_body
