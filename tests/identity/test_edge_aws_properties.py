"""Whatever is sent to IAM, it answers or refuses in AWS's words, and what is stored stays whole."""

import asyncio
import typing
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cumulo.core.errors import ServiceError
from cumulo.gateway.aws_service import AwsCall, Handler
from cumulo.identity import aws_iam, edge_aws, group_model, policy_model
from tests.identity.world import ALLOW_ALL, World

ACCOUNT = "000000000000"
LIKELY = st.sampled_from(
    [
        "alice",
        "ALICE",
        "staff",
        "own",
        "/",
        "/x/",
        "v1",
        "v2",
        "Active",
        "Inactive",
        "All",
        "Local",
        "User",
        "",
        " ",
        "..",
        "a/b",
        "*",
        "${aws:username}",
        "\x00",
        "a" * 129,
        ALLOW_ALL,
        "{}",
        f"arn:aws:iam::{ACCOUNT}:policy/all",
        f"arn:aws:iam::{ACCOUNT}:user/alice",
        f"arn:aws:iam::{ACCOUNT}:root",
        "arn:aws:iam::123456789012:policy/all",
        "arn:aws:iam::aws:policy/AdministratorAccess",
        f"accounts/{ACCOUNT}/users/alice",
    ]
)
TEXTS = LIKELY | st.text(max_size=40)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Return values of a member's type."""
    while typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    if typing.get_origin(hint) is list:
        return st.lists(values(typing.get_args(hint)[0]), max_size=3)
    if parts := [part for part in typing.get_args(hint) if part is not type(None)]:
        return st.none() | st.none() | values(parts[0])
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return inputs(hint)
    return {str: TEXTS, int: st.integers(-2, 1_001), bool: st.booleans()}[hint]


def inputs(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Return input structures of an operation."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return st.builds(kind, **{name: values(hints[name]) for name in kind.__struct_fields__})


async def answered(handler: Handler, call: AwsCall) -> Any:
    """Return a handler's answer."""
    return await handler(call)


@pytest.fixture(scope="module")
def world():
    made = World()
    made.user("alice")
    made.call(group_model.CreateGroup(name="staff"))
    made.call(policy_model.CreatePolicy(name="all", document=ALLOW_ALL))
    made.call(policy_model.AttachUserPolicy(user="alice", policy="all"))
    yield made
    assert made.problems() == []


@pytest.mark.parametrize("operation", sorted(edge_aws.ROWS))
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_operation_answers_or_refuses(world, operation, data):
    described = aws_iam.OPERATIONS[operation]
    request = data.draw(inputs(described.input)) if described.input.__struct_fields__ else described.input()
    call = AwsCall(world.root, operation, request, None, None, "http://localhost")  # type: ignore[arg-type]

    answer, refusal = None, None
    try:
        answer = asyncio.run(answered(edge_aws.edge_iam(world.service).handlers[operation], call))
    except ServiceError as error:
        refusal = error.row

    assert answer is None or isinstance(answer, described.output)
    assert refusal is None or 400 <= refusal.http_status < 500 or refusal.code == "NotImplemented"
    assert world.problems() == []
