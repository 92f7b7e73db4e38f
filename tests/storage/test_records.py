"""The record codec: version first, fields only appended, older and newer records read."""

import msgspec
import pytest

from cumulo.storage import records


class First(records.Record, frozen=True):
    name: str = ""


class Second(records.Record, frozen=True):
    name: str = ""
    size: int = 7


def test_record_is_an_array_with_its_version_first():
    assert records.encode(First(name="a")).hex() == "9201a161"


def test_newer_program_reads_an_older_record_with_defaults():
    assert records.decoder(Second).decode(records.encode(First(name="a"))) == Second(name="a", size=7)


def test_field_of_a_newer_record_is_passed_over():
    assert records.decoder(First).decode(records.encode(Second(name="a", size=9))) == First(name="a")


def test_bytes_that_are_no_record_are_refused():
    with pytest.raises(msgspec.DecodeError):
        records.decoder(First).decode(b"\x93")
