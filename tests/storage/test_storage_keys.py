"""The storage keys: made once, missed at once, and opening only what they wrapped."""

import asyncio

import pytest

from cumulo.core.ids import SeededRandomness
from cumulo.storage.data_folder import DataFolder, DataFolderRefused
from cumulo.storage.memory import MemoryEngine
from cumulo.storage.storage_keys import KEY_BYTES, KeyUnreadable, StorageKeys, WrappedKey, open_storage_keys

SCOPE = ("sqs", "000000000000", "alias/aws/sqs")
DATA_KEY = bytes(range(32))


@pytest.fixture
def folder(tmp_path):
    made = DataFolder(tmp_path / "data")
    yield made
    made.close()


def opened(folder, engine):
    return asyncio.run(open_storage_keys(folder, engine))


def first_key(folder):
    return folder.secrets / "storage_keys" / "1.key"


def wrapped(keys):
    return keys.wrap(SeededRandomness(1), DATA_KEY, SCOPE, b"record")


def test_first_start_makes_a_key_that_only_the_owner_reads(folder):
    opened(folder, MemoryEngine())

    path = first_key(folder)
    assert len(path.read_bytes()) == KEY_BYTES
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_key_is_the_same_at_every_start(folder):
    engine = MemoryEngine()
    it = wrapped(opened(folder, engine))

    assert opened(folder, engine).unwrap(it, SCOPE, b"record") == DATA_KEY


def test_key_is_made_where_a_start_was_cut_off_before_it_was_recorded(folder):
    opened(folder, MemoryEngine())
    before = first_key(folder).read_bytes()

    opened(folder, MemoryEngine())

    assert first_key(folder).read_bytes() == before


def test_missing_key_refuses_the_start_and_is_not_made_anew(folder):
    engine = MemoryEngine()
    opened(folder, engine)
    first_key(folder).unlink()

    with pytest.raises(DataFolderRefused, match=r"storage_keys/1\.key is missing.*put the file back"):
        opened(folder, engine)

    assert not first_key(folder).exists()


def test_other_key_refuses_the_start_without_a_word_of_either(folder):
    engine = MemoryEngine()
    opened(folder, engine)
    first_key(folder).write_bytes(b"w" * KEY_BYTES)

    with pytest.raises(DataFolderRefused, match=r"1\.key is another key") as refused:
        opened(folder, engine)

    assert "w" * 8 not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"short", bytes(KEY_BYTES), b"x" * 33])
def test_file_that_is_no_key_refuses_the_start(folder, content):
    engine = MemoryEngine()
    opened(folder, engine)
    first_key(folder).write_bytes(content)

    with pytest.raises(DataFolderRefused, match="does not hold 32 random bytes"):
        opened(folder, engine)


def test_key_that_others_can_read_refuses_the_start(folder):
    engine = MemoryEngine()
    opened(folder, engine)
    first_key(folder).chmod(0o644)

    with pytest.raises(DataFolderRefused, match="can be read by others"):
        opened(folder, engine)


def test_next_key_wraps_and_the_one_before_still_opens(folder):
    engine = MemoryEngine()
    old = wrapped(opened(folder, engine))
    second = first_key(folder).with_name("2.key")
    second.write_bytes(b"2" * KEY_BYTES)
    second.chmod(0o600)

    keys = opened(folder, engine)
    new = wrapped(keys)

    assert (old.storage_key, new.storage_key) == (1, 2)
    assert keys.unwrap(old, SCOPE, b"record") == keys.unwrap(new, SCOPE, b"record") == DATA_KEY
    second.unlink()
    with pytest.raises(DataFolderRefused, match=r"2\.key is missing"):
        opened(folder, engine)


def test_wrapped_key_opens_for_its_own_scope_and_record_alone():
    keys = StorageKeys({1: b"k" * KEY_BYTES})
    it = wrapped(keys)

    assert keys.unwrap(it, SCOPE, b"record") == DATA_KEY
    for altered, scope, record in (
        (it, ("sqs", "111111111111", "alias/aws/sqs"), b"record"),
        (it, SCOPE, b"other"),
        (WrappedKey(2, it.sealed), SCOPE, b"record"),
        (WrappedKey(1, it.sealed[:-1] + b"!"), SCOPE, b"record"),
        (WrappedKey(1, b""), SCOPE, b"record"),
    ):
        with pytest.raises(KeyUnreadable) as refused:
            keys.unwrap(altered, scope, record)
        assert DATA_KEY.hex() not in str(refused.value)


def test_keys_do_not_show():
    assert repr(StorageKeys({1: b"k" * KEY_BYTES, 3: b"l" * KEY_BYTES})) == "StorageKeys([1, 3])"
    with pytest.raises(ValueError, match="random bytes") as refused:
        StorageKeys({1: b"k" * 31})
    assert "kkk" not in str(refused.value)
