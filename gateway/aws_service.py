"""The seam between the AWS edge and a service room: what a room's `edge_aws.py` gives, and what its handlers get.

Owns only shapes. The edge (`gateway/aws_edge.py`) detects the service, verifies the signature and decodes the request
before a handler runs; a handler turns AWS's shape into a call of its room and the room's result into AWS's shape.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import ErrorRow, ServiceError
from cumulo.core.lazy import LazyPart
from cumulo.gateway.aws_model import ServiceModel
from cumulo.gateway.bucket_front import BucketFront
from cumulo.gateway.http1 import Request


class Dialect(msgspec.Struct, frozen=True):
    """In what a service's answers differ from AWS's, for callers who are used to another store.

    `said_otherwise`: refusals under another code or status. `unsized_bodies`: an upload may come in HTTP's own chunks
    without saying what they come to. `completion_needs_key`: a completion of an upload under SSE-C brings its key, and
    is told of it; `etags_suffice`: it need not repeat the checksums of its parts. `keeps_lists`: who makes his own
    bucket again, with another access control list, is refused. `any_condition`: writes take all conditions of RFC 9110.
    `denies_markers`: where an object is not there, it is said that no delete marker hides it, where none does.
    `shows_parts`: the attributes of an object in parts tell of each part, whatever the object's checksum is, as does a
    download of a part of its checksum; and how many there are stands behind a checksum of checksums.
    `tells_start_after`: a listing with a token tells what it was asked to begin behind, and an empty token is none.
    `hides_default_encryption`: of a bucket whose encryption nobody configured it is not told that it encrypts.
    `lists_groups_first`: access control lists name groups before accounts.
    """

    said_otherwise: Mapping[ErrorRow, ErrorRow] = {}
    unsized_bodies: bool = False
    completion_needs_key: bool = False
    etags_suffice: bool = False
    keeps_lists: bool = False
    any_condition: bool = False
    denies_markers: bool = False
    shows_parts: bool = False
    tells_start_after: bool = False
    hides_default_encryption: bool = False
    lists_groups_first: bool = False


AWS = Dialect()


class AwsCall(msgspec.Struct, frozen=True):
    """One verified, decoded call.

    `request` is the operation's generated input structure. `body` is the verified payload of an operation whose input
    streams, None for every other: its pieces are borrowed until the next one is asked for; S3 gets the others' whole
    document as `content`, to verify its checksums. `http` is the head, for what the model does not carry (the host in a
    queue URL); `base_url` is `scheme://host` as the client addressed the server.
    """

    ctx: CallContext
    operation: str
    request: Any
    body: AsyncIterator[memoryview] | None
    http: Request
    base_url: str
    content: bytes = b""
    dialect: Dialect = AWS


class PostedForm(msgspec.Struct, frozen=True):
    """The `AwsCall.request` of S3's PostObject: the bucket of the URL, and the fields by lower-case names."""

    Bucket: str
    fields: Mapping[str, str]


class AwsAnswer(msgspec.Struct, frozen=True):
    """An answer that is more than its output structure.

    `output` is the generated output structure, None for an empty one. `body` streams, with its `content_length`;
    `content` is a whole body of `content_type` where the model has no shape for it. `status` 0 is the model's own.
    `headers` are sent beside those that the model derives from `output`.
    """

    output: Any = None
    body: AsyncIterator[memoryview] | None = None
    content_length: int | None = None
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    content: bytes = b""
    content_type: str = ""


class RefusalWithHeaders(ServiceError):
    """A refusal whose answer bears headers of its own, beside those of every refusal."""

    def __init__(self, error: ServiceError, headers: tuple[tuple[str, str], ...]) -> None:
        super().__init__(error.row, error.values)
        self.headers = headers


Handler = Callable[[AwsCall], Awaitable[Any]]
"""Returns the generated output structure, None for an empty one, or an `AwsAnswer`."""


class InputErrors(msgspec.Struct, frozen=True):
    """What a service calls bad input that was found before its handler ran.

    `missing` is formatted with `parameter` and `operation`, `malformed` with `parameter` (empty where unknown), `value`
    and `allowed`, `unknown_operation` with `operation` and `version`, `too_large` with `allowed` (bytes).
    `malformed_parameter` is what is wrong in URL or headers, where the service calls that otherwise than a malformed
    document; `incomplete` is a document that lacks a member, where the service calls that otherwise than a request that
    lacks one, and `no_document` is a request without the document that it should be.
    """

    missing: ErrorRow
    malformed: ErrorRow
    unknown_operation: ErrorRow
    too_large: ErrorRow
    malformed_parameter: ErrorRow | None = None
    incomplete: ErrorRow | None = None
    no_document: ErrorRow | None = None


class AwsService(msgspec.Struct, frozen=True):
    """One AWS service of a room.

    `name` is the service of the credential scope (`sqs`); `api_version` and `target_prefix` are those of the model, so
    that a request can be told before the model is imported: `load` does that, at the first call. `handlers` are the
    operations that are done; every other one of the model is refused by name. `body_bytes_max` bounds a request body
    that does not stream. `path_member` is the parameter that the path stands for where a query call lacks it.
    `version_required`: a query call that names another version, or none, means no operation of this service.
    `anonymous`: a resource's policy may let in callers without a signature; `links` are the query actions that stand in
    links which such callers follow, without a version. `departures` say where an operation
    answers otherwise than AWS on purpose, for the compatibility table. `json_names`: what the query protocol's JSON
    calls a member, where that is not the model's name. `front` is what S3's room does for its buckets' visitors beside
    operations. `dialect` goes to every call.
    """

    name: str
    api_version: str
    target_prefix: str
    load: Callable[[], ServiceModel]
    handlers: Mapping[str, Handler]
    input_errors: InputErrors
    body_bytes_max: int
    path_member: str = ""
    version_required: bool = False
    anonymous: bool = False
    links: tuple[str, ...] = ()
    departures: Mapping[str, str] = {}
    json_names: Mapping[str, str] = {}
    front: BucketFront | None = None
    dialect: Dialect = AWS

    @property
    def is_offered(self) -> bool:
        """Whether there is at least one operation."""
        return bool(self.handlers)

    def service(self) -> "AwsService":
        """Return the service, which is here already."""
        return self


class AnnouncedService(Protocol):
    """By what a request for a service is told, and the service behind it: an `AwsService` itself, or a later one."""

    @property
    def name(self) -> str:
        """The service of the credential scope."""
        ...

    @property
    def api_version(self) -> str:
        """The version of its model."""
        ...

    @property
    def target_prefix(self) -> str:
        """What `x-amz-target` begins with."""
        ...

    @property
    def links(self) -> tuple[str, ...]:
        """As in `AwsService`."""
        ...

    @property
    def is_offered(self) -> bool:
        """Whether there is at least one operation."""
        ...

    def service(self) -> AwsService:
        """Return the service."""
        ...


class LateAwsService:
    """A service that is made at its first request."""

    is_offered = True

    def __init__(
        self,
        name: str,
        api_version: str,
        target_prefix: str,
        make: Callable[[], AwsService],
        links: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.api_version = api_version
        self.target_prefix = target_prefix
        self.links = links
        self._service = LazyPart(lambda: self._as_announced(make()))

    def service(self) -> AwsService:
        """Return the service."""
        return self._service()

    def _as_announced(self, service: AwsService) -> AwsService:
        assert (service.name, service.api_version) == (self.name, self.api_version)
        assert (service.target_prefix, service.links) == (self.target_prefix, self.links)
        return service
