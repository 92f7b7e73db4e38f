"""The operation table: nothing can be registered without a permission, a resource and a handler, or a reason."""

from typing import Any

import pytest

from cumulo.core.operations import Check, Kind, Operation, OperationTable


def checks(request):
    return (Check("sqs:SendMessage", "arn:aws:sqs:us-east-1:000000000000:jobs"),)


def handler(txn, request):
    return None


def operation(**changes):
    fields: dict[str, Any] = {
        "name": "SendMessage",
        "kind": Kind.WRITE,
        "request": dict,
        "permissions": ("sqs:SendMessage",),
        "checks": checks,
        "handler": handler,
    }
    return Operation(**(fields | changes))


def test_table_gives_its_rows_by_name_and_in_order():
    rows = (operation(), operation(name="ReceiveMessage"))

    table = OperationTable("queue", rows)

    assert table["ReceiveMessage"] is rows[1]
    assert list(table) == [*rows]
    assert len(table) == 2
    with pytest.raises(KeyError):
        table["Other"]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ((operation(), operation()), "SendMessage is registered twice"),
        ((operation(permissions=()),), "no permission or no resource check"),
        ((operation(checks=None),), "no permission or no resource check"),
        ((operation(handler=None),), "has no handler and does not say why"),
    ],
)
def test_incomplete_row_cannot_be_registered(rows, says):
    with pytest.raises(ValueError, match=f"^queue: .*{says}"):
        OperationTable("queue", rows)


def test_row_that_says_why_may_be_without():
    rows = (
        operation(name="GetToken", permissions=(), checks=None, open_because="the proof says who calls"),
        operation(name="Later", handler=None, refused="later"),
    )

    assert len(OperationTable("queue", rows)) == 2
