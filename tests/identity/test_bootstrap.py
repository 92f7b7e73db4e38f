"""The first start: a random root key, kept in a file that only its owner reads, shown once."""

import asyncio
import json
import stat

import pytest

from cumulo.core.clocks import ManualClock
from cumulo.core.ids import SeededRandomness
from cumulo.identity import token_model
from cumulo.identity.bootstrap import bootstrap
from cumulo.identity.sealing import SecretBox
from cumulo.storage.lmdb_engine import LmdbEngine
from cumulo.storage.memory import MemoryEngine
from tests.identity.world import SERVER_KEY, World


def start(engine, randomness=None, credentials_file=None):
    return bootstrap(
        engine,
        clock=ManualClock(),
        randomness=randomness or SeededRandomness(7),
        box=SecretBox(SERVER_KEY),
        credentials_file=credentials_file,
    )


def test_first_start_makes_a_root_key_that_works(tmp_path):
    world = World(credentials_file=tmp_path / "root_credentials")

    identity = world.call(token_model.GetCallerIdentity())

    assert identity.arn == "arn:aws:iam::000000000000:root"
    assert identity.user_id == "000000000000"
    assert identity.access_key_id == world.root_credentials.access_key_id
    assert world.problems() == []


def test_root_credentials_file_is_json_of_mode_0600(tmp_path):
    path = tmp_path / "root_credentials"
    made = World(credentials_file=path).root_credentials

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text()) == {
        "account": "000000000000",
        "access_key_id": made.access_key_id,
        "secret_access_key": made.secret_access_key,
    }
    assert [entry.name for entry in tmp_path.iterdir()] == ["root_credentials"]


def test_second_start_makes_nothing_and_shows_nothing():
    engine = MemoryEngine()

    first = asyncio.run(start(engine))
    second = asyncio.run(start(engine, SeededRandomness(8)))

    assert first is not None
    assert second is None


def test_two_servers_have_different_root_keys():
    first = asyncio.run(start(MemoryEngine(), SeededRandomness(1)))
    second = asyncio.run(start(MemoryEngine(), SeededRandomness(2)))

    assert first is not None
    assert second is not None
    assert first.secret_access_key != second.secret_access_key
    assert first.access_key_id != second.access_key_id


def test_nothing_is_made_where_the_file_cannot_be_written(tmp_path):
    engine = MemoryEngine()

    with pytest.raises(OSError):
        asyncio.run(start(engine, credentials_file=tmp_path / "missing" / "root_credentials"))

    assert asyncio.run(start(engine)) is not None


def test_a_link_in_place_of_the_draft_is_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (tmp_path / ".root_credentials.new").symlink_to(victim)

    World(credentials_file=tmp_path / "root_credentials")

    assert victim.read_text() == "untouched"


def test_credentials_show_no_secret_in_repr():
    made = World().root_credentials

    assert made.secret_access_key not in repr(made)


def test_first_start_on_a_real_engine_survives_a_restart(tmp_path):
    async def whole_life():
        engine = LmdbEngine(tmp_path)
        made = await start(engine)
        await engine.close()
        engine = LmdbEngine(tmp_path)
        again = await start(engine)
        await engine.close()
        return made, again

    made, again = asyncio.run(whole_life())

    assert made is not None
    assert again is None
