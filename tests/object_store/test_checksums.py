"""S3's checksums of objects and of objects in parts: taken, required, joined, given back."""

import base64
import hashlib
from typing import Any

import pytest

from cumulo.object_store import body_model, object_model, upload_model
from cumulo.object_store.body_model import ExpectedContent
from cumulo.object_store.upload_model import CompletedPart
from cumulo.storage import digests

MIB = 1024 * 1024
FIRST, LAST = b"a" * (5 * MIB) + b"1", b"the end"


def of(name: str, data: bytes) -> bytes:
    digester = digests.Digester((name,))
    digester.update(data)
    return digester.finish()[name]


def told(name: str, data: bytes) -> ExpectedContent:
    return ExpectedContent(digests={name: of(name, data)})


async def uploaded(stand: Any, name: str, kind: str = "", *, tells: bool = True) -> tuple[str, list[object_model.Part]]:
    """An upload of two parts with the checksums of an algorithm."""
    upload_id = await stand.begin("big", checksum=name, checksum_type=kind)
    parts = []
    for number, data in ((1, FIRST), (2, LAST)):
        expected = told(name, data) if tells else body_model.NOTHING_EXPECTED
        parts.append(await stand.part("big", upload_id, number, data, expected=expected))
    return upload_id, parts


async def completed(
    stand: Any, upload_id: str, parts: list[object_model.Part], *, lists: tuple[str, ...] = (), **more: Any
) -> object_model.Object:
    wanted = tuple(
        CompletedPart(part.part_number, part.etag, {name: part.checksums[name] for name in lists}) for part in parts
    )
    request = upload_model.CompleteMultipartUpload(bucket="inbox", key="big", upload_id=upload_id, parts=wanted, **more)
    stored: object_model.Object = await stand.call("CompleteMultipartUpload", request)
    return stored


def test_known_values_of_every_checksum() -> None:
    """Of `123456789` the published check values of the CRCs and OpenSSL's digests; xxHash's own of the empty text."""
    shown = {name: base64.b64encode(of(name, b"123456789")).decode() for name in body_model.CHECKSUMS}

    assert shown["crc32"] == base64.b64encode(bytes.fromhex("cbf43926")).decode()
    assert shown["crc32c"] == base64.b64encode(bytes.fromhex("e3069283")).decode()
    assert shown["crc64nvme"] == base64.b64encode(bytes.fromhex("ae8b14860a799888")).decode()
    assert shown["sha1"] == base64.b64encode(hashlib.sha1(b"123456789").digest()).decode()
    assert shown["sha256"] == base64.b64encode(hashlib.sha256(b"123456789").digest()).decode()
    assert shown["sha512"] == base64.b64encode(hashlib.sha512(b"123456789").digest()).decode()
    assert shown["md5"] == base64.b64encode(hashlib.md5(b"123456789").digest()).decode()
    assert of("xxhash64", b"").hex() == "ef46db3751d8e999"
    assert of("xxhash3", b"").hex() == "2d06800538d394c2"
    assert of("xxhash128", b"").hex() == "99aa06d3014798d86001c324468d497f"


@pytest.mark.parametrize("name", body_model.CHECKSUMS)
def test_digest_of_pieces_is_that_of_the_whole(name: str) -> None:
    digester = digests.Digester((name,))
    for piece in (b"1234", memoryview(b"56"), bytearray(b"789")):
        digester.update(piece)

    assert digester.finish() == digests.digests_of(memoryview(b"123456789"), (name,))
    assert len(of(name, b"")) == digests.SIZES[name]


@pytest.mark.parametrize("name", body_model.CHECKSUMS)
@pytest.mark.parametrize("size", [0, 10, 3 * MIB + 5])
def test_checksum_of_a_trailer_is_taken_on_the_way_and_kept(run: Any, pieces: Any, name: str, size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]

    async def scenario(stand: Any) -> None:
        request = object_model.PutObject(bucket="inbox", key="k", expected=ExpectedContent(announced=(name,)))
        await stand.call("PutObject", request, pieces([data[:7], data[7:]], told(name, data)))

        found = await stand.head("k")
        assert found.shown_checksums == {name: of(name, data)}
        assert found.checksum_type == "FULL_OBJECT"
        assert (await stand.list_()).objects[0].checksum == name

    run(scenario)


