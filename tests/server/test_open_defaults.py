"""Servers whose new buckets are as open as older stores', with the settings for that and no others."""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cumulo.testing import Server

OPEN = {
    "s3_default_object_ownership": "ObjectWriter",
    "s3_default_public_access_block": "false",
    "s3_lifecycle_day_s": 1,
}
LIMIT_S = 20
MOVE = {"ID": "move", "Status": "Enabled", "Filter": {}, "Transitions": [{"Days": 1, "StorageClass": "GLACIER_IR"}]}


def refusal(s3: Any) -> tuple[int, str]:
    """How a part of an object that it does not have is refused."""
    s3.create_bucket(Bucket="inbox")
    s3.put_object(Bucket="inbox", Key="k", Body=b"x")
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket="inbox", Key="k", PartNumber=2)
    return error.value.response["ResponseMetadata"]["HTTPStatusCode"], error.value.response["Error"]["Code"]


def test_open_server_speaks_as_older_stores_and_moves_small_objects() -> None:
    with Server(settings=OPEN) as server:
        s3 = server.boto3("s3")
        assert refusal(s3) == (400, "InvalidPart")

        s3.put_bucket_lifecycle_configuration(Bucket="inbox", LifecycleConfiguration={"Rules": [MOVE]})
        deadline = time.monotonic() + LIMIT_S
        while s3.head_object(Bucket="inbox", Key="k").get("StorageClass") != "GLACIER_IR":
            assert time.monotonic() < deadline, "the object stays in its class"
            time.sleep(0.1)


@pytest.mark.parametrize("said", [{"s3_dialect": "aws"}, {"s3_default_public_access_block": "true"}])
def test_server_that_says_otherwise_speaks_as_s3_does(said: dict[str, Any]) -> None:
    with Server(settings=OPEN | said) as server:
        assert refusal(server.boto3("s3")) == (416, "InvalidPartNumber")
