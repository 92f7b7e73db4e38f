"""What the room can do is offered over gRPC, or is nothing but HTTP's."""

from typing import Final

import msgspec
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

CALLED_OTHERWISE: Final = {
    "acl": "canned_acl",
    "bypasses_governance": "bypass_governance",
    "conditions": "if_match",
    "customer": "customer_key",
    "event": "event_hold",
    "hold": "legal_hold",
    "locks_objects": "object_lock",
    "part_number_marker": "after_part_number",
    "replaces_metadata": "replace_metadata",
    "replaces_tags": "replace_tags",
    "skips_validation": "skip_destination_validation",
    "source": "source_key",
    "source_conditions": "source_if_match",
    "until_ms": "retain_until_ms",
    "value": "document",
    "with_owners": "fetch_owner",
}
"""What the contract calls a field of the room's requests, where that is not the same."""
OF_THE_CALL: Final = {
    ("CreateBucket", "region"): "bucket",
    ("DeleteBucket", "bucket"): "name",
    ("GetBucket", "bucket"): "name",
    ("GetObject", "range"): "byte_range",
    ("ListObjectVersions", "key_marker"): "start_after",
    ("ListObjectVersions", "version_id_marker"): "start_after_version_id",
    ("UploadPart", "encryption"): "customer_key",
    ("UploadPartCopy", "encryption"): "customer_key",
    ("CompleteMultipartUpload", "encryption"): "customer_key",
}
_RULES_OF_S3: Final = "how S3 judges a request of its own, or of an SDK of some age"
_SENT_CHECKSUMS: Final = "the contract covers all bytes by CRC-64/NVME, and what is kept needs no other"
FIELDS_OF_HTTP_ALONE: Final = {
    "checksum": _SENT_CHECKSUMS,
    "checksum_type": _SENT_CHECKSUMS,
    "checksums": _SENT_CHECKSUMS,
    "demands_digest": _RULES_OF_S3,
    "ends_uploads": _RULES_OF_S3,
    "etags_suffice": _RULES_OF_S3,
    "is_form": "a browser's form",
    "keeps_list": _RULES_OF_S3,
    "key_marker": "a page token goes on",
    "location_constraint": _RULES_OF_S3,
    "metadata_directive": "policies may ask for the header",
    "needs_key": _RULES_OF_S3,
    "only_written": _RULES_OF_S3,
    "owner": "the owner that stands in a document of XML",
    "to_default": "what the service makes of a removal, not what a caller asks",
    "upload_id_marker": "a page token goes on",
    "without_entries": "max-keys of 0",
}
"""Fields of the room's requests that the contract does not have, and why."""
NOT_OF_THE_CALL: Final = {
    ("HeadObject", "range"): "a description tells the size",
    ("HeadObject", "part_number"): "GetObjectAttributes tells the parts",
    ("ListParts", "part_number_marker"): "a page token goes on",
}


def offered() -> set[str]:
    methods = pb.DESCRIPTOR.services_by_name["ObjectService"].methods
    return {OPERATIONS.get(method.name, method.name) for method in methods}


@pytest.mark.parametrize("name", [it.name for it in TABLE])
def test_every_operation_is_offered_over_grpc_or_is_of_http_alone(name: str) -> None:
    assert (name in offered()) != (name in HTTP_ALONE)


@pytest.mark.parametrize("name", sorted({it.name for it in TABLE} - HTTP_ALONE.keys()))
def test_whatever_a_request_can_say_it_can_say_over_grpc(name: str) -> None:
    message = pb.DESCRIPTOR.services_by_name["ObjectService"].methods_by_name[name].input_type
    # An upload says what it is in its first frame.
    head = message.fields_by_name["head"].message_type if "head" in message.fields_by_name else None
    can_say = set((head or message).fields_by_name)
    missing = set()
    for field in msgspec.structs.fields(TABLE[name].request):
        called = OF_THE_CALL.get((name, field.name)) or CALLED_OTHERWISE.get(field.name, field.name)
        if not can_say & {field.name, called}:
            missing.add(field.name)

    excused = {field for field in missing if field in FIELDS_OF_HTTP_ALONE or (name, field) in NOT_OF_THE_CALL}
    assert missing == excused


def test_nothing_is_offered_or_excused_that_the_room_does_not_know() -> None:
    names = {it.name for it in TABLE}

    assert offered() <= names
    assert set(HTTP_ALONE) <= names


@pytest.mark.parametrize("kind", KINDS)
def test_every_configuration_is_a_document_over_grpc(kind: str) -> None:
    assert KINDS[kind].is_kept
    assert kind in FORMS or KINDS[kind].shape or kind == QUOTA
