"""The targets of `make fuzz` themselves: each reads its seeds, and takes random bytes without a bug."""

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

PATH = Path(__file__).parents[2] / "fuzz" / "targets.py"
_spec = importlib.util.spec_from_file_location("fuzz_targets", PATH)
assert _spec is not None
assert _spec.loader is not None
fuzz = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fuzz)


@pytest.mark.parametrize("name", fuzz.TARGETS)
def test_target_reads_its_seeds(name):
    read = 0
    for seed in fuzz.SEEDS[name]:
        fuzz.run(name, seed)
        try:
            fuzz.TARGETS[name](seed)
        except fuzz.EXPECTED:
            continue
        read += 1
    assert read, "no seed gets through"


@pytest.mark.parametrize("name", fuzz.TARGETS)
@given(data=st.binary(max_size=200))
def test_target_takes_any_bytes(name, data):
    fuzz.run(name, data)


@pytest.mark.parametrize("name", fuzz.TARGETS)
@given(draw=st.data())
def test_target_takes_its_seeds_with_pieces_cut_doubled_and_put_in(name, draw):
    data = draw.draw(st.sampled_from(fuzz.SEEDS[name]))
    for _ in range(draw.draw(st.integers(1, 3))):
        start, end = sorted(draw.draw(st.tuples(*[st.integers(0, len(data))] * 2)))
        piece = draw.draw(st.sampled_from((b"", data[start:end] * 2, b"<", b"&", b"0", b"-1")) | st.binary(max_size=20))
        data = data[:start] + piece + data[end:]

    fuzz.run(name, data)


def test_there_are_seeds_for_every_target():
    assert fuzz.SEEDS.keys() == fuzz.TARGETS.keys()
