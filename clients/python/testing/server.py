"""A real server for tests: `cumulo serve` as a process of its own, on free ports, started and stopped around a block.

Promises: the block runs once the server answers; afterwards the process is gone; its output is part of the error when
it does not start. Knows the server only as a program, and reaches it only through `cumulo.client`.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cumulo.client import AsyncClient, Client

START_S = 20.0
STOP_S = 40.0
"""Longer than the 30 s that a server may take to finish what it has begun."""
LOOK_EVERY_S = 0.01
REGION = "us-east-1"
_PROGRAM = "import sys; from cumulo.server.main import main; sys.argv[0] = 'cumulo'; main()"


class ServerFailed(RuntimeError):
    """The server did not start, or did not stop in order; the text holds what it wrote."""


class Server:
    """A server process; a context manager.

    Without `data` everything is forgotten at the end; with it the folder's content survives, so that a second `Server`
    goes on where the first one stopped or was killed. `settings` are those of `cumulo serve` by their names in
    `cumulo.toml`, e.g. `{"log_level": "debug"}`; `environment` is added to this process's own, of which no `CUMULO_*`
    variable is passed on.
    """

    def __init__(
        self,
        data: str | os.PathLike[str] | None = None,
        *,
        settings: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._data = None if data is None else Path(data)
        self._settings = dict(settings or {})
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._endpoints: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def target(self) -> str:
        """Host and port of gRPC."""
        return str(self._endpoints["grpc"])

    @property
    def url(self) -> str:
        """Base URL of HTTP."""
        return str(self._endpoints["http"])

    @property
    def data(self) -> Path:
        """The data folder."""
        return Path(self._endpoints["data"])

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None, "the server is not running"
        return self._process.pid

    @property
    def output(self) -> str:
        """What the server has written so far."""
        assert self._folder is not None, "the server was never started"
        return (self._folder / "output").read_text(errors="replace")

    def start(self) -> None:
        """Start, and wait until the server answers; raises `ServerFailed`."""
        assert self._process is None, "the server is running"
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="cumulo-test-"))
        ready = self._folder / "ready.json"
        ready.unlink(missing_ok=True)
        with (self._folder / "output").open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                self._command(ready),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._whole_environment(),
                cwd=self._folder,  # whose `cumulo.toml`, if any, is nobody's
            )
        deadline = time.monotonic() + START_S
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                output_text = self.output
                self.stop(signal.SIGKILL)
                raise ServerFailed(f"the server did not become ready within {START_S:.0f} s:\n{output_text}")
            time.sleep(LOOK_EVERY_S)
        self._endpoints = json.loads(ready.read_text())

    def _command(self, ready: Path) -> Sequence[str]:
        settings: dict[str, object] = {"port": 0, "grpc_port": 0, "ready_file": ready, "log_level": "warning"}
        settings |= self._settings
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
        where = ["--ephemeral"] if self._data is None else [f"--data={self._data.absolute()}"]
        return (sys.executable, "-P", "-c", _PROGRAM, "serve", *where, *flags)

    def _whole_environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("CUMULO_")}
        return own | self._environment

    @property
    def credentials(self) -> dict[str, str]:
        """The first account's root key: `access_key_id` and `secret_access_key`, as a client takes them."""
        root = json.loads((self.data / "secrets" / "root_credentials.json").read_text())
        return {name: root[name] for name in ("access_key_id", "secret_access_key")}

    def client(self, **options: Any) -> Client:
        """Return a client, as root unless `options` say otherwise; close it."""
        return Client(self.target, **({"url": self.url} | self._authority() | self.credentials | options))

    def async_client(self, **options: Any) -> AsyncClient:
        """Return an asynchronous client, as root unless `options` say otherwise; close it."""
        return AsyncClient(self.target, **({"url": self.url} | self._authority() | self.credentials | options))

    def boto3(self, service: str, **options: Any) -> Any:
        """Return a client of boto3 for `service` ("s3", "sqs"…), as root unless `options` say otherwise; close it.

        `options` are those of `boto3.client`. Raises `ImportError` where boto3 is not installed.
        """
        try:
            import boto3  # noqa: PLC0415 - only who asks for it needs it
        except ImportError as error:
            raise ImportError("Server.boto3 needs boto3, which cumulo does not bring: pip install boto3") from error
        root = self.credentials
        found = {
            "endpoint_url": self.url,
            "region_name": REGION,
            "aws_access_key_id": root["access_key_id"],
            "aws_secret_access_key": root["secret_access_key"],
        }
        if self._endpoints["tls_ca"]:
            found["verify"] = self._endpoints["tls_ca"]
        return boto3.client(service, **(found | options))

    def _authority(self) -> dict[str, str]:
        """Return the authority that a client needs where the server made its own certificate (`{"tls": "dev"}`)."""
        return {"tls_ca": self._endpoints["tls_ca"]} if self._endpoints["tls_ca"] else {}

    def environment(self) -> dict[str, str]:
        """Return the variables with which another program, or a client of AWS, finds this server, as root."""
        root = self.credentials
        authority = self._authority().get("tls_ca", "")
        return {
            "CUMULO_TARGET": self.target,
            "CUMULO_ACCESS_KEY_ID": root["access_key_id"],
            "CUMULO_SECRET_ACCESS_KEY": root["secret_access_key"],
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": root["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": root["secret_access_key"],
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        } | ({"CUMULO_TLS_CA": authority, "AWS_CA_BUNDLE": authority} if authority else {})

    def kill(self) -> None:
        """End the process without a word, as a power cut does; `start` goes on with the same data folder."""
        assert self._process is not None, "the server is not running"
        process, self._process = self._process, None
        process.kill()
        process.wait()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop in order and forget the server's output; return the exit code. Raises `ServerFailed` if it hangs."""
        process, self._process = self._process, None
        try:
            if process is None:
                return 0
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(STOP_S)
            output = self.output
            process.kill()
            process.wait()
            raise ServerFailed(f"the server did not stop within {STOP_S:.0f} s:\n{output}")
        finally:
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None
