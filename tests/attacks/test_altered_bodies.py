"""Bodies that are not what was signed or announced (row 5): nothing becomes visible, whatever came before the end."""

import base64
import hashlib
import hmac
import zlib

import pytest

from cumulo.storage import digests
from tests.attacks.attacker import UNSIGNED, sha256, signing_key

pytestmark = pytest.mark.usefixtures("unchanged")
NO_BYTES = sha256(b"")
DATA = bytes(range(256)) * 300
CHUNK_BYTES = 64 * 1024


def crc32(content: bytes) -> str:
    return base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()


class Chunks:
    """A body in signed chunks, each of which can be spoilt."""

    def __init__(self, who, target, *, trailer: bool, data: bytes = DATA) -> None:
        mode = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" + ("-TRAILER" if trailer else "")
        headers = {"content-encoding": "aws-chunked", "x-amz-decoded-content-length": str(len(data))}
        if trailer:
            headers["x-amz-trailer"] = "x-amz-checksum-crc32"
        self.who, self.target = who, target
        self.lines = who.sign("PUT", target, headers, payload=mode)
        said = dict(self.lines)
        self.stamp = said["x-amz-date"]
        self.scope = said["authorization"].split("Credential=")[1].split(",")[0].partition("/")[2]
        self.signature = said["authorization"].rpartition("=")[2]
        pieces = [data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES)]
        self.chunks = [self.chunk(piece) for piece in (*pieces, b"")]
        self.trailer = b"\r\n"
        if trailer:
            text = f"x-amz-checksum-crc32:{crc32(data)}\n"
            signed = self.sign("TRAILER", sha256(text.encode()))
            self.trailer = f"{text[:-1]}\r\nx-amz-trailer-signature:{signed}\r\n\r\n".encode()

    def sign(self, what, hashed):
        text = f"AWS4-HMAC-SHA256-{what}\n{self.stamp}\n{self.scope}\n{self.signature}\n{hashed}"
        key = signing_key(self.who.secret, self.scope)
        self.signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return self.signature

    def chunk(self, piece):
        signed = self.sign("PAYLOAD", f"{NO_BYTES}\n{sha256(piece)}")
        return f"{len(piece):x};chunk-signature={signed}\r\n".encode() + piece + (b"\r\n" if piece else b"")

    def send(self):
        body = b"".join(self.chunks) + self.trailer
        return self.who.send("PUT", self.target, self.lines, body)


def spoil_byte(chunks):
    chunks.chunks[-2] = chunks.chunks[-2][:-10] + bytes([chunks.chunks[-2][-10] ^ 1]) + chunks.chunks[-2][-9:]


def spoil_last_signature(chunks):
    at = chunks.chunks[-1].index(b"=") + 1
    chunks.chunks[-1] = chunks.chunks[-1][:at] + b"0" * 64 + chunks.chunks[-1][at + 64 :]


def swap(chunks):
    chunks.chunks[0], chunks.chunks[1] = chunks.chunks[1], chunks.chunks[0]


def leave_out_the_last(chunks):
    del chunks.chunks[-1]


def leave_out_one(chunks):
    del chunks.chunks[0]


def repeat_one(chunks):
    chunks.chunks.insert(0, chunks.chunks[0])


def cut(chunks):
    chunks.chunks[-2:] = [chunks.chunks[-2][:-100]]
    chunks.trailer = b""


def send_more(chunks):
    chunks.trailer += b"more"


def drop_signatures(chunks):
    chunks.chunks = [b"%x\r\n%b\r\n" % (len(DATA), DATA), b"0\r\n"]


def name_an_extension(chunks):
    chunks.chunks[0] = chunks.chunks[0].replace(b";chunk-signature", b";a=b;chunk-signature")


SPOILS = {
    spoil_byte: "SignatureDoesNotMatch",
    spoil_last_signature: "SignatureDoesNotMatch",
    swap: None,
    leave_out_the_last: "IncompleteBody",
    leave_out_one: "SignatureDoesNotMatch",
    repeat_one: None,
    cut: "IncompleteBody",
    send_more: "IncompleteBody",
    drop_signatures: "IncompleteBody",
    name_an_extension: "IncompleteBody",
}


@pytest.fixture(params=["object", "part"])
def target(request, root):
    """Where something is uploaded to: an object, or a part of one."""
    if request.param == "object":
        yield "/kept/altered"
        return
    begun = root.ask("POST", "/kept/altered?uploads").body.decode()
    upload_id = begun.partition("<UploadId>")[2].partition("<")[0]
    yield f"/kept/altered?partNumber=1&uploadId={upload_id}"
    assert b"<Part>" not in root.ask("GET", f"/kept/altered?uploadId={upload_id}").body
    assert root.ask("DELETE", f"/kept/altered?uploadId={upload_id}").status == 204


@pytest.mark.parametrize("trailer", [False, True], ids=["no trailer", "trailer"])
def test_chunks_as_they_were_signed_are_taken(root, trailer):
    assert Chunks(root, "/kept/taken", trailer=trailer).send().status == 200
    assert root.ask("GET", "/kept/taken").body == DATA
    assert root.ask("DELETE", "/kept/taken").status == 204


