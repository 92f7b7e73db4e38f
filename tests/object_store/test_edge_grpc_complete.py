"""What the room can do is offered over gRPC, or is nothing but HTTP's."""

from typing import Final

import pytest

from cumulo.api.objects.v1 import objects_pb2 as pb
from cumulo.object_store.configurations import KINDS, QUOTA
from cumulo.object_store.edge_documents import FORMS
from cumulo.object_store.edge_grpc_versions import OPERATIONS
from cumulo.object_store.operations import TABLE

HTTP_ALONE: Final = {
    "GetBucketLocation": "a region is what an SDK of AWS signs for; over gRPC it is a field of what GetBucket answers",
}
"""The room's operations that gRPC does not offer, and why."""


def offered() -> set[str]:
    methods = pb.DESCRIPTOR.services_by_name["ObjectService"].methods
    return {OPERATIONS.get(method.name, method.name) for method in methods}


@pytest.mark.parametrize("name", [it.name for it in TABLE])
def test_every_operation_is_offered_over_grpc_or_is_of_http_alone(name: str) -> None:
    assert (name in offered()) != (name in HTTP_ALONE)


def test_nothing_is_offered_or_excused_that_the_room_does_not_know() -> None:
    names = {it.name for it in TABLE}

    assert offered() <= names
    assert set(HTTP_ALONE) <= names


@pytest.mark.parametrize("kind", KINDS)
def test_every_configuration_is_a_document_over_grpc(kind: str) -> None:
    assert KINDS[kind].is_kept
    assert kind in FORMS or KINDS[kind].shape or kind == QUOTA
