"""What a generated module of an AWS service is made of: structures, wire traits, operations and the service itself.

Owns the runtime types that `queue_service/aws_sqs.py` and its like are written in (by `.ci/aws_models.py`, from the
service descriptions that AWS's own clients ship). Knows no protocol and no service; the codecs read the traits.

How a structure looks to a room:
- its class bears AWS's shape name, its attributes AWS's member names (`request.QueueUrl`);
- members that AWS requires have no default, all others default to None, which is never sent;
- blobs are `bytes`, enumerations `str`, **timestamps `int`: milliseconds since 1970** (`Timestamp`), as in the rooms;
- a payload that streams is no member: a handler gets it as `AwsCall.body` and gives it as `AwsAnswer.body`;
- the few member names that are words of Python have an underscore behind them.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Literal, TypeAlias

import msgspec

Protocol: TypeAlias = Literal["json", "query", "rest-xml", "rest-json", "smithy-rpc-v2-cbor"]
"""As the service descriptions name them. Which version of JSON is meant is `ServiceModel.json_version`."""


class Structure(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The base of every generated structure. They hold no cycles, so the garbage collector may leave them alone."""


class Empty(Structure, frozen=True):
    """The input or output of an operation that has none."""


Integer: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
Long: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class Header(msgspec.Struct, frozen=True):
    """The member travels in the header `name`."""

    name: str


class PrefixedHeaders(msgspec.Struct, frozen=True):
    """The member is a map, each entry a header: `prefix` and its key."""

    prefix: str


class Query(msgspec.Struct, frozen=True):
    """The member travels in the query string of the URL as `name`."""

    name: str


class Label(msgspec.Struct, frozen=True):
    """The member is a part of the URL's path, named `name` in the operation's template."""

    name: str


class StatusCode(msgspec.Struct, frozen=True):
    """The member is the HTTP status."""


class Payload(msgspec.Struct, frozen=True):
    """The member alone is the body."""


class Xml(msgspec.Struct, frozen=True):
    """How a member is spelled in XML and in the query protocol, where that is not its own name in a `member` list.

    `name` is the element; `flat` lists and maps have no element around their items; `item`, `key` and `value` name the
    items of lists and maps. `namespace` (with `prefix`) is declared on the element. `attribute`: it is one.
    """

    name: str = ""
    flat: bool = False
    item: str = ""
    key: str = ""
    value: str = ""
    namespace: str = ""
    prefix: str = ""
    attribute: bool = False


class TimeFormat(msgspec.Struct, frozen=True):
    """Marks an `int` as a timestamp. `name` is iso8601, rfc822, unixTimestamp, or empty: what its place is used to."""

    name: str = ""


Timestamp: TypeAlias = Annotated[int, TimeFormat()]
TimestampIso8601: TypeAlias = Annotated[int, TimeFormat("iso8601")]
TimestampRfc822: TypeAlias = Annotated[int, TimeFormat("rfc822")]
TimestampUnix: TypeAlias = Annotated[int, TimeFormat("unixTimestamp")]


class Checksums(msgspec.Struct, frozen=True):
    """Smithy's `httpChecksum` trait: which checksums an operation takes and gives.

    `required`: a request without any is refused. `member` names the input member that tells the algorithm;
    `mode_member` the one that asks for the answer's; `answers` are the algorithms that an answer may have.
    """

    required: bool = False
    member: str = ""
    mode_member: str = ""
    answers: tuple[str, ...] = ()


NO_CHECKSUMS = Checksums()


class OperationModel(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One operation of a service.

    `uri` is the template of path and query; `status` that of success. `input_stream` and `output_stream` name the
    member that streams, empty where none does. `input_root` and `output_root` are XML root elements where the body is
    the whole structure, `output_wrapper` the element around it in the query protocol. `unwrapped`: the one member of
    the output is the root's own text. `unsigned`: AWS takes it without a signature. `required_query` and
    `required_headers` (lower case) are what a router must see.
    """

    name: str
    input: type[Structure] = Empty
    output: type[Structure] = Empty
    method: str = "POST"
    uri: str = "/"
    status: int = 200
    input_stream: str = ""
    output_stream: str = ""
    input_root: str = ""
    output_root: str = ""
    output_wrapper: str = ""
    unwrapped: bool = False
    required_query: tuple[str, ...] = ()
    required_headers: tuple[str, ...] = ()
    checksums: Checksums = NO_CHECKSUMS
    unsigned: bool = False
    deprecated: bool = False


class ErrorModel(msgspec.Struct, frozen=True):
    """An error of the description: `name` is its shape, which JSON sends, `code` what XML sends.

    `sender`: the caller is at fault. `members` are those that an answer may have beside the message.
    """

    name: str
    code: str
    status: int
    sender: bool = True
    members: tuple[str, ...] = ()


class ServiceModel(msgspec.Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """One service: its names, the protocols it is spoken to in (the first is today's clients'), its operations."""

    name: str
    api_version: str
    endpoint_prefix: str
    protocols: tuple[Protocol, ...]
    operations: Mapping[str, OperationModel]
    errors: Mapping[str, ErrorModel]
    target_prefix: str = ""
    json_version: str = ""
    xml_namespace: str = ""
    query_compatible: bool = False

    def by_target(self, target: str) -> OperationModel | None:
        """Return the operation of an `X-Amz-Target` header, None for one that is not this service's."""
        prefix, _, name = target.rpartition(".")
        return self.operations.get(name) if prefix and prefix == self.target_prefix else None

    def by_action(self, action: str) -> OperationModel | None:
        """Return the operation of the query protocol's `Action`."""
        return self.operations.get(action)

    @cached_property
    def errors_by_code(self) -> Mapping[str, ErrorModel]:
        """The errors by shape name and by code: a room's row bears either."""
        return {**{error.code: error for error in self.errors.values()}, **self.errors}


class RequestHead(msgspec.Struct, frozen=True):
    """What a codec reads of a request beside its body, all of it decoded already.

    `labels` are the parts of the path by the names in the operation's template (`Bucket`, `Key`). `query` are the pairs
    of the URL, which the query protocol takes for parameters, as those of the body. `headers` bear lower-case names.
    """

    labels: Mapping[str, str] = {}
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = {}


class Encoded(msgspec.Struct, frozen=True):
    """An answer ready for the wire. `content_type` is empty where there is no body to describe."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = ""
    body: bytes = b""


class MissingMember(Exception):
    """The input lacks the required member `name`; `path` says where it was looked for (`Entries.1.Id`)."""

    def __init__(self, name: str, path: str = "") -> None:
        self.name = name
        self.path = path or name
        super().__init__(f"the required member {self.path} is missing")


class MalformedInput(Exception):
    """The input cannot be read as what the operation takes.

    `member` names the part that is wrong, empty where the document as a whole is; `value` is it, where it is short;
    `allowed` says what was expected. `where` is the document's name: json, query, xml, header, uri, cbor.
    """

    def __init__(self, where: str, allowed: str, member: str = "", value: str = "") -> None:
        self.where = where
        self.allowed = allowed
        self.member = member
        self.value = value
        super().__init__(f"{where} {member}: {allowed}" if member else f"{where}: {allowed}")
