"""Objects in a bucket as obstore, which is Rust's object_store, puts and gets them."""

import os
import random
import sys
import urllib.request
from datetime import timedelta

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import S3Store


def objects(bucket: str) -> None:
    """Whole and multipart objects, ranges, conditions, lists, copies, signed URLs."""
    store = S3Store(
        bucket,
        endpoint=os.environ["AWS_ENDPOINT_URL"],
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )
    content = random.Random(9).randbytes(12 << 20)
    obstore.put(store, "sub/ü + &", b"small", attributes={"Content-Type": "a/b", "color": "red"})
    obstore.put(store, "sub/large", content, use_multipart=True, chunk_size=5 << 20)

    got = obstore.get(store, "sub/ü + &")
    assert (bytes(got.bytes()), got.attributes["Content-Type"], got.attributes["color"]) == (b"small", "a/b", "red")
    assert bytes(obstore.get(store, "sub/large").bytes()) == content
    assert bytes(obstore.get_range(store, "sub/large", start=6_000_000, length=10)) == content[6_000_000:6_000_010]
    assert sorted(one["path"] for page in obstore.list(store, "sub") for one in page) == ["sub/large", "sub/ü + &"]
    assert obstore.list_with_delimiter(store)["common_prefixes"] == ["sub"]

    first = obstore.put(store, "once", b"1", mode="create")
    try:
        obstore.put(store, "once", b"2", mode="create")
    except AlreadyExistsError:
        pass
    else:
        raise AssertionError("a second writer won")
    obstore.put(store, "once", b"2", mode={"e_tag": first["e_tag"]})
    try:
        obstore.put(store, "once", b"3", mode={"e_tag": first["e_tag"]})
    except PreconditionError:
        pass
    else:
        raise AssertionError("a writer who knew an old state won")
    obstore.copy(store, "once", "copy")
    obstore.rename(store, "copy", "renamed")

    put = obstore.sign(store, "PUT", "signed", timedelta(minutes=1))
    urllib.request.urlopen(urllib.request.Request(put, b"by URL", method="PUT")).close()
    with urllib.request.urlopen(obstore.sign(store, "GET", "signed", timedelta(minutes=1))) as answer:
        assert answer.read() == b"by URL"
    obstore.delete(store, ["sub/large", "sub/ü + &"])


if __name__ == "__main__":
    objects(sys.argv[2])
