"""Which operation of a REST service a request means, from the models' URI templates.

Owns two routers. `BucketRoutes` is S3's: method, bucket and key present or not, sub-resource (`?acl`), the query
parameters that an operation requires (`uploadId`) and the header that makes a copy. `PathRoutes` is everybody else's:
literal paths and paths with labels. Both are dictionaries made once; no request scans the operations.

Source: Amazon S3 API Reference; a parameter that S3 does not know is ignored, a sub-resource that it knows is never
taken for the plain object or bucket: with a method that it does not have it is 405 MethodNotAllowed.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, unquote

import msgspec

from cumulo.core.errors import ErrorRow, ServiceError, Status
from cumulo.gateway.aws_model import OperationModel, ServiceModel
from cumulo.gateway.aws_service import RefusalWithHeaders

CONFLICTING_PARAMETERS = ErrorRow(
    "InvalidArgument",
    400,
    Status.INVALID_ARGUMENT,
    "Conflicting query string parameters: {names}.",
)

METHOD_NOT_ALLOWED = ErrorRow(
    "MethodNotAllowed", 405, Status.UNIMPLEMENTED, "The specified method is not allowed against this resource."
)
NOT_OF_A_KEY = ErrorRow("InvalidRequest", 400, Status.INVALID_ARGUMENT, "{reason}")
PART_WITHOUT_UPLOAD = ErrorRow(
    "InvalidArgument",
    400,
    Status.INVALID_ARGUMENT,
    "This operation does not accept partNumber without uploadId",
)
_NOT_OF_A_KEY: Mapping[str, str] = {
    "uploads": "Key is not expected for the GET method ?uploads subresource",
    "versions": "There is no such thing as the ?versions sub-resource for a key",
}
_UPLOAD_METHODS = "DELETE, POST, GET"
"""Of an upload that is named without a part."""

Level: TypeAlias = Literal["service", "bucket", "object"]
_LEVELS: Mapping[str, Level] = {"/": "service", "/{Bucket}": "bucket", "/{Bucket}/{Key+}": "object"}


class _Route(msgspec.Struct, frozen=True):
    """An operation, and the parameters that its template fixes (`list-type=2`)."""

    operation: OperationModel
    fixed: frozenset[tuple[str, str]]

    def fits(self, query: Sequence[tuple[str, str]], names: frozenset[str], headers: Mapping[str, str]) -> bool:
        """Say whether a request means this operation.

        One of several required parameters is enough: an upload id without a part number is a mistake in UploadPart,
        and must never be taken for PutObject.
        """
        required = self.operation.required_query
        return (
            (not required or not names.isdisjoint(required))
            and all(name in headers for name in self.operation.required_headers)
            and self.fixed.issubset(query)
        )


class BucketRoutes:
    """S3's router."""

    def __init__(self, service: ServiceModel) -> None:
        self._routes: dict[tuple[str, Level, str], list[_Route]] = {}
        subresources = set()
        for _, operation in sorted(service.operations.items()):
            path, _, query = operation.uri.partition("?")
            if path not in _LEVELS or operation.deprecated:
                continue
            pairs = parse_qsl(query, keep_blank_values=True)
            subresource = next((name for name, value in pairs if not value), "")
            route = _Route(operation, frozenset(pair for pair in pairs if pair[1]))
            self._routes.setdefault((operation.method, _LEVELS[path], subresource), []).append(route)
            subresources.add(subresource)
        for routes in self._routes.values():  # the most demanding first
            routes.sort(key=lambda it: (-len(it.operation.required_headers), -len(it.operation.required_query)))
            routes.sort(key=lambda it: -len(it.fixed))
        self._subresources = frozenset(subresources) - {""}
        self._plain = {
            (method, level): [it for it in routes if not it.fixed and not it.operation.required_query]
            for (method, level, subresource), routes in self._routes.items()
            if not subresource
        }
        """What a request without a query may mean."""

    def route(
        self,
        method: str,
        level: Level,
        *,
        query: Sequence[tuple[str, str]],
        headers: Mapping[str, str],
    ) -> OperationModel | None:
        """Return the operation that a request means, None where S3 answers MethodNotAllowed.

        `query` holds decoded pairs, `headers` lower-case names. Raises CONFLICTING_PARAMETERS for two sub-resources at
        once.
        """
        if not query:
            for route in self._plain.get((method, level), ()):
                required = route.operation.required_headers
                if not required or all(name in headers for name in required):
                    return route.operation
            return None
        names = frozenset(name for name, _ in query)
        subresources = names & self._subresources
        if len(subresources) > 1:
            raise CONFLICTING_PARAMETERS.error(names=", ".join(sorted(subresources)))
        routes = self._routes.get((method, level, next(iter(subresources), "")), [])
        for route in routes:
            if route.fits(query, names, headers):
                return route.operation
        # A sub-resource without what it requires: the operation itself says what is missing.
        return routes[0].operation if routes and subresources else None


