"""An HTML form that posts a file: its fields first, then the file as a stream.

Owns the reading of `multipart/form-data` for S3's POST Object. Promises: at most `FIELDS_BYTES_MAX` of fields are held,
and of the file only the piece in hand; names are compared without case, none may come twice; what follows the file is
read and ignored, as S3 does, but for a second file. Does not know what a field means, nor the policy (`post_policy`).

Rules: S3 API reference, "POST Object"; RFC 7578. The parser is python-multipart's.
"""

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import msgspec

from cumulo.core.errors import ErrorRow, Status
from cumulo.core.lazy import LazyModule
from cumulo.gateway.http1 import Request

if TYPE_CHECKING:
    from python_multipart import exceptions, multipart
else:
    exceptions = LazyModule("python_multipart.exceptions")
    multipart = LazyModule("python_multipart.multipart")

FIELDS_BYTES_MAX = 20_480
"""AWS's; names and values of all fields before the file."""

NOT_A_FORM = ErrorRow(
    "PreconditionFailed",
    412,
    Status.FAILED_PRECONDITION,
    "At least one of the pre-conditions you specified did not hold",
)
MALFORMED_POST_REQUEST = ErrorRow(
    "MalformedPOSTRequest",
    400,
    Status.INVALID_ARGUMENT,
    "The body of your POST request is not well-formed multipart/form-data.",
)
FIELDS_TOO_LARGE = ErrorRow(
    "MaxPostPreDataLengthExceeded",
    400,
    Status.INVALID_ARGUMENT,
    "Your POST request fields preceeding the upload file was too large.",
)
ONE_FILE = ErrorRow(
    "InvalidArgument", 400, Status.INVALID_ARGUMENT, "POST requires exactly one file upload per request."
)
REPEATED_FIELD = ErrorRow(
    "InvalidArgument", 400, Status.INVALID_ARGUMENT, "Bucket POST must contain the field '{ArgumentName}' only once."
)

_VERBATIM = {"policy", "x-amz-signature", "signature"}


class PostForm(msgspec.Struct, frozen=True):
    """A form whose file is still to be read.

    `fields` are by lower-case name, `${filename}` already replaced; `names` are the names as sent. `file_name` is the
    file's, without a path, None where the browser gave none. `file` yields borrowed pieces.
    """

    fields: dict[str, str]
    names: dict[str, str]
    file_name: str | None
    file_content_type: str
    file: AsyncIterator[memoryview]


async def read_post_form(request: Request) -> PostForm:
    """Read a form up to its file.

    Raises `PreconditionFailed` where the body is no form, `MalformedPOSTRequest`, `MaxPostPreDataLengthExceeded`,
    `InvalidArgument` for a field that comes twice or a form without a file.
    """
    media_type, options = multipart.parse_options_header(request.headers.get("content-type", ""))
    if media_type.lower() != b"multipart/form-data":
        raise NOT_A_FORM.error(Condition="Bucket POST must be of the enclosure-type multipart/form-data")
    boundary = options.get(b"boundary", b"")
    if not 0 < len(boundary) <= multipart.MAX_BOUNDARY_LENGTH:
        raise MALFORMED_POST_REQUEST.error()
    reader = _Reader(request.body, boundary)
    while not reader.file_begun:
        if not await reader.feed():
            raise ONE_FILE.error(ArgumentName="file", ArgumentValue="0")
    fields = {
        name: _replaced(value, reader.file_name) if name not in _VERBATIM else value
        for name, value in reader.fields.items()
    }
    return PostForm(fields, reader.names, reader.file_name, reader.file_content_type, reader.file())


def _replaced(value: str, file_name: str | None) -> str:
    return value if file_name is None else value.replace("${filename}", file_name)


class _Reader:
    """Feeds the parser, and keeps what it calls back with."""

    def __init__(self, body: AsyncIterator[memoryview], boundary: bytes) -> None:
        self.fields: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.file_begun = False
        self.file_name: str | None = None
        self.file_content_type = ""
        self._body = body
        self._file_ended = self._ended = False
        self._pieces: list[memoryview] = []
        self._headers: dict[bytes, bytes] = {}
        self._header_name = self._header_value = b""
        self._name: str | None = None
        self._value = bytearray()
        self._fields_bytes = 0
        self._take: Callable[[bytes, int, int], None] = self._ignore
        self._parser = multipart.MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_text,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._part_data,
                "on_part_end": self._part_end,
                "on_end": self._end,
            },
        )

    async def feed(self) -> bool:
        """Parse one more piece; False at the body's end, which must be the form's."""
        try:
            piece = await anext(self._body)
        except StopAsyncIteration:
            if not self._ended:
                raise MALFORMED_POST_REQUEST.error() from None
            return False
        if self._ended:  # RFC 2046's epilogue
            return True
        try:
            self._parser.write(bytes(piece))
        except exceptions.MultipartParseError:
            raise MALFORMED_POST_REQUEST.error() from None
        return True

    async def file(self) -> AsyncIterator[memoryview]:
        """Yield the file, then read to the end of the form."""
        while True:
            pieces, self._pieces = self._pieces, []
            for piece in pieces:
                yield piece
            if not await self.feed():
                return

    def _part_begin(self) -> None:
        self._headers = {}
        self._header_name = self._header_value = b""
        self._name = None
        self._value = bytearray()
        self._take = self._ignore

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _header_text(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _headers_finished(self) -> None:
        options = self._disposition()
        if self._file_ended:
            if options.get(b"name", b"").lower() == b"file":
                raise ONE_FILE.error(ArgumentName="file", ArgumentValue="2")
            return
        if b"name" not in options:
            raise MALFORMED_POST_REQUEST.error()
        name = _text(options[b"name"])
        if name.lower() == "file":
            self.file_begun = True
            self._take = self._take_file
            self.file_content_type = _text(self._headers.get(b"content-type", b"")).strip()
            if b"filename" in options:
                # A browser may give a path: what follows its last slash or backslash is the name.
                self.file_name = _text(options[b"filename"]).replace("\\", "/").rpartition("/")[2]
            return
        if name.lower() in self.fields:
            raise REPEATED_FIELD.error(ArgumentName=name)
        self._name = name
        self._take = self._take_field
        self._count(len(options[b"name"]))

    def _disposition(self) -> dict[bytes, bytes]:
        kind, options = multipart.parse_options_header(self._headers.get(b"content-disposition", b""))
        return options if kind.lower() == b"form-data" else {}

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._take(data, start, end)

    def _take_file(self, data: bytes, start: int, end: int) -> None:
        self._pieces.append(memoryview(data)[start:end])

    def _take_field(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._value += data[start:end]

    def _ignore(self, data: bytes, start: int, end: int) -> None:
        """Drop what comes behind the file."""

    def _count(self, size_bytes: int) -> None:
        self._fields_bytes += size_bytes
        if self._fields_bytes > FIELDS_BYTES_MAX:
            raise FIELDS_TOO_LARGE.error(MaxPostPreDataLengthBytes=FIELDS_BYTES_MAX)

    def _part_end(self) -> None:
        if self._name is not None:
            self.fields[self._name.lower()] = _text(bytes(self._value))
            self.names[self._name.lower()] = self._name
        elif self.file_begun:
            self._file_ended = True

    def _end(self) -> None:
        self._ended = True


def _text(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise MALFORMED_POST_REQUEST.error() from None
