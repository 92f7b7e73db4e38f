"""obstore (Rust's object_store): multipart, ranges, `PutMode` create and update, signed URLs."""

import pytest

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


def test_obstore_puts_gets_lists_and_holds_conditions(script, bucket, stored_in):
    script("obstore_objects.py", "objects", bucket)

    assert stored_in(bucket) == {"once": b"2", "renamed": b"2", "signed": b"by URL"}
