"""`cumulo iam login`, `--profile`, and the profiles that `cumulo aws configure` writes for AWS's clients."""

import configparser
import os
import stat
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner

from cumulo.cli.main import cli
from cumulo.cli.sections import keys_of, with_section
from cumulo.testing import Server


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of nobody, with no variable that leads anywhere."""
    for variable in list(os.environ):
        if variable.startswith(("CUMULO_", "AWS_", "XDG_")):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def invoke(*words: str, exits: int = 0, text: str | None = None):
    result = CliRunner().invoke(cli, words, input=text)
    assert result.exit_code == exits, (result.output, result.exception)
    return result


def test_login_keeps_server_and_key_and_every_leaf_finds_them(server: Server, home: Path):
    key = server.credentials
    typed = f"{key['access_key_id']}\n{key['secret_access_key']}\n"

    invoke("iam", "login", "--target", server.target, "--endpoint", server.url, text=typed)
    invoke("iam", "login", "--target", server.target, "--profile", "far", "--region", "eu-west-1", text=typed)

    folder = home / ".config/cumulo"
    assert server.target in invoke("status").stdout
    assert "X-Amz-Signature" in invoke("object", "presign", "s3://bucket/k").stdout
    assert (
        "%2Feu-west-1%2F"
        in invoke("object", "presign", "s3://b/k", "--endpoint", server.url, "--profile", "far").stdout
    )
    assert key["secret_access_key"] not in (folder / "config.toml").read_text()
    assert stat.S_IMODE((folder / "credentials.toml").stat().st_mode) == 0o600


def test_login_with_a_wrong_secret_keeps_nothing(server: Server, home: Path):
    invoke("iam", "login", "--target", server.target, text=f"{server.credentials['access_key_id']}\nwrong\n", exits=4)

    assert not (home / ".config").exists()


def test_login_without_a_secret_or_under_a_strange_name_is_wrong_usage(home: Path):
    invoke("iam", "login", text="AKIA\n", exits=2)
    invoke("iam", "login", "--profile", "a]b", text="AKIA\nsecret\n", exits=2)


def test_unknown_profile_is_wrong_usage(home: Path):
    assert "no profile none" in invoke("queue", "ls", "--profile", "none", exits=2).stderr


def test_profile_for_aws_leads_boto3_here(home: Path, tmp_path: Path):
    with Server(tmp_path / "data") as server:
        invoke("aws", "configure", "--data", str(server.data))
        session = boto3.Session(profile_name="cumulo")
        s3, sqs = session.client("s3"), session.client("sqs")

        s3.create_bucket(Bucket="from-profile")
        url = s3.generate_presigned_url("get_object", {"Bucket": "from-profile", "Key": "k"})
        sqs.create_queue(QueueName="from-profile")
        s3.close(), sqs.close()

        assert url.startswith(f"{server.url}/from-profile/k?X-Amz-Algorithm=AWS4-HMAC-SHA256")
        with server.client() as client:
            assert [it.name for it in client.queues()] == ["from-profile"]
    assert stat.S_IMODE((home / ".aws/credentials").stat().st_mode) == 0o600


CONFIG = "# mine\n[default]\nregion = eu-west-1\ns3 =\n    max_concurrent_requests = 2\n\n[profile work]\nregion = x\n"
CREDENTIALS = "[default]\naws_access_key_id = AKIAREAL\naws_secret_access_key = real"


def test_other_profiles_lines_stay_as_they_are(server: Server, home: Path, monkeypatch: pytest.MonkeyPatch):
    for name, it in server.environment().items():
        monkeypatch.setenv(name, it)
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(CONFIG)
    (home / ".aws/credentials").write_text(CREDENTIALS)

    invoke("aws", "configure")
    once = (home / ".aws/config").read_text(), (home / ".aws/credentials").read_text()
    invoke("aws", "configure")
    for name in ("default", "work"):
        assert "leads to AWS" in invoke("aws", "configure", "--name", name, exits=1).stderr

    assert ((home / ".aws/config").read_text(), (home / ".aws/credentials").read_text()) == once
    assert once[0].startswith(CONFIG + "\n[profile cumulo]\n")
    assert once[1].startswith(CREDENTIALS + "\n\n[cumulo]\naws_access_key_id = ")


def test_a_section_is_set_anew_with_what_else_stands_in_it():
    text = "[a]\nx = 1\nnested =\n  y = 2\n  z = 3\n# a comment\nkept = 4\n\n[b]\nx = 5\n"

    changed = with_section(text, "a", {"x": "6", "nested": "\n  y = 7"})

    assert changed == "[a]\n# a comment\nkept = 4\nx = 6\nnested = \n  y = 7\n\n[b]\nx = 5\n"
    assert with_section(changed, "a", {"x": "6", "nested": "\n  y = 7"}) == changed
    assert keys_of(changed, "a") == {"kept", "x", "nested"}
    assert keys_of(changed, "c") is None
    parsed = configparser.RawConfigParser()
    parsed.read_string(changed)
    assert parsed["b"]["x"] == "5"
