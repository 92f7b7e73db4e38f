# Generated from _async/attributes.py by `make gen` (.ci/sync_twin.py). Do not edit.
"""What is known of an object in parts, read page by page."""

from cumulo.api.objects.v1 import objects_pb2 as pb
from cumulo.client._sync.connection import Connection


def read_attributes(
    connection: Connection, request: pb.GetObjectAttributesRequest
) -> tuple[pb.GetObjectAttributesResponse, list[pb.Part]]:
    """Return the last page of the attributes of an object, and the parts of all pages."""
    parts: list[pb.Part] = []
    while True:
        response = connection.call(connection.lane.objects.GetObjectAttributes, request)
        parts += response.parts
        if not response.next_part_number:
            return response, parts
        request.after_part_number = response.next_part_number
