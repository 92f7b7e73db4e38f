"""The life of a server process: how it starts, what it refuses, how it ends, and what it leaves behind."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import stat
import threading
import time
from pathlib import Path

import grpc
import pytest

from cumulo.api.objects.v1 import objects_pb2 as objects
from cumulo.api.objects.v1.objects_pb2_grpc import ObjectServiceStub
from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.api.queue.v1.queue_pb2_grpc import QueueServiceStub
from cumulo.client import errors
from cumulo.testing import Server, ServerFailed
from tests.server.running import LIMIT_S, end_of, wait_until_parked

SOON_S = 8
"""Far below the drain's 30 s and a poll's 20 s, far above what a loaded machine needs."""


def test_ready_file_says_where_the_server_answers(server):
    endpoints = server._endpoints

    assert set(endpoints) == {"grpc", "http", "data", "pid", "access_key_id", "tls", "tls_ca", "version"}
    assert endpoints["pid"] == server.pid
    assert endpoints["tls"] is False
    assert endpoints["access_key_id"] == server.credentials["access_key_id"]
    assert json.loads((server.data / "endpoints.json").read_text()) == endpoints
    for address in (endpoints["grpc"], endpoints["http"].removeprefix("http://")):
        host, _, port = address.rpartition(":")
        assert host == "127.0.0.1"
        socket.create_connection((host, int(port))).close()


def test_secrets_are_readable_by_their_owner_only(server):
    folder = server.data / "secrets"

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    paths = list(folder.rglob("*"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_dir()} == {0o700}


def test_banner_names_the_endpoints_and_three_lines_to_try_but_no_secret(server):
    banner = server.output

    assert server.target in banner
    assert server.url in banner
    assert "cumulo env --data" in banner
    assert server.credentials["secret_access_key"] not in banner


def test_second_server_on_a_folder_is_refused_in_one_line(server, cumulo):
    done = cumulo("serve", "--data", str(server.data), "--port", "0", "--grpc-port", "0")

    assert done.returncode == 1
    assert str(server.data) in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_port_that_is_taken_is_said_in_one_line(server, cumulo):
    taken = server.target.rpartition(":")[2]

    for_grpc = cumulo("serve", "--ephemeral", "--port", "0", "--grpc-port", taken)
    for_http = cumulo("serve", "--ephemeral", "--port", taken, "--grpc-port", "0")

    for done in (for_grpc, for_http):
        assert done.returncode == 1, done.stderr
        assert taken in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "environment", "says"),
    [
        (["--gprc-port", "0"], {}, "--grpc-port"),
        ([], {"CUMULO_GPRC_PORT": "0"}, "did you mean CUMULO_GRPC_PORT?"),
        ([], {"CUMULO_EPHEMERL": "1"}, "did you mean CUMULO_EPHEMERAL?"),
        (["--port", "70000"], {}, "0..65535"),
        (["--log-level", "loud"], {}, "debug"),
        (["--host", "0.0.0.0"], {}, "--tls-cert"),
        (["--tls-cert", "cert.pem"], {}, "belong together"),
        (["--config", "absent.toml"], {}, "absent.toml"),
    ],
)
def test_setting_that_cannot_be_used_is_refused_with_a_suggestion(cumulo, words, environment, says):
    done = cumulo("serve", "--ephemeral", *words, **environment)

    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_unknown_key_of_the_file_is_refused_with_a_suggestion(cumulo, tmp_path):
    (tmp_path / "cumulo.toml").write_text("grpc_prot = 0\n")

    done = cumulo("serve", "--ephemeral")

    assert done.returncode == 2
    assert "did you mean grpc_port?" in done.stderr


def test_sigterm_answers_parked_polls_at_once_and_exits_with_0(tmp_path):
    with Server(tmp_path / "data") as server:

        async def run():
            async with server.async_client() as client:
                await client.queue("empty").create()
                polls = [asyncio.create_task(client.queue("empty").receive_batch(20)) for _ in range(20)]
                await asyncio.to_thread(wait_until_parked, server, 20)
                began = time.monotonic()
                os.kill(server.pid, signal.SIGTERM)
                return await asyncio.gather(*polls), time.monotonic() - began

        answers, took_s = asyncio.run(run())
        status = end_of(server)
        logged = server.output

    assert answers == [()] * 20
    assert took_s < SOON_S
    assert status == 0, logged
    assert "Traceback" not in logged
    assert not (tmp_path / "data" / "endpoints.json").exists()


def test_sigterm_ends_a_receiving_stream(tmp_path):
    with Server(tmp_path / "data") as server, server.client(retries=False) as client:
        client.queue("empty").create()

        async def run():
            channel = grpc.aio.insecure_channel(server.target)
            async with channel:
                stub = QueueServiceStub(channel)
                token = await asyncio.to_thread(lambda: client.iam.issue_token().token)
                stream = stub.StreamReceiveMessages(metadata=(("authorization", f"Bearer {token}"),))
                start = pb.StreamReceiveMessagesStart(queue="empty")
                await stream.write(pb.StreamReceiveMessagesRequest(start=start, credits=10))
                await asyncio.to_thread(wait_until_parked, server, 1)
                os.kill(server.pid, signal.SIGTERM)
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await stream.read()
                return caught.value.code()

        code = asyncio.run(run())
        status = end_of(server)

    assert code is grpc.StatusCode.UNAVAILABLE
    assert status == 0


def test_second_signal_ends_the_process_at_once(tmp_path):
    with Server(tmp_path / "data") as server, server.client(retries=False) as client:
        client.bucket("slow").create()
        with stalled_upload(server, client):
            os.kill(server.pid, signal.SIGTERM)
            wait_until_not_ready(server)
            os.kill(server.pid, signal.SIGINT)
            status = end_of(server)

    assert status == 130


@contextlib.contextmanager
def stalled_upload(server, client):
    """Keep an upload open that never ends: a server that drains has to wait for it."""
    token = client.iam.issue_token().token
    ended = threading.Event()

    def frames():
        yield objects.PutObjectRequest(head=objects.PutObjectHead(bucket="slow", key="k"))
        yield objects.PutObjectRequest(data=bytes(1 << 20))
        ended.wait(SOON_S)

    with grpc.insecure_channel(server.target) as channel:
        call = ObjectServiceStub(channel).PutObject.future(
            frames(), metadata=(("authorization", f"Bearer {token}"),), timeout=2 * SOON_S
        )
        deadline = time.monotonic() + SOON_S
        while not any((server.data / "blobs").glob("*/*/*")):
            assert time.monotonic() < deadline, "the server has not begun to store it"
            time.sleep(0.01)
        yield
        ended.set()
        call.cancel()


def wait_until_not_ready(server):
    """Return once the server drains."""
    deadline = time.monotonic() + SOON_S
    while (server.data / "endpoints.json").exists():
        assert time.monotonic() < deadline, "it does not drain"
        time.sleep(0.01)


def test_what_was_acknowledged_is_there_after_sigterm_and_after_sigkill(tmp_path):
    with Server(tmp_path / "data") as server:
        with server.client() as client:
            client.queue("q").create()
            client.queue("q").send(b"one")
        os.kill(server.pid, signal.SIGTERM)
        end_of(server)
        server.start()
        with server.client() as client:
            client.queue("q").send(b"two")
        server.kill()
        server.start()
        with server.client() as client:
            bodies = [message.body for message in client.queue("q").receive_batch(0, 10)]

    assert bodies == [b"one", b"two"]


def test_ephemeral_server_leaves_nothing_behind(tmp_path):
    with Server(environment={"TMPDIR": str(tmp_path)}) as server:
        with server.client() as client:
            client.bucket("bucket").create()
            client.bucket("bucket").put("k", b"x" * 100_000)
        assert list(tmp_path.iterdir()) == [server.data]
        os.kill(server.pid, signal.SIGTERM)
        assert end_of(server) == 0

    assert list(tmp_path.iterdir()) == []


def test_ready_server_imports_by_itself_what_a_first_body_would_wait_for(server):
    maps = Path(f"/proc/{server.pid}/maps")
    deadline = time.monotonic() + LIMIT_S

    while "_awscrt" not in maps.read_text():
        assert time.monotonic() < deadline, "the digests' library is not loaded"
        time.sleep(0.02)


def test_check_of_a_folder_that_no_server_has_open(tmp_path, cumulo):
    with Server(tmp_path / "data") as server, server.client() as client:
        client.queue("q").create()
        client.queue("q").send(b"x")

    done = cumulo("check", "--data", str(tmp_path / "data"), "-o", "json")

    assert json.loads(done.stdout) == {"data": str(tmp_path / "data"), "problems": []}
    assert done.returncode == 0


def test_check_of_a_folder_that_a_server_has_open_goes_through_that_server(server, cumulo):
    done = cumulo("check", "--data", str(server.data))

    assert done.returncode == 0, done.stderr
    assert "ok: every invariant holds" in done.stdout


def test_check_of_a_killed_servers_folder(tmp_path, cumulo):
    with Server(tmp_path / "data") as server:
        server.kill()

    done = cumulo("check", "--data", str(tmp_path / "data"))

    assert (tmp_path / "data" / "endpoints.json").exists()
    assert done.returncode == 0, done.stderr


def test_check_of_a_folder_whose_root_credentials_were_removed(tmp_path, cumulo):
    with Server(tmp_path / "data") as server:
        credentials = server.data / "secrets" / "root_credentials.json"
        credentials.unlink()

        live = cumulo("check", "--data", str(server.data))

        server.kill()
    killed = cumulo("check", "--data", str(tmp_path / "data"))

    assert live.returncode == 1
    assert live.stdout == ""
    (line,) = live.stderr.splitlines()
    assert line.startswith("cumulo: ")
    assert line.endswith(f"its server cannot be asked: [Errno 2] No such file or directory: '{credentials}'")
    assert killed.returncode == 0, killed.stderr


def test_check_of_a_folder_whose_root_credentials_are_wrong(tmp_path, cumulo):
    with Server(tmp_path / "data") as server:
        credentials = server.data / "secrets" / "root_credentials.json"
        wrong = json.loads(credentials.read_text()) | {"secret_access_key": "x" * 40}
        credentials.write_text(json.dumps(wrong))

        done = cumulo("check", "--data", str(server.data))

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("cumulo: ")
    assert f"its server cannot be asked: {credentials}: InvalidClientTokenId: " in line


def test_check_of_a_folder_that_is_none(tmp_path, cumulo):
    done = cumulo("check", "--data", str(tmp_path / "absent"))

    assert done.returncode == 1
    assert "no such data folder" in done.stderr
    assert not (tmp_path / "absent").exists()


def test_no_secret_stands_in_anything_that_the_server_writes(tmp_path):
    body = "a-body-that-nobody-logs"
    with Server(tmp_path / "data", settings={"log_level": "debug", "log_format": "json"}) as server:
        with server.client() as client:
            client.iam.create_user("eve")
            key = client.iam.create_access_key("eve")
            token = client.iam.issue_token().token
            client.queue("q").create()
            sent = client.queue("q")
            sent.send(body)
            (message,) = sent.receive_batch(0)
            secrets = [server.credentials["secret_access_key"], key.secret_access_key, token, body]
            secrets += [token.rpartition(".")[2], message.receipt_handle]
            with (
                server.client(secret_access_key="wrong" * 8, retries=False) as wrong,
                pytest.raises(errors.Unauthenticated),
            ):
                wrong.iam.whoami()
            with (
                server.client(
                    access_key_id=key.access_key_id, secret_access_key=key.secret_access_key, retries=False
                ) as eve,
                pytest.raises(errors.PermissionDenied),
            ):
                eve.queue("q").send(body)
        os.kill(server.pid, signal.SIGTERM)
        assert end_of(server) == 0
        written = server.output + (server.data / "FORMAT").read_text()

    assert [secret for secret in secrets if secret in written] == []


def test_log_lines_are_json_where_nobody_looks_on(tmp_path):
    with Server(tmp_path / "data", settings={"log_level": "info"}) as server:
        os.kill(server.pid, signal.SIGTERM)
        assert end_of(server) == 0
        lines = [json.loads(line) for line in server.output.splitlines() if line.startswith("{")]

    assert [line["message"] for line in lines] == ["draining", "stopped"]
    assert all({"time", "level", "logger"} < set(line) for line in lines)


def test_failed_engine_ends_the_process_with_one_clear_line(tmp_path):
    with Server(tmp_path / "data", environment={"CUMULO_FAILPOINTS": "engine.after_commit=error@6"}) as server:
        with server.client(retries=False) as client, contextlib.suppress(errors.CumuloError):
            for number in range(20):
                client.queue(f"q{number}").create()
        status = end_of(server)
        lines = [line for line in server.output.splitlines() if '"level": "critical"' in line]

    assert status == 70
    assert len(lines) == 1
    assert "a commit failed" in lines[0]


def test_failed_start_is_told_with_the_servers_words(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "FORMAT").write_text("from the future")

    with pytest.raises(ServerFailed, match="FORMAT"):
        Server(tmp_path / "data").start()
