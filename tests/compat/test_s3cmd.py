"""s3cmd: single files, folders, large files in parts, copies, and what it tells of an object."""

import random

import pytest

from tests.compat.client_programs import need, run

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture
def s3cmd(aws, tmp_path):
    host = aws["AWS_ENDPOINT_URL"].removeprefix("http://")
    flags = (
        "--config=/dev/null",
        f"--host={host}",
        f"--host-bucket={host}",
        "--no-ssl",
        "--no-progress",
        f"--region={aws['AWS_REGION']}",
        f"--access_key={aws['AWS_ACCESS_KEY_ID']}",
        f"--secret_key={aws['AWS_SECRET_ACCESS_KEY']}",
    )

    def call(*words):
        return run(need("s3cmd", "s3cmd"), *flags, *words, environment={"HOME": aws["HOME"]}, cwd=tmp_path)

    return call


def tree(folder):
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_s3cmd_puts_lists_tells_gets_and_deletes(s3cmd, new_name, stored_in, tmp_path):
    (tmp_path / "up ü.txt").write_bytes(b"content")

    s3cmd("mb", f"s3://{new_name}")
    s3cmd("put", "up ü.txt", f"s3://{new_name}/folder/", "--add-header=x-amz-meta-color:red", "--mime-type=text/plain")
    s3cmd("get", f"s3://{new_name}/folder/up ü.txt", "down")
    listed = s3cmd("ls", "--recursive", f"s3://{new_name}")
    told = s3cmd("info", f"s3://{new_name}/folder/up ü.txt")

    assert (tmp_path / "down").read_bytes() == b"content"
    assert listed.rstrip().endswith(f"7  s3://{new_name}/folder/up ü.txt")
    assert "File size: 7" in told
    assert "color:" in told
    s3cmd("cp", f"s3://{new_name}/folder/up ü.txt", f"s3://{new_name}/copy")
    s3cmd("mv", f"s3://{new_name}/copy", f"s3://{new_name}/moved")
    s3cmd("del", f"s3://{new_name}/folder/up ü.txt")
    assert stored_in(new_name) == {"moved": b"content"}
    s3cmd("del", "--recursive", "--force", f"s3://{new_name}")
    s3cmd("rb", f"s3://{new_name}")
    assert new_name not in s3cmd("ls")


def test_s3cmd_sends_a_large_file_in_parts(s3cmd, bucket, tmp_path):
    content = random.Random(6).randbytes(12 << 20)
    (tmp_path / "up").write_bytes(content)

    s3cmd("put", "up", f"s3://{bucket}/large", "--multipart-chunk-size-mb=5")
    s3cmd("get", f"s3://{bucket}/large", "down")

    assert (tmp_path / "down").read_bytes() == content
    assert s3cmd("multipart", f"s3://{bucket}").splitlines()[1:] == ["Initiated\tPath\tId"]


def test_s3cmd_syncs_both_ways(s3cmd, bucket, stored_in, tmp_path):
    files = {"one.txt": b"1", "sub/ü +.bin": bytes(range(256)), "sub/empty": b""}
    for name, data in files.items():
        (tmp_path / "from" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "from" / name).write_bytes(data)

    s3cmd("sync", "from/", f"s3://{bucket}/x/")
    assert stored_in(bucket) == {f"x/{name}": data for name, data in files.items()}
    (tmp_path / "from" / "one.txt").unlink()
    s3cmd("sync", "--delete-removed", "from/", f"s3://{bucket}/x/")
    s3cmd("sync", f"s3://{bucket}/x/", "to/")

    assert tree(tmp_path / "to") == tree(tmp_path / "from")


def test_s3cmd_sets_and_removes_a_policy(s3cmd, bucket, tmp_path):
    policy = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:PutObject",'
        f'"Resource":"arn:aws:s3:::{bucket}/*"}}]}}'
    )
    (tmp_path / "policy.json").write_text(policy)

    s3cmd("setpolicy", "policy.json", f"s3://{bucket}")
    assert '"Deny"' in s3cmd("info", f"s3://{bucket}")
    s3cmd("delpolicy", f"s3://{bucket}")

    assert "Policy:    none" in s3cmd("info", f"s3://{bucket}")
