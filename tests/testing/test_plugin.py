"""The pytest fixture `cumulo`: an account for each test, on one server."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["cumulo.testing.plugin"]

seen: list[tuple[str, str]] = []


@pytest.mark.parametrize("number", [1, 2])
def test_each_test_has_its_own_account_and_the_same_server(cumulo, number: int):
    with cumulo.client() as client:
        account = client.iam.whoami().account
        before = list(client.queues())
        client.queue("orders", create=True)

    assert before == []
    assert account not in [one for one, _ in seen]
    assert {target for _, target in seen} <= {cumulo.server.target}
    seen.append((account, cumulo.server.target))


def test_boto3_works_in_the_account(cumulo):
    sqs = cumulo.boto3("sqs")

    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    sqs.close()

    with cumulo.client() as client:
        assert url.split("/")[-2:] == [client.iam.whoami().account, "orders"]
        assert [it.text for it in client.queue("orders").receive(0)] == ["hello"]


def test_environment_is_the_accounts(cumulo, monkeypatch: pytest.MonkeyPatch):
    from cumulo.client import Client

    for variable, value in cumulo.environment().items():
        monkeypatch.setenv(variable, value)
    with Client() as mine, cumulo.client() as same:
        assert mine.iam.whoami() == same.iam.whoami()


TEST = """
pytest_plugins = ["cumulo.testing.plugin"]


def test_orders(cumulo):
    cumulo.boto3("sqs").create_queue(QueueName="orders")
"""


def test_missing_boto3_is_told_in_one_line(tmp_path: Path):
    (tmp_path / "conftest.py").write_text("import sys\nsys.modules['boto3'] = None\n")
    (tmp_path / "test_orders.py").write_text(TEST)

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    assert done.returncode == 1
    assert "ImportError: Server.boto3 needs boto3, which cumulo does not bring: pip install boto3" in done.stdout
