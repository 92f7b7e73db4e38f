"""The same clients over TLS, where most of them leave the payload unsigned: a path of its own through the server."""

import io
import random
from collections.abc import Iterator

import pytest
from botocore.exceptions import SSLError

from cumulo.testing import Server
from tests.compat.client_programs import need, need_python, run

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server") / "data", settings={"tls": "dev"}) as server:
        assert server.url.startswith("https://")
        yield server


def test_boto3_moves_a_large_file_over_tls(s3, sqs, bucket):
    content = random.Random(11).randbytes(20 << 20)
    back = io.BytesIO()

    s3.upload_fileobj(io.BytesIO(content), bucket, "large")
    s3.download_fileobj(bucket, "large", back)

    assert back.getvalue() == content
    queue = sqs.create_queue(QueueName=bucket)["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="over TLS")
    assert queue.startswith("https://")
    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "over TLS"


def test_boto3_that_trusts_others_refuses_the_server(clients):
    with pytest.raises(SSLError):
        clients("s3", verify=True).list_buckets()


@pytest.mark.parametrize("what", ["objects", "multipart", "presigned", "queues"])
def test_go_sdk_moves_and_compares_over_tls(go_program, aws, bucket, tmp_path, what):
    environment = aws | {"SSL_CERT_FILE": aws["AWS_CA_BUNDLE"]}  # for the presigned URL, which the SDK does not fetch

    assert run(go_program, what, bucket, environment=environment, cwd=tmp_path) == "ok\n"


@pytest.mark.parametrize("what", ["objects", "multipart", "presigned", "queues"])
def test_javascript_sdk_moves_and_compares_over_tls(javascript_program, aws, bucket, tmp_path, what):
    environment = aws | {"NODE_EXTRA_CA_CERTS": aws["AWS_CA_BUNDLE"]}

    assert run(need("node"), javascript_program, what, bucket, environment=environment, cwd=tmp_path) == "ok\n"


def test_cli_and_restic_and_rclone_move_files_over_tls(aws, bucket, stored_in, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(b"over TLS" * 100_000)
    authority, place = aws["AWS_CA_BUNDLE"], aws["AWS_ENDPOINT_URL"]
    remote = f":s3,provider=Other,env_auth=true,region=us-east-1,endpoint='{place}':{bucket}/rclone"
    repository = {
        "RESTIC_REPOSITORY": f"s3:{place}/{bucket}/restic",
        "RESTIC_PASSWORD": "x",
        "RCLONE_CONFIG": "/dev/null",
    }

    def client(*command, **changed):
        run(*command, environment=aws | repository | changed, cwd=tmp_path)

    client(need_python(program="aws"), "s3", "cp", "folder", f"s3://{bucket}/aws", "--recursive")
    # rclone takes the authority as a flag and stumbles over the variable.
    client(need("rclone", "rclone"), f"--ca-cert={authority}", "copy", "folder", remote, AWS_CA_BUNDLE="")
    for words in (("init",), ("backup", "folder"), ("check", "--read-data")):
        client(need("restic", "restic"), f"--cacert={authority}", *words)

    stored = stored_in(bucket)
    assert stored["aws/file"] == stored["rclone/file"] == b"over TLS" * 100_000
