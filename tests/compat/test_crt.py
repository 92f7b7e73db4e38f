"""AWS's common runtime, the C client under Mountpoint and the aws command line's fast transfers: parts in parallel."""

import random

import botocore.session
import pytest
from s3transfer.crt import (
    BotocoreCRTCredentialsWrapper,
    BotocoreCRTRequestSerializer,
    CRTTransferManager,
    create_s3_crt_client,
)


@pytest.fixture
def transfers(server):
    """boto3 itself uses this client over TLS alone."""
    session = botocore.session.get_session()
    key = server.credentials
    session.set_credentials(key["access_key_id"], key["secret_access_key"])
    provider = BotocoreCRTCredentialsWrapper(session.get_credentials()).to_crt_credentials_provider()
    client = create_s3_crt_client("us-east-1", crt_credentials_provider=provider, use_ssl=False)
    arguments = {"region_name": "us-east-1", "endpoint_url": server.url}
    with CRTTransferManager(client, BotocoreCRTRequestSerializer(session, arguments)) as manager:
        yield manager


def test_the_common_runtime_moves_a_large_and_a_small_file(transfers, bucket, stored_in, tmp_path):
    files = {"large": random.Random(12).randbytes(20 << 20), "small ü": b"small", "empty": b""}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)

    for name in files:
        transfers.upload(str(tmp_path / name), bucket, name).result()
        transfers.download(bucket, name, str(tmp_path / f"{name}-back")).result()

    assert stored_in(bucket) == files
    assert {name: (tmp_path / f"{name}-back").read_bytes() for name in files} == files
