"""What identity wrote into the due index before a restart on a real engine happens after it."""

import asyncio

import pytest

from cumulo.identity import keys, model, token_model
from cumulo.storage.engine import ROOT
from cumulo.storage.lmdb_engine import LmdbEngine
from tests.identity.world import World


async def open_engine(folder):
    return LmdbEngine(folder)


def restart(world, folder):
    """End the server's process and start another on the same folder."""
    world.run(world.engine.close())
    world.engine = world.run(open_engine(folder))
    world.start()


@pytest.fixture
def world(tmp_path):
    """A world on LMDB."""

    with asyncio.Runner() as runner:
        made = World(runner.run(open_engine(tmp_path)), runner=runner)
        yield made
        assert made.problems() == []
        runner.run(made.engine.close())


def test_planned_rotation_of_the_signing_key_and_the_old_ones_end_happen_after_restarts(world, tmp_path):
    key = (world.root_credentials.access_key_id, world.root_credentials.secret_access_key)
    world.clock.advance(90 * model.DAY_MS)

    restart(world, tmp_path)
    assert world.due() == 1
    new = world.token(*key).text
    assert new.partition(".")[0] != world.root_token.text.partition(".")[0]

    world.clock.advance(token_model.TOKEN_LIFE_S_MAX * 1000)
    restart(world, tmp_path)
    assert world.due() == 1
    world.start()
    assert set(world.credentials._signer._public) == {new.partition(".")[0]}


def test_revocation_is_kept_over_a_restart_and_forgotten_after_the_next(world, tmp_path):
    world.user("alice")
    world.call(token_model.RevokePrincipalTokens(principal="alice"))
    world.clock.advance(token_model.SESSION_LIFE_S_MAX * 1000 - 1)

    restart(world, tmp_path)
    assert world.due() == 0

    world.clock.advance(1)
    restart(world, tmp_path)
    assert world.due() == 1
    prefix = keys.REVOKED_PRINCIPALS
    assert world.run(world.engine.read((ROOT,), lambda txn, _: txn.range(prefix, prefix + b"\xff", 9), None)) == []
