"""The pytest fixture `cumulo`: `pytest_plugins = ["cumulo.testing.plugin"]` in a `conftest.py`.

Promises: one server for a whole run (with pytest-xdist: for each worker), forgotten at its end; an account of its own
for each test, so that no test sees another's queues, buckets and users.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from cumulo.client import AsyncClient, Client
from cumulo.testing.server import Server


class Tenant:
    """An account on a running server, and every way to it as its root."""

    def __init__(self, server: Server, access_key_id: str, secret_access_key: str) -> None:
        self.server = server
        self.credentials = {"access_key_id": access_key_id, "secret_access_key": secret_access_key}

    def client(self, **options: Any) -> Client:
        """Return a client; close it."""
        return self.server.client(**(self.credentials | options))

    def async_client(self, **options: Any) -> AsyncClient:
        """Return an asynchronous client; close it."""
        return self.server.async_client(**(self.credentials | options))

    def boto3(self, service: str, **options: Any) -> Any:
        """Return a client of boto3 for `service`; close it. Raises `ImportError` where boto3 is not installed."""
        key = {f"aws_{name}": value for name, value in self.credentials.items()}
        return self.server.boto3(service, **(key | options))

    def environment(self) -> dict[str, str]:
        """Return the variables with which another program, or a client of AWS, finds the account."""
        key = {f"{kind}_{name.upper()}": it for kind in ("CUMULO", "AWS") for name, it in self.credentials.items()}
        return self.server.environment() | key


@pytest.fixture(scope="session")
def cumulo_server() -> Iterator[Server]:
    """Give the server that all tests of this process share."""
    with Server() as server:
        yield server


@pytest.fixture
def cumulo(cumulo_server: Server) -> Tenant:
    """Give a new account on the shared server."""
    with cumulo_server.client() as root:
        key = root.iam.create_account()
    return Tenant(cumulo_server, key.access_key_id, key.secret_access_key)
