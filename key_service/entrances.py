"""The name by which calls over gRPC find the room, which a server loads at the first of them: nothing is imported."""

from typing import Final

SERVICE_NAME: Final = "cumulo.api.keys.v1.KeyService"
