"""`cumulo.testing.Server`: a real server for a block of a test, its end, and its failures."""

import os
from pathlib import Path

import pytest

from cumulo.client import errors
from cumulo.testing import Server, ServerFailed


def test_server_answers_in_its_block_and_is_gone_after_it():
    with Server() as server, server.client() as client:
        arn = client.iam.whoami().arn
        pid, data = server.pid, server.data

    assert arn.endswith(":root")
    assert not data.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_data_folder_survives_a_kill(tmp_path: Path):
    server = Server(tmp_path / "data")
    with server:
        with server.client() as client:
            client.queue("jobs", create=True).send("a")
        server.kill()
        server.start()
        with server.client() as client:
            bodies = [it.text for it in client.queue("jobs").receive(0, 10)]

    assert bodies == ["a"]


def test_stop_is_in_order():
    server = Server()
    server.start()

    assert server.stop() == 0


def test_server_that_does_not_start_says_why(tmp_path: Path):
    (tmp_path / "FORMAT").write_text("something else")

    with pytest.raises(ServerFailed, match="FORMAT"):
        Server(tmp_path).start()


def test_own_variables_do_not_reach_the_server(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CUMULO_NO_SUCH_SETTING", "1")

    with Server() as server:
        assert server.target.startswith("127.0.0.1:")


def test_environment_leads_another_program_to_the_server(monkeypatch: pytest.MonkeyPatch):
    from cumulo.client import Client

    with Server() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        with Client() as client:
            assert client.target == server.target
            with pytest.raises(errors.NotFound):
                client.queue("none").info()
