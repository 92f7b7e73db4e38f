"""A real, durable server for each module of clients, its address as clients of AWS take it, a bucket for each test."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from cumulo.testing import Server
from tests.compat.client_programs import OF_TODAY, SCRIPTS, need, need_python, run

FOLDER = Path(__file__).parent
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def aws(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which AWS's SDKs and tools find the server, as root, and nobody's files."""
    return {name: value for name, value in server.environment().items() if name.startswith("AWS_")} | {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
        "HOME": str(tmp_path_factory.mktemp("home")),
    }


@pytest.fixture
def clients(server: Server) -> Callable[..., Any]:
    """Make a client of boto3: `clients("s3")`, with another key or other options where a test names them."""

    def client(service: str, **options: Any) -> Any:
        config = Config(retries={"total_max_attempts": 1}).merge(options.pop("config", Config()))
        return server.boto3(service, config=config, **options)

    return client


@pytest.fixture
def s3(clients: Callable[..., Any]) -> Any:
    return clients("s3")


@pytest.fixture
def sqs(clients: Callable[..., Any]) -> Any:
    return clients("sqs")


@pytest.fixture
def sns(clients: Callable[..., Any]) -> Any:
    return clients("sns")


@pytest.fixture
def new_name() -> str:
    """A name that no other test of this run uses, fit for buckets, queues and users."""
    return f"compat-{next(_numbers)}"


@pytest.fixture
def bucket(s3: Any, new_name: str) -> str:
    s3.create_bucket(Bucket=new_name)
    return new_name


@pytest.fixture
def stored_in(s3: Any) -> Callable[[str], dict[str, bytes]]:
    """What a bucket holds, key by key, read by another client than the one under test."""

    def read(bucket: str) -> dict[str, bytes]:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
        return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    return read


@pytest.fixture
def script(aws: dict[str, str], tmp_path: Path) -> Callable[..., str]:
    """Run a function of one of the scripts with its client's interpreter: `script("s3fs_files.py", "name", ...)`."""

    def call(name: str, function: str, *words: str, environment: str = OF_TODAY, **variables: str) -> str:
        interpreter = need_python(environment)
        command = (interpreter, str(SCRIPTS / name), function, *words)
        return run(*command, environment=aws | variables, cwd=tmp_path)

    return call


@pytest.fixture(scope="session")
def go_program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program on the SDK for Go, built with the modules that its lock names."""
    path = tmp_path_factory.mktemp("go") / "compat"
    run(need("go"), "build", "-mod=readonly", "-o", str(path), ".", environment={}, cwd=FOLDER / "go")
    return str(path)


@pytest.fixture(scope="session")
def javascript_program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A copy of the program on the SDK for JavaScript with what its lock names, installed from nothing."""
    folder = tmp_path_factory.mktemp("javascript") / "compat"
    shutil.copytree(FOLDER / "javascript", folder, ignore=shutil.ignore_patterns("node_modules"))
    run(need("npm"), "ci", "--no-audit", "--no-fund", "--loglevel=error", environment={}, cwd=folder)
    return str(folder / "main.js")
