"""A first start that is killed at any of its failpoints: the next start works, with one root key, the file's."""

import asyncio
import json
import stat

import pytest

from cumulo.client import errors
from cumulo.core.names import FIRST_ACCOUNT
from cumulo.identity import directory, keys
from cumulo.storage import failpoints
from cumulo.storage.lmdb_engine import LmdbEngine
from cumulo.testing import Server

POINTS = [name for name in failpoints.POINTS if name.startswith("bootstrap.")]


def root_keys_of(data):
    """Return the ids of the root's keys in a data folder that no server has open."""

    async def read():
        engine = LmdbEngine(data / "engine")
        try:
            return await engine.read(keys.PARTITIONS, directory.account, FIRST_ACCOUNT)
        finally:
            await engine.close()

    record = asyncio.run(read())
    return () if record is None else record.access_keys


@pytest.mark.parametrize("name", POINTS)
def test_first_start_that_is_killed_there_leaves_a_folder_with_one_root_key_that_its_file_names(name, tmp_path, cumulo):
    data = tmp_path / "data"
    path = data / "secrets" / "root_credentials.json"

    killed = cumulo("serve", "--data", str(data), "--port=0", "--grpc-port=0", CUMULO_FAILPOINTS=f"{name}=crash")
    left = json.loads(path.read_text()) if path.exists() else None

    assert killed.returncode == -9, killed.stderr
    with Server(data) as server:
        with server.client() as client:
            assert client.iam.whoami().arn == "arn:aws:iam::000000000000:root"
        if left is not None and left["access_key_id"] != server.credentials["access_key_id"]:
            secret = left["secret_access_key"]
            with (
                server.client(access_key_id=left["access_key_id"], secret_access_key=secret) as stranger,
                pytest.raises(errors.Unauthenticated),
            ):
                stranger.iam.whoami()
        named = server.credentials["access_key_id"]
    assert root_keys_of(data) == (named,)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(entry.name for entry in path.parent.iterdir() if "root" in entry.name) == [path.name]
    assert (left is None) == (name == "bootstrap.before_credentials_file")
    assert (left is not None and left["access_key_id"] == named) == (name == "bootstrap.after_commit")
