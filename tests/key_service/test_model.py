"""Keys beside a simple model: whatever is asked in whatever order, states, aliases and ciphertexts are as it says.

The service runs on a real engine with a manual clock; after each run its invariants hold. A storage key may be added at
any time, whose walk goes on between other calls.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cumulo.core.errors import ServiceError
from cumulo.key_service import keys, model
from cumulo.storage.rewraps import begin_walk
from cumulo.storage.storage_keys import StorageKeys
from tests.key_service.conftest import Stand

ALIASES = ("alias/a", "alias/b")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            (
                *(
                    "create",
                    "encrypt",
                    "encrypt",
                    "decrypt",
                    "decrypt",
                    "enable",
                    "disable",
                    "delete",
                    "keep",
                    "rotate",
                ),
                *("rotate_by_itself", "name", "rename", "unname", "pass", "restart", "storage_key"),
            )
        ),
        st.integers(0, 7),
        st.integers(0, 7),
    ),
    max_size=40,
)


class Key(msgspec.Struct):
    """What is known of a key: `deletes_in` days, 0 for not; `gone` once that is over."""

    key_id: str
    is_enabled: bool = True
    deletes_in: int = 0
    gone: bool = False

    @property
    def refusal(self) -> str:
        """What its use is answered with, empty for success."""
        if self.gone:
            return "NotFoundException"
        if self.deletes_in:
            return "KMSInvalidStateException"
        return "" if self.is_enabled else "DisabledException"


class Beside:
    """The model, and a service that is asked the same."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.keys: list[Key] = []
        self.aliases: dict[str, Key] = {}
        self.sealed: list[tuple[Key, bytes, bytes]] = []
        self.storage_keys = {1: b"r" * 32}

    async def asks(self, request: Any, refusal: str = "") -> Any:
        """Ask the service, and hold its refusal to the model's."""
        code, answer = "", None
        try:
            answer = await self.stand.call(request)
        except ServiceError as error:
            code = error.row.code
        assert code == refusal, request
        return answer

    async def step(self, name: str, first: int, second: int) -> None:
        if name == "create" or not self.keys:
            made = await self.asks(model.CreateKey())
            self.keys.append(Key(made.key_id))
            return
        key = self.keys[first % len(self.keys)]
        await getattr(self, f"_{name}")(key, second)

    async def _encrypt(self, key: Key, number: int) -> None:
        made = await self.asks(model.Encrypt(key.key_id, b"%d" % number), key.refusal)
        if made is not None:
            self.sealed.append((key, b"%d" % number, made.ciphertext))

    async def _decrypt(self, _key: Key, number: int) -> None:
        if self.sealed:
            key, plaintext, ciphertext = self.sealed[number % len(self.sealed)]
            opened = await self.asks(model.Decrypt(ciphertext), key.refusal)
            assert opened is None or (opened.plaintext, opened.key_arn[-36:]) == (plaintext, key.key_id)

    async def _enable(self, key: Key, _: int) -> None:
        await self._set_enabled(key, model.EnableKey(key.key_id), is_enabled=True)

    async def _disable(self, key: Key, _: int) -> None:
        await self._set_enabled(key, model.DisableKey(key.key_id), is_enabled=False)

    async def _set_enabled(self, key: Key, request: Any, *, is_enabled: bool) -> None:
        await self.asks(request, key.refusal if key.gone or key.deletes_in else "")
        key.is_enabled = key.is_enabled if key.gone or key.deletes_in else is_enabled

    async def _delete(self, key: Key, _: int) -> None:
        refusal = key.refusal if key.gone or key.deletes_in else ""
        await self.asks(model.ScheduleKeyDeletion(key.key_id, 7), refusal)
        if not refusal:
            key.deletes_in, key.is_enabled = 7, False

    async def _keep(self, key: Key, _: int) -> None:
        refusal = "NotFoundException" if key.gone else "" if key.deletes_in else "KMSInvalidStateException"
        await self.asks(model.CancelKeyDeletion(key.key_id), refusal)
        key.deletes_in = 0

    async def _rotate(self, key: Key, _: int) -> None:
        await self.asks(model.RotateKeyOnDemand(key.key_id), key.refusal)

    async def _rotate_by_itself(self, key: Key, _: int) -> None:
        await self.asks(model.EnableKeyRotation(key.key_id, 90), key.refusal)

    def _unnameable(self, key: Key) -> str:
        return key.refusal if key.gone or key.deletes_in else ""

    async def _name(self, key: Key, number: int) -> None:
        alias = ALIASES[number % len(ALIASES)]
        taken = "AlreadyExistsException" if alias in self.aliases else ""
        refusal = self._unnameable(key) or taken
        await self.asks(model.CreateAlias(alias, key.key_id), refusal)
        if not refusal:
            self.aliases[alias] = key

    async def _rename(self, key: Key, number: int) -> None:
        alias = ALIASES[number % len(ALIASES)]
        refusal = self._unnameable(key) or ("" if alias in self.aliases else "NotFoundException")
        await self.asks(model.UpdateAlias(alias, key.key_id), refusal)
        if not refusal:
            self.aliases[alias] = key

    async def _unname(self, _key: Key, number: int) -> None:
        alias = ALIASES[number % len(ALIASES)]
        await self.asks(model.DeleteAlias(alias), "" if self.aliases.pop(alias, None) else "NotFoundException")

    async def _pass(self, _key: Key, number: int) -> None:
        await self.stand.pass_days(number)
        for key in self.keys:
            key.gone = key.gone or 0 < key.deletes_in <= number
            key.deletes_in = max(0, key.deletes_in - number)
        self.aliases = {name: key for name, key in self.aliases.items() if not key.gone}

    async def _restart(self, _key: Key, _: int) -> None:
        await self.stand.restart()

    async def _storage_key(self, _key: Key, _: int) -> None:
        self.storage_keys[len(self.storage_keys) + 1] = bytes((len(self.storage_keys),)) * 32
        self.stand.storage_keys = StorageKeys(self.storage_keys)
        await self.stand.restart()
        await begin_walk(self.stand.engine, self.stand.clock, self.stand.storage_keys, keys.REWRAPS)

    async def look(self) -> None:
        """Hold all that is there to the model."""
        there = [key for key in self.keys if not key.gone]
        listed = (await self.stand.call(model.ListKeys())).items
        assert {it.key_id for it in listed} == {key.key_id for key in there}
        for key in there:
            shown = await self.stand.call(model.DescribeKey(key.key_id))
            assert (shown.is_enabled, bool(shown.deletion_ms)) == (key.is_enabled, bool(key.deletes_in))
        named = {it.name: it.key_id for it in (await self.stand.call(model.ListAliases())).items}
        assert named == {name: key.key_id for name, key in self.aliases.items()}


@given(STEPS)
def test_keys_are_as_a_simple_model_says(steps: list[tuple[str, int, int]]) -> None:
    async def whole(folder: Path) -> None:
        stand = Stand(folder)
        await stand.open()
        beside = Beside(stand)
        for step in steps:
            await beside.step(*step)
        await beside.look()
        for _ in range(3 * len(beside.storage_keys)):
            stand.clock.advance(1_000)
            await stand.pump.run_due()  # the walks end
        for key, plaintext, ciphertext in beside.sealed:
            opened = await beside.asks(model.Decrypt(ciphertext), key.refusal)
            assert opened is None or opened.plaintext == plaintext
        await stand.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(whole(Path(folder)))
