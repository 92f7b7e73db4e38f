"""The descriptors of every proto that a server speaks, as gRPC reflection asks a pool for them.

Loaded when somebody first asks: a service's own descriptors may not be there before its first call.
"""

from google.protobuf import descriptor_pool

from cumulo.api.identity.v1 import identity_pb2 as _identity_pb2  # noqa: F401 - adds itself to the pool, as the others
from cumulo.api.keys.v1 import keys_pb2 as _keys_pb2  # noqa: F401
from cumulo.api.objects.v1 import objects_pb2 as _objects_pb2  # noqa: F401
from cumulo.api.queue.v1 import log_pb2 as _log_pb2  # noqa: F401
from cumulo.api.queue.v1 import queue_pb2 as _queue_pb2  # noqa: F401
from cumulo.api.queue.v1 import schedule_pb2 as _schedule_pb2  # noqa: F401
from cumulo.api.runner.v1 import runner_pb2 as _runner_pb2  # noqa: F401
from cumulo.api.topics.v1 import topics_pb2 as _topics_pb2  # noqa: F401

_pool = descriptor_pool.Default()
FindFileByName = _pool.FindFileByName
FindFileContainingSymbol = _pool.FindFileContainingSymbol
FindMessageTypeByName = _pool.FindMessageTypeByName
FindExtensionByNumber = _pool.FindExtensionByNumber
FindAllExtensions = _pool.FindAllExtensions