def level_of(*, has_bucket: bool, has_key: bool) -> Level:
    """Return what a request is about."""
    return "object" if has_key else "bucket" if has_bucket else "service"


def no_operation(method: str, level: Level, names: Collection[str]) -> ServiceError:
    """Return what S3 says of a request that means none of its operations; `names` are those of its parameters."""
    if method == "GET" and level == "object":
        for name, reason in _NOT_OF_A_KEY.items():
            if name in names:
                return NOT_OF_A_KEY.error(reason=reason)
    return METHOD_NOT_ALLOWED.error(Method=method, ResourceType=level.upper())


def check_part(method: str, level: Level, names: Collection[str]) -> None:
    """Raise what S3 says of a part's number without an upload, or of an upload without a part's number."""
    if method != "PUT" or level != "object":
        return
    if "partNumber" in names and "uploadId" not in names:
        raise PART_WITHOUT_UPLOAD.error(ArgumentName="partNumber", ArgumentValue="partNumber")
    if "uploadId" in names and "partNumber" not in names:
        error = METHOD_NOT_ALLOWED.error(Method=method, ResourceType="UPLOAD")
        raise RefusalWithHeaders(error, (("allow", _UPLOAD_METHODS),))


class PathRoutes:
    """The router of a service whose operations differ by path."""

    def __init__(self, service: ServiceModel) -> None:
        self._literal: dict[tuple[str, str], OperationModel] = {}
        self._labelled: dict[tuple[str, str], list[tuple[tuple[str, ...], OperationModel]]] = {}
        for operation in service.operations.values():
            path = operation.uri.partition("?")[0]
            if "{" not in path:
                self._literal[operation.method, path] = operation
                continue
            parts = tuple(path.split("/"))
            self._labelled.setdefault((operation.method, parts[1]), []).append((parts, operation))

    def route(self, method: str, path: str) -> tuple[OperationModel, dict[str, str]] | None:
        """Return the operation of a raw path, with the decoded labels in it; None where there is none."""
        if (operation := self._literal.get((method, path))) is not None:
            return operation, {}
        parts = path.split("/")
        for template, operation in self._labelled.get((method, parts[1] if len(parts) > 1 else ""), []):
            if (labels := _labels(template, parts)) is not None:
                return operation, labels
        return None


def _labels(template: Sequence[str], parts: Sequence[str]) -> dict[str, str] | None:
    """Return the labels of a path that fits the template; the last one may be greedy (`{name+}`)."""
    if template[-1].endswith("+}"):
        last = len(template) - 1
        parts = [*parts[:last], "/".join(parts[last:])]
    if len(parts) != len(template):
        return None
    labels = {}
    for expected, part in zip(template, parts, strict=True):
        if expected.startswith("{"):
            try:
                labels[expected.strip("{+}")] = unquote(part, errors="strict")
            except UnicodeDecodeError:
                return None
            if not part:
                return None
        elif expected != part:
            return None
    return labels
