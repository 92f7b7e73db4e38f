"""Transfers that break in the middle, against a server that answers by a script."""

import grpc
import pytest

from cumulo.api.objects.v1 import objects_pb2
from cumulo.client import errors

WHOLE = objects_pb2.Object(bucket="buckets/b", key="k", size_bytes=6, etag="e")


def head(first: int, length: int):
    return objects_pb2.GetObjectResponse(
        head=objects_pb2.GetObjectHead(object=WHOLE, first_byte=first, content_length=length)
    )


def data(piece: bytes):
    return objects_pb2.GetObjectResponse(data=piece)


def test_broken_download_goes_on_where_it_was_with_the_same_object(script, scripted):
    asked = []

    def breaks(request, context):
        asked.append(request)
        yield head(0, 6)
        yield data(b"abc")
        context.abort(grpc.StatusCode.UNAVAILABLE, "gone")

    def goes_on(request, _context):
        asked.append(request)
        yield head(3, 3)
        yield data(b"def")

    script.answers["GetObject"] = [breaks, goes_on]

    assert scripted.bucket("b").get("k") == b"abcdef"
    assert (asked[1].if_match, asked[1].byte_range.first, asked[1].byte_range.last) == ("e", 3, 5)


def test_download_that_ends_early_is_an_error(script, scripted):
    script.answers["GetObject"] = [lambda _request, _context: iter([head(0, 6), data(b"abc")])]

    with pytest.raises(errors.DataLoss, match="byte 3 of 6"):
        scripted.bucket("b").get("k")


def test_download_whose_checksum_differs_is_an_error(script, scripted):
    wrong = objects_pb2.GetObjectResponse(
        head=objects_pb2.GetObjectHead(
            object=objects_pb2.Object(key="k", size_bytes=3, etag="e", crc64nvme=1), content_length=3
        )
    )
    script.answers["GetObject"] = [lambda _request, _context: iter([wrong, data(b"abc")])]

    with pytest.raises(errors.DataLoss, match="CRC-64/NVME"):
        scripted.bucket("b").get("k")


def test_upload_is_repeated_whole_under_one_request_id(script, scripted, refuse):
    seen = []

    def takes(requests, context):
        frames = list(requests)
        seen.append((frames[0].head.request_id, b"".join(it.data for it in frames)))
        if len(seen) == 1:
            refuse(grpc.StatusCode.UNAVAILABLE)(None, context)
        return objects_pb2.PutObjectResponse(object=WHOLE)

    script.answers["PutObject"] = [takes]
    moved: list[int] = []

    scripted.bucket("b").put("k", b"abcdef", progress=moved.append)

    assert seen[0] == seen[1]
    assert seen[0][1] == b"abcdef"
    assert moved == [6, -6, 6]
