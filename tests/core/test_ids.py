"""Ids: their forms, and that a seed replays them."""

import re
import uuid

from cumulo.core.ids import SeededRandomness, SystemRandomness, iam_id, message_id


def test_message_id_is_a_random_uuid():
    text = message_id(SystemRandomness())

    assert uuid.UUID(text).version == 4
    assert text == text.lower()


def test_iam_id_is_a_prefix_and_sixteen_characters_of_base_32():
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", iam_id(SystemRandomness(), "AKIA"))


def test_seed_replays_every_id():
    first, second = SeededRandomness(7), SeededRandomness(7)

    assert [message_id(first), iam_id(first, "AIDA")] == [message_id(second), iam_id(second, "AIDA")]
    assert message_id(first) != message_id(SeededRandomness(8))
