"""The key codec: FoundationDB's order, golden bytes, and no second reading of any key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo.storage import tuples

elements = st.binary(max_size=6) | st.text(max_size=6) | st.integers(0, (1 << 64) - 1) | st.integers(0, 300)
keys = st.lists(elements, max_size=5).map(tuple)

GOLDEN = [
    ((), ""),
    ((0,), "14"),
    ((1,), "1501"),
    ((255,), "15ff"),
    ((256,), "160100"),
    (((1 << 64) - 1,), "1cffffffffffffffff"),
    ((b"",), "0100"),
    ((b"a\x00b",), "016100ff6200"),
    (("",), "0200"),
    (("queue",), "02717565756500"),
    (("é\x00",), "02c3a900ff00"),
    (("queues", "000000000000", 7), "0271756575657300" + "0230303030303030303030303000" + "1507"),
]


def rank(element):
    """The order of FoundationDB's tuple layer: bytes, then text by its UTF-8, then integers."""
    if isinstance(element, bytes):
        return 0, element
    return (1, element.encode()) if isinstance(element, str) else (2, element)


@pytest.mark.parametrize(("key", "expected"), GOLDEN)
def test_key_on_disk_is_these_bytes(key, expected):
    assert tuples.encode(key).hex() == expected
    assert tuples.decode(bytes.fromhex(expected)) == key


@given(keys)
def test_key_reads_back_as_it_was(key):
    assert tuples.decode(tuples.encode(key)) == key


@given(keys, keys)
def test_keys_sort_as_their_tuples(one, other):
    assert (tuples.encode(one) < tuples.encode(other)) == ([*map(rank, one)] < [*map(rank, other)])


@given(keys, keys)
def test_longer_tuple_starts_with_the_bytes_of_its_beginning(one, other):
    assert tuples.encode(one + other) == tuples.encode(one) + tuples.encode(other)


@given(st.binary(max_size=30))
def test_any_bytes_are_read_or_refused_and_never_crash(raw):
    try:
        key = tuples.decode(raw)
    except ValueError:
        return
    assert all(isinstance(element, bytes | str | int) for element in key)


@pytest.mark.parametrize("raw", ["01", "0161", "0261", "1c01", "00", "0d", "1d", "0200ff", "02ff00"])
def test_bytes_that_no_tuple_makes_are_refused(raw):
    with pytest.raises(ValueError):
        tuples.decode(bytes.fromhex(raw))


@pytest.mark.parametrize("number", [-1, 1 << 64])
def test_integer_out_of_range_is_a_bug(number):
    with pytest.raises(AssertionError):
        tuples.encode((number,))


@given(st.binary(min_size=1, max_size=5).filter(lambda prefix: prefix.strip(b"\xff")), st.binary(max_size=5))
def test_end_of_a_prefix_lies_behind_every_key_with_it(prefix, rest):
    end = tuples.after(prefix)

    assert prefix + rest < end
    assert not end.startswith(prefix)


@given(st.integers(0, (1 << 64) - 1), st.integers(0, (1 << 64) - 1))
def test_fixed_width_integers_sort_as_numbers(one, other):
    assert (tuples.u64(one) < tuples.u64(other)) == (one < other)
    assert len(tuples.u64(one)) == 8
