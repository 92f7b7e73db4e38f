"""Ids: their forms, and that a seed replays them."""

import concurrent.futures
import os
import re
import uuid
import warnings

import pytest

from cumulo.core.ids import (
    POOL_BYTES,
    REQUEST_IDS_AT_ONCE,
    RequestIds,
    SeededRandomness,
    SystemRandomness,
    iam_id,
    message_id,
    uuid4_text,
    uuid4_texts,
)


def test_message_id_is_a_random_uuid():
    text = message_id(SystemRandomness())

    assert uuid.UUID(text).version == 4
    assert text == text.lower()


def test_iam_id_is_a_prefix_and_sixteen_characters_of_base_32():
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", iam_id(SystemRandomness(), "AKIA"))
    assert re.fullmatch(r"AIDA[A-Z2-7]{17}", iam_id(SystemRandomness(), "AIDA"))


def test_seed_replays_every_id():
    first, second = SeededRandomness(7), SeededRandomness(7)

    assert [message_id(first), iam_id(first, "AIDA")] == [message_id(second), iam_id(second, "AIDA")]
    assert message_id(first) != message_id(SeededRandomness(8))


def test_pooled_bytes_are_never_given_twice():
    source = SystemRandomness()

    drawn = [source.token_bytes(16) for _ in range(POOL_BYTES // 4)]

    assert len(set(drawn)) == len(drawn)
    assert len(source.token_bytes(POOL_BYTES + 1)) == POOL_BYTES + 1


def test_threads_and_child_processes_never_draw_the_same_bytes():
    source = SystemRandomness()
    source.token_bytes(16)
    pool = concurrent.futures.ThreadPoolExecutor(1)
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child of a process with threads, here harmless
        child = os.fork()
    if child == 0:
        os.write(writer, source.token_bytes(16))
        os._exit(0)
    os.waitpid(child, 0)

    in_child, in_thread = os.read(reader, 16), pool.submit(source.token_bytes, 16).result()

    assert len({in_child, in_thread, source.token_bytes(16)}) == 3
    os.close(reader)
    os.close(writer)
    pool.shutdown()


@pytest.mark.parametrize("count", [0, 1, 2, 15, 16, 17, 100])
def test_many_uuids_are_those_of_one_after_the_other(count):
    digits = SeededRandomness(7).token_bytes(16 * count).hex()

    one_by_one = [uuid4_text(digits[at : at + 32]) for at in range(0, 32 * count, 32)]

    assert uuid4_texts(digits, count) == one_by_one
    assert all(uuid.UUID(text).version == 4 for text in one_by_one)


def test_request_ids_are_uuids_and_never_the_same():
    ids = RequestIds(SystemRandomness())

    given = [ids.new() for _ in range(3 * REQUEST_IDS_AT_ONCE)]

    assert len(set(given)) == len(given)
    assert all(uuid.UUID(text).version == 4 for text in given)
