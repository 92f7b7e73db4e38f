"""The error catalogue's form: a message from a template, values beside it, and codes that are AWS's."""

import re

import pytest

from cumulo.core import errors
from cumulo.core.errors import ErrorRow, ServiceError, Status

ROWS = [value for value in vars(errors).values() if isinstance(value, ErrorRow)]


def test_error_carries_its_row_its_message_and_its_values():
    error = errors.STORAGE_FULL.error(reserve_bytes=10)

    assert isinstance(error, ServiceError)
    assert error.row is errors.STORAGE_FULL
    assert error.values == {"reserve_bytes": 10}
    assert "reserve of 10 bytes" in error.message
    assert str(error) == f"InsufficientStorage: {error.message}"


def test_braces_of_a_caller_are_only_text():
    error = errors.INVALID_PARAMETER_VALUE.error(parameter="Name", value="{allowed}{0}", allowed="a-z")

    assert error.message == "Value {allowed}{0} for parameter Name is invalid. Reason: a-z."


def test_message_without_its_values_is_a_bug():
    with pytest.raises(KeyError):
        errors.TOO_BUSY.error()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.code)
def test_row_is_well_formed(row):
    assert re.fullmatch(r"[A-Z][A-Za-z]+", row.code)
    assert 400 <= row.http_status < 600
    assert row.grpc_status in Status
    assert row.message


def test_status_numbers_are_those_of_grpc():
    import grpc

    numbers = {code.name: code.value[0] for code in grpc.StatusCode}

    assert {status.name: int(status) for status in Status}.items() <= numbers.items()
