"""What is known of an object in parts, read page by page."""

from cumulo.api.objects.v1 import objects_pb2 as pb
from cumulo.client._async.connection import AsyncConnection


async def read_attributes(
    connection: AsyncConnection, request: pb.GetObjectAttributesRequest
) -> tuple[pb.GetObjectAttributesResponse, list[pb.Part]]:
    """Return the last page of the attributes of an object, and the parts of all pages."""
    parts: list[pb.Part] = []
    while True:
        response = await connection.call(connection.lane.objects.GetObjectAttributes, request)
        parts += response.parts
        if not response.next_part_number:
            return response, parts
        request.after_part_number = response.next_part_number
