"""Tables in a bucket as Arrow's C++ S3 client writes and reads them."""

import os
import random
import sys

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import fs


def file_system() -> fs.S3FileSystem:
    """Return the server's; the key comes from AWS's variables, the endpoint from none."""
    place = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")
    return fs.S3FileSystem(
        endpoint_override=place, scheme="http", region=os.environ["AWS_REGION"], allow_bucket_creation=True
    )


def tables(bucket: str) -> None:
    """A Parquet file, and a partitioned dataset of which only some columns and rows are read."""
    s3 = file_system()
    numbers = list(range(200_000))
    table = pa.table({"n": numbers, "even": [n % 2 == 0 for n in numbers], "text": [f"row {n}" for n in numbers]})

    pq.write_table(table, f"{bucket}/one.parquet", filesystem=s3)
    assert pq.read_table(f"{bucket}/one.parquet", filesystem=s3).equals(table)

    partitions = ds.partitioning(pa.schema([("even", pa.bool_())]), flavor="hive")
    ds.write_dataset(table, f"{bucket}/many", format="parquet", partitioning=partitions, filesystem=s3)
    many = ds.dataset(f"{bucket}/many", format="parquet", partitioning=partitions, filesystem=s3)
    assert many.count_rows() == 200_000
    some = many.to_table(columns=["n"], filter=(ds.field("even")) & (ds.field("n") < 10))
    assert sorted(some["n"].to_pylist()) == [0, 2, 4, 6, 8]


def files(bucket: str) -> None:
    """A stream of many parts, reading at a place, listings, copies, folders and buckets."""
    s3 = file_system()
    content = random.Random(8).randbytes(23 << 20)
    with s3.open_output_stream(f"{bucket}/sub/large", metadata={"Content-Type": "a/b"}) as stream:
        for at in range(0, len(content), 1 << 20):
            stream.write(content[at : at + (1 << 20)])
    with s3.open_input_file(f"{bucket}/sub/large") as file:
        assert file.read_at(1_000, 7_000_000) == content[7_000_000:7_001_000]
        assert file.read() == content
    with s3.open_input_stream(f"{bucket}/sub/large") as stream:
        assert stream.metadata()["Content-Type"] == b"a/b"
    s3.copy_file(f"{bucket}/sub/large", f"{bucket}/sub/copy")
    s3.move(f"{bucket}/sub/copy", f"{bucket}/moved ü")
    assert s3.open_input_stream(f"{bucket}/moved ü").read() == content
    s3.create_dir(f"{bucket}/empty")
    found = {one.path: one.type for one in s3.get_file_info(fs.FileSelector(bucket, recursive=True))}
    assert found == {
        f"{bucket}/empty": fs.FileType.Directory,
        f"{bucket}/moved ü": fs.FileType.File,
        f"{bucket}/sub": fs.FileType.Directory,
        f"{bucket}/sub/large": fs.FileType.File,
    }
    s3.delete_dir_contents(f"{bucket}/sub")
    s3.delete_dir(f"{bucket}/empty")
    assert s3.get_file_info(f"{bucket}/sub/large").type == fs.FileType.NotFound


if __name__ == "__main__":
    {"tables": tables, "files": files}[sys.argv[1]](sys.argv[2])