@pytest.mark.parametrize("trailer", [False, True], ids=["no trailer", "trailer"])
@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_spoilt_chunks_are_refused(root, target, spoil, trailer):
    chunks = Chunks(root, target, trailer=trailer)
    spoil(chunks)

    answer = chunks.send()

    assert answer.status in (400, 403)
    assert answer.code == SPOILS[spoil] or (
        SPOILS[spoil] is None and answer.code in ("SignatureDoesNotMatch", "IncompleteBody", "InvalidChunkSizeError")
    )


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (lambda it: it.replace(b"crc32:", b"crc32:AAAA"), {"SignatureDoesNotMatch", "MalformedTrailerError"}),
        (lambda it: it.replace(b"crc32:", b"sha256:"), {"MalformedTrailerError"}),
        (lambda it: it.partition(b"x-amz-trailer-signature")[0] + b"\r\n", {"MalformedTrailerError"}),
        (lambda it: it[:-10] + b"0000\r\n\r\n", {"SignatureDoesNotMatch", "MalformedTrailerError"}),
        (lambda it: b"\r\n", {"MalformedTrailerError"}),
        (lambda it: b"", {"IncompleteBody"}),
        (lambda it: b"x-amz-meta-a:b\r\n" + it, {"MalformedTrailerError"}),
        (lambda it: it.replace(b"\r\n", b"\n"), {"MalformedTrailerError"}),
        (lambda it: b"a" * 20_000 + it, {"MalformedTrailerError"}),
    ],
)
def test_altered_trailer_is_refused(root, target, change, codes):
    chunks = Chunks(root, target, trailer=True)
    chunks.trailer = change(chunks.trailer)

    answer = chunks.send()

    assert answer.status in (400, 403)
    assert answer.code in codes


@pytest.mark.parametrize("announced", [0, 1, len(DATA) - 1, len(DATA) + 1, 10**14])
def test_other_length_than_announced_is_refused(root, target, announced):
    chunks = Chunks(root, target, trailer=False)
    headers = {"content-encoding": "aws-chunked", "x-amz-decoded-content-length": str(announced)}
    chunks.lines = root.sign("PUT", target, headers, payload="STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
    unsigned = {name: value for name, value in chunks.lines if name != "authorization"}
    assert unsigned["x-amz-decoded-content-length"] == str(announced)

    assert chunks.send().status in (400, 403)


@pytest.mark.parametrize("said", ["", "-1", "abc", "1e3", "٣", "9" * 30])
def test_announced_length_that_is_none_is_refused(root, target, said):
    headers = {"content-encoding": "aws-chunked", "x-amz-decoded-content-length": said.encode().decode("latin-1")}
    lines = root.sign("PUT", target, headers, payload="STREAMING-AWS4-HMAC-SHA256-PAYLOAD")

    assert root.send("PUT", target, lines, b"").refusal == (411, "MissingContentLength")


@pytest.mark.parametrize("size", [0, 10, 100_000, 2 * 1024 * 1024])
def test_body_of_another_hash_is_refused(root, target, size):
    lines = root.sign("PUT", target, body=b"a" * size)

    for body in (b"b" * size if size else b"b", b"a" * size + b"a", b"a" * (size - 1) if size else b"a"):
        assert root.send("PUT", target, lines, body).refusal == (400, "XAmzContentSHA256Mismatch")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("content-md5", "BadDigest"),
        ("x-amz-checksum-crc32", "BadDigest"),
        ("x-amz-checksum-crc32c", "BadDigest"),
        ("x-amz-checksum-crc64nvme", "BadDigest"),
        ("x-amz-checksum-sha1", "BadDigest"),
        ("x-amz-checksum-sha256", "BadDigest"),
        ("x-amz-checksum-sha512", "BadDigest"),
        ("x-amz-checksum-md5", "BadDigest"),
        ("x-amz-checksum-xxhash64", "BadDigest"),
        ("x-amz-checksum-xxhash3", "BadDigest"),
        ("x-amz-checksum-xxhash128", "BadDigest"),
    ],
)
def test_body_against_its_own_checksum_is_refused(root, target, header, code):
    sizes = {"content-md5": 16} | digests.SIZES
    value = base64.b64encode(b"\x01" * sizes[header.removeprefix("x-amz-checksum-")]).decode()

    answer = root.ask("PUT", target, {header: value}, b"hello", payload=UNSIGNED)

    assert answer.refusal == (400, code)


@pytest.mark.parametrize(
    ("method", "where", "headers"),
    [
        ("POST", "/kept?delete", {}),
        ("PUT", "/kept?policy", {}),
        ("PUT", "/kept?tagging", {}),
        ("PUT", "/kept?notification", {}),
        ("PUT", "/kept?publicAccessBlock", {}),
        ("PUT", "/kept/object?tagging", {}),
        ("PUT", "/forged", {}),
        ("POST", "/kept/object?uploadId=x", {}),
        ("DELETE", "/kept/object", {}),
        ("GET", "/kept/object", {}),
    ],
)
def test_document_of_another_hash_is_refused(root, method, where, headers):
    lines = root.sign(method, where, headers, b"<Signed/>")

    for body in (b"<Forged/>", b"<Signed/> ", b"<Signed/"):
        assert root.send(method, where, lines, body).refusal == (400, "XAmzContentSHA256Mismatch")