def test_object_without_a_checksum_shows_the_servers_own(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", b"data")

        assert (await stand.head("k")).shown_checksums == {"crc64nvme": of("crc64nvme", b"data")}

    run(scenario)


@pytest.mark.parametrize("name", [name for name in body_model.CHECKSUMS if name != "crc64nvme"])
def test_composite_checksum_is_the_digest_of_the_parts_digests(run: Any, name: str) -> None:
    async def scenario(stand: Any) -> None:
        upload_id, parts = await uploaded(stand, name)
        stored = await completed(stand, upload_id, parts, lists=(name,))

        again = await completed(stand, upload_id, parts, lists=(name,))
        whole = of(name, of(name, FIRST) + of(name, LAST))
        assert stored.checksums == again.checksums == (await stand.head("big")).checksums == {name: whole}
        assert stored.checksum_type == again.checksum_type == "COMPOSITE"
        assert (await stand.list_()).objects[0].checksum_type == "COMPOSITE"

    run(scenario)


@pytest.mark.parametrize("name", ["crc32", "crc32c", "crc64nvme"])
@pytest.mark.parametrize("tells", [True, False])
def test_checksum_of_the_full_object_is_joined_from_its_parts(run: Any, refused: Any, name: str, tells: bool) -> None:
    async def scenario(stand: Any) -> None:
        upload_id, parts = await uploaded(stand, name, "FULL_OBJECT", tells=tells)
        whole = of(name, FIRST + LAST)
        error = await refused(completed(stand, upload_id, parts, checksums={name: b"\0" * len(whole)}))
        assert (error.row.code, error.message) == (
            "BadDigest",
            f"The {name.upper()} you specified did not match the calculated checksum.",
        )

        stored = await completed(stand, upload_id, parts, checksums={name: whole}, checksum_type="FULL_OBJECT")

        assert stored.shown_checksums == {name: whole}
        assert stored.checksum_type == "FULL_OBJECT"

    run(scenario)


def test_upload_without_an_algorithm_gets_the_servers_checksum(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        upload_id = await stand.begin("big")
        parts = [await stand.part("big", upload_id, n, data) for n, data in ((1, FIRST), (2, LAST))]

        stored = await completed(stand, upload_id, parts, checksums={"crc64nvme": of("crc64nvme", FIRST + LAST)})

        assert stored.shown_checksums == {"crc64nvme": of("crc64nvme", FIRST + LAST)}

    run(scenario)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("md4", "", "Checksum algorithm provided is unsupported"),
        ("xxhash3", "FULL_OBJECT", "The FULL_OBJECT checksum type cannot be used with the xxhash3 checksum algorithm."),
        ("sha256", "FULL_OBJECT", "The FULL_OBJECT checksum type cannot be used with the sha256 checksum algorithm."),
        ("crc64nvme", "COMPOSITE", "The COMPOSITE checksum type cannot be used with the crc64nvme checksum algorithm."),
        ("", "COMPOSITE", "can only be used with the x-amz-checksum-algorithm header"),
    ],
)
def test_upload_with_a_checksum_that_cannot_be_is_refused(
    run: Any, refused: Any, name: str, kind: str, words: str
) -> None:
    async def scenario(stand: Any) -> None:
        error = await refused(stand.begin("big", checksum=name, checksum_type=kind))

        assert error.row.code == "InvalidRequest"
        assert words in error.message

    run(scenario)


def test_part_without_the_checksum_of_its_upload_is_refused(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        upload_id = await stand.begin("big", checksum="sha256")
        for expected, actual in ((body_model.NOTHING_EXPECTED, "null"), (told("crc32", b"data"), "crc32")):
            error = await refused(stand.part("big", upload_id, 1, b"data", expected=expected))
            assert error.row.code == "InvalidRequest"
            assert error.message == (
                f"Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: {actual}"
            )

    run(scenario)


def test_completion_must_say_what_the_parts_said(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        upload_id, parts = await uploaded(stand, "sha1")

        error = await refused(completed(stand, upload_id, parts))
        assert error.message == (
            "The upload was created using a sha1 checksum. The complete request must include the checksum for each "
            "part. It was missing for part 1 in the request."
        )
        wrong = (CompletedPart(1, parts[0].etag, {"sha1": b"\0" * 20}),)
        request = upload_model.CompleteMultipartUpload(bucket="inbox", key="big", upload_id=upload_id, parts=wrong)
        assert (await refused(stand.call("CompleteMultipartUpload", request))).row.code == "InvalidPart"
        error = await refused(completed(stand, upload_id, parts, lists=("sha1",), checksum_type="FULL_OBJECT"))
        assert error.message.startswith("The upload was created using the COMPOSITE checksum mode.")
        error = await refused(completed(stand, upload_id, parts, lists=("sha1",), object_size_bytes=5))
        assert error.message == (
            f"The provided 'x-amz-mp-object-size' header value 5 does not match what was computed: {len(FIRST + LAST)}"
        )

        await completed(stand, upload_id, parts, lists=("sha1",), object_size_bytes=len(FIRST + LAST))

    run(scenario)


def test_attributes_show_the_parts_with_their_checksums(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        upload_id, parts = await uploaded(stand, "sha256")
        await completed(stand, upload_id, parts, lists=("sha256",))
        request = object_model.GetObjectAttributes(bucket="inbox", key="big", page_size=1)

        first = await stand.call("GetObjectAttributes", request)
        rest = await stand.call(
            "GetObjectAttributes",
            object_model.GetObjectAttributes(bucket="inbox", key="big", part_number_marker=first.last),
        )

        assert (first.is_truncated, rest.is_truncated, rest.last) == (True, False, 2)
        shown = [*first.parts, *rest.parts]
        assert [part.checksums["sha256"] for part in shown] == [of("sha256", FIRST), of("sha256", LAST)]
        assert first.object.part_count == 2

    run(scenario)
