"""The data folder: made once, claimed by one server, refused in one line where it cannot be used."""

import asyncio
import json
import os
import stat

import pytest

from cumulo.core.clocks import ONE_HOUR_MS, ManualClock, SystemClock
from cumulo.storage import clock_record
from cumulo.storage.data_folder import MINOR, SERVER_KEY_BYTES, DataFolder, DataFolderRefused, lmdb_version
from cumulo.storage.lmdb_engine import LmdbEngine
from cumulo.storage.memory import MemoryEngine


def make(path):
    folder = DataFolder(path)
    folder.close()
    return folder


def refusal(path) -> str:
    with pytest.raises(DataFolderRefused) as refused:
        make(path)
    message = str(refused.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def edit_format(path, **changes):
    file = path / "FORMAT"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def modes(path):
    return {entry.name: oct(stat.S_IMODE(entry.stat().st_mode)) for entry in path.iterdir()}


def test_first_start_makes_every_part_for_its_owner_alone(tmp_path):
    folder = make(tmp_path / "deep" / "data")

    assert modes(folder.path) == {
        "FORMAT": "0o600",
        "LOCK": "0o600",
        "engine": "0o700",
        "blobs": "0o700",
        "tmp": "0o700",
        "secrets": "0o700",
    }
    assert modes(folder.secrets) == {"server.key": "0o600"}
    assert json.loads((folder.path / "FORMAT").read_text()) == {
        "kind": "cumulo data folder",
        "major": 1,
        "minor": MINOR,
        "lmdb": lmdb_version(),
    }


def test_later_start_finds_the_same_server_key(tmp_path):
    first, second = make(tmp_path / "data"), make(tmp_path / "data")

    assert first.server_key == second.server_key
    assert len(first.server_key) == SERVER_KEY_BYTES
    assert make(tmp_path / "other").server_key != first.server_key


def test_server_key_does_not_show(tmp_path):
    folder = make(tmp_path / "data")

    assert folder.server_key.hex() not in repr(folder)
    assert str(folder.server_key) not in repr(folder)


def test_second_server_is_refused_with_the_process_that_holds_the_folder(tmp_path):
    folder = DataFolder(tmp_path / "data")

    assert f"in use by process {os.getpid()}" in refusal(tmp_path / "data")

    folder.close()
    make(tmp_path / "data")


def test_folder_with_foreign_files_is_refused_and_left_untouched(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")

    assert "thesis.tex" in refusal(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_engine_without_a_format_file_is_refused(tmp_path):
    make(tmp_path)
    (tmp_path / "engine" / "data.mdb").write_bytes(b"x")
    (tmp_path / "FORMAT").unlink()

    assert "no FORMAT file" in refusal(tmp_path)


def test_first_start_that_was_cut_off_goes_on(tmp_path):
    (tmp_path / "LOCK").touch()
    (tmp_path / "secrets").mkdir(mode=0o700)
    (tmp_path / "FORMAT.new").touch()

    make(tmp_path)

    assert (tmp_path / "FORMAT").exists()


def test_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "data").write_text("x")

    assert "is a file" in refusal(tmp_path / "data")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"major": 2}, "run a version of cumulo whose format is 2"),
        ({"minor": MINOR + 1}, "run the newer version"),
        ({"kind": "other"}, "belongs to 'other'"),
        ({"lmdb": "0.9.36"}, "was made with LMDB 0.9.36"),
        ({"lmdb": "2.0.0"}, "was made with LMDB 2.0.0"),
        ({"major": "x"}, "cannot be read"),
    ],
)
def test_folder_of_another_format_is_refused(tmp_path, changes, says):
    make(tmp_path)
    edit_format(tmp_path, **changes)

    assert says in refusal(tmp_path)


def test_folder_of_an_older_minor_version_is_marked_before_it_is_used(tmp_path):
    key = make(tmp_path / "data").server_key
    edit_format(tmp_path / "data", minor=0)

    folder = make(tmp_path / "data")

    assert json.loads((tmp_path / "data" / "FORMAT").read_text())["minor"] == MINOR
    assert folder.server_key == key


def test_format_with_unknown_fields_of_the_same_version_is_read(tmp_path):
    make(tmp_path)
    edit_format(tmp_path, note="kept")

    make(tmp_path)


def test_secrets_that_others_can_read_are_refused(tmp_path):
    folder = make(tmp_path)
    (folder.secrets / "server.key").chmod(0o640)

    assert f"chmod go= {folder.secrets / 'server.key'}" in refusal(tmp_path)


def test_lost_server_key_is_not_replaced_by_another(tmp_path):
    folder = make(tmp_path)
    (folder.secrets / "server.key").unlink()

    assert "put the file back" in refusal(tmp_path)
    assert list(folder.secrets.iterdir()) == []


def test_truncated_server_key_is_refused(tmp_path):
    folder = make(tmp_path)
    (folder.secrets / "server.key").write_bytes(b"short")

    assert "has 5 bytes instead of 32" in refusal(tmp_path)


def test_start_empties_tmp(tmp_path):
    folder = make(tmp_path)
    (folder.tmp / "left").mkdir()
    (folder.tmp / "left" / "file").touch()
    (folder.tmp / "link").symlink_to(folder.secrets)

    make(tmp_path)

    assert list(folder.tmp.iterdir()) == []
    assert (folder.secrets / "server.key").exists()


def test_recorded_deadline_survives_a_restart_and_never_goes_back(tmp_path):
    async def start(clock):
        engine = LmdbEngine(tmp_path)
        before = await clock_record.load(engine)
        await clock_record.store(engine, clock)
        await engine.close()
        return before

    assert asyncio.run(start(ManualClock(5_000))) == 0
    assert asyncio.run(start(ManualClock(4_000))) == 5_000
    assert asyncio.run(start(ManualClock(4_000))) == 5_000


def test_clock_is_recorded_at_once_and_when_the_keeper_ends():
    async def run():
        engine, clock = MemoryEngine(), ManualClock(1_000)
        keeper = asyncio.create_task(clock_record.keep(engine, clock))
        await asyncio.sleep(0)
        at_once = await clock_record.load(engine)
        clock.advance(500)
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        return at_once, await clock_record.load(engine)

    assert asyncio.run(run()) == (1_000, 1_500)


def test_recorded_deadline_is_believed_up_to_one_hour_ahead():
    wall = SystemClock().wall_ms()

    ahead = SystemClock(wall + 60_000).deadline_ms() - wall
    far = SystemClock(wall + 10 * ONE_HOUR_MS).deadline_ms() - wall
    behind = SystemClock(1).deadline_ms() - wall

    assert 60_000 <= ahead < 90_000
    assert ONE_HOUR_MS <= far < ONE_HOUR_MS + 30_000
    assert 0 <= behind < 30_000
