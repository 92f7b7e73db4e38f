"""Which of AWS's services this server speaks, and which it knows by name only.

Owns that list. A service whose room is still to come is recognised, verified and refused in its own protocol, so that a
client is told what is missing instead of being misunderstood.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from cumulo.core.errors import INVALID_PARAMETER_VALUE, MISSING_PARAMETER, ErrorRow, Status
from cumulo.core.lazy import LazyModule
from cumulo.gateway.aws_model import Protocol, ServiceModel
from cumulo.gateway.aws_service import AnnouncedService, AwsService, InputErrors, LateAwsService
from cumulo.gateway.http_body import BODY_TOO_LARGE

if TYPE_CHECKING:
    from cumulo.identity import edge_aws as identity_edge
    from cumulo.identity import service as identity_room
    from cumulo.key_service import edge_aws as key_edge
    from cumulo.key_service import service as key_room
    from cumulo.object_store import edge_aws as object_edge
    from cumulo.object_store import service as object_room
    from cumulo.queue_service import edge_aws as queue_edge
    from cumulo.queue_service import edge_aws_sns as topic_edge
    from cumulo.queue_service import service as queue_room
    from cumulo.queue_service.topic_service import TopicService
else:
    identity_edge = LazyModule("cumulo.identity.edge_aws")
    key_edge = LazyModule("cumulo.key_service.edge_aws")
    object_edge = LazyModule("cumulo.object_store.edge_aws")
    queue_edge = LazyModule("cumulo.queue_service.edge_aws")
    topic_edge = LazyModule("cumulo.queue_service.edge_aws_sns")

NOT_OFFERED_BODY_BYTES_MAX = 1024 * 1024
_NOT_OFFERED = ErrorRow(
    "NotImplemented",
    501,
    Status.UNIMPLEMENTED,
    "The operation {operation} of this service is not implemented; see docs/compatibility.md.",
)


def aws_services(
    identity: "identity_room.Service",
    queues: "queue_room.Service",
    topics: "Callable[[], TopicService]",
    objects: "object_room.Service",
    keys: "Callable[[], key_room.Service]",
    s3_dialect: str,
) -> tuple[AnnouncedService, ...]:
    """Return the services of the AWS edge, on the given rooms; what serves one is loaded at its first request."""
    return (
        LateAwsService("sqs", "2012-11-05", "AmazonSQS", lambda: queue_edge.edge(queues)),
        LateAwsService(
            "sns", "2010-03-31", "", lambda: topic_edge.edge(topics()), links=("ConfirmSubscription", "Unsubscribe")
        ),
        LateAwsService("s3", "2006-03-01", "", lambda: object_edge.edge(objects, s3_dialect)),
        LateAwsService("iam", "2010-05-08", "", lambda: identity_edge.edge_iam(identity)),
        LateAwsService("sts", "2011-06-15", "", lambda: identity_edge.edge_sts(identity)),
        LateAwsService("kms", "2014-11-01", "TrentService", lambda: key_edge.edge(keys())),
        _without_model("batch", "2016-08-10", "", "rest-json"),
        _without_model("monitoring", "2010-08-01", "GraniteServiceVersion20100801", "query"),
        _without_model("logs", "2014-03-28", "Logs_20140328", "json"),
    )


def _without_model(name: str, api_version: str, target_prefix: str, protocol: Protocol) -> AwsService:
    """Return a service that is known by its name alone; its operations are compiled when its room comes."""
    model = ServiceModel(
        name=name,
        api_version=api_version,
        endpoint_prefix=name,
        protocols=(protocol,),
        operations={},
        errors={},
        target_prefix=target_prefix,
        json_version="1.1" if name == "logs" else "1.0",
        query_compatible=name == "monitoring",
        xml_namespace=f"http://{name}.amazonaws.com/doc/{api_version}/",
    )
    return _not_offered(name, api_version, target_prefix, lambda: model)


def _not_offered(name: str, api_version: str, target_prefix: str, load: Callable[[], ServiceModel]) -> AwsService:
    """Return a service of which every operation is refused by name."""
    return AwsService(
        name=name,
        api_version=api_version,
        target_prefix=target_prefix,
        load=load,
        handlers={},
        input_errors=InputErrors(
            missing=MISSING_PARAMETER,
            malformed=INVALID_PARAMETER_VALUE,
            unknown_operation=_NOT_OFFERED,
            too_large=BODY_TOO_LARGE,
        ),
        body_bytes_max=NOT_OFFERED_BODY_BYTES_MAX,
    )
