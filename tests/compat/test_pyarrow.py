"""pyarrow's S3 client, which is AWS's for C++: Parquet files, datasets in partitions, streams of many parts."""

import pytest

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


def test_pyarrow_reads_the_tables_that_it_wrote(script, bucket, stored_in):
    script("pyarrow_tables.py", "tables", bucket)

    stored = stored_in(bucket)
    assert {key.split("/")[1] for key in stored if key.startswith("many/")} >= {"even=false", "even=true"}
    assert stored["one.parquet"].startswith(b"PAR1")


def test_pyarrow_streams_copies_lists_and_removes(script, bucket):
    script("pyarrow_tables.py", "files", bucket)
