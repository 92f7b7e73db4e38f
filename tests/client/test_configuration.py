"""Where a client finds server and key: precedence, mistyped names, and no secret in a `repr`."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cumulo.client import Client, errors, model
from cumulo.client.configuration import configure
from cumulo.core.settings import InvalidSetting

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OWN = {"CUMULO_TARGET": "host:1", "CUMULO_ACCESS_KEY_ID": "own-id", "CUMULO_SECRET_ACCESS_KEY": "own-secret"}
AWS = {"AWS_ACCESS_KEY_ID": "aws-id", "AWS_SECRET_ACCESS_KEY": "aws-secret", "AWS_REGION": "eu-west-1"}


@pytest.mark.parametrize(
    ("given", "environment", "expected"),
    [
        ({}, AWS, ("127.0.0.1:4567", "eu-west-1", "aws-id", "aws-secret")),
        ({}, OWN | AWS, ("host:1", "eu-west-1", "own-id", "own-secret")),
        ({}, OWN | AWS | {"CUMULO_REGION": "r-1"}, ("host:1", "r-1", "own-id", "own-secret")),
        ({"target": "there:2", "region": "r-2"}, OWN | AWS, ("there:2", "r-2", "own-id", "own-secret")),
        ({"access_key_id": "a", "secret_access_key": "b"}, OWN, ("host:1", "us-east-1", "a", "b")),
    ],
)
def test_arguments_win_over_own_variables_and_those_over_aws_ones(tmp_path: Path, given, environment, expected):
    made = configure(**given, environment=environment, directory=tmp_path)

    assert (made.target, made.region, made.access_key_id, made.secret_access_key) == expected


def test_file_stands_between_variables_and_defaults(tmp_path: Path):
    (tmp_path / "cumulo.toml").write_text('target = "file:3"\nregion = "r-file"\n')

    made = configure(environment=AWS | {"CUMULO_REGION": "r-variable"}, directory=tmp_path)

    assert (made.target, made.region) == ("file:3", "r-variable")


def test_key_halves_of_two_places_are_no_key(tmp_path: Path):
    with pytest.raises(errors.Unauthenticated, match="no access key"):
        configure(environment={"CUMULO_ACCESS_KEY_ID": "own-id"} | AWS, directory=tmp_path)


def test_no_key_says_what_to_do(tmp_path: Path):
    with pytest.raises(errors.Unauthenticated, match=r"cumulo env"):
        configure(environment={"HOME": str(tmp_path)}, directory=tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has two profiles."""
    folder = tmp_path / "xdg/cumulo"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(
        '[default]\ntarget = "default:1"\naccess_key_id = "default-id"\n'
        '[far]\ntarget = "far:2"\nurl = "https://far"\nregion = "r-far"\naccess_key_id = "far-id"\n'
    )
    credentials = folder / "credentials.toml"
    credentials.write_text('[default]\nsecret_access_key = "default-secret"\n[far]\nsecret_access_key = "far-secret"\n')
    credentials.chmod(0o600)
    return {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}


@pytest.mark.parametrize(
    ("given", "environment", "expected"),
    [
        ({}, {}, ("default:1", "", "us-east-1", "default-id")),
        ({}, AWS, ("default:1", "", "eu-west-1", "default-id")),
        ({}, AWS | {"CUMULO_TARGET": "host:1"}, ("host:1", "", "eu-west-1", "aws-id")),
        ({}, OWN, ("host:1", "", "us-east-1", "own-id")),
        ({"profile": "far"}, OWN, ("far:2", "https://far", "r-far", "far-id")),
        ({}, OWN | {"CUMULO_PROFILE": "far"}, ("far:2", "https://far", "r-far", "far-id")),
        ({"profile": "far", "target": "here:3", "region": "r"}, OWN, ("here:3", "https://far", "r", "far-id")),
        (
            {"profile": "far", "access_key_id": "a", "secret_access_key": "b"},
            {},
            ("far:2", "https://far", "r-far", "a"),
        ),
        ({}, OWN | {"AWS_ENDPOINT_URL": "http://h:1"}, ("host:1", "http://h:1", "us-east-1", "own-id")),
    ],
)
def test_named_profile_wins_over_variables_and_default_where_nothing_is_said(
    tmp_path: Path, home, given, environment, expected
):
    made = configure(**given, environment=home | environment, directory=tmp_path)

    assert (made.target, made.url, made.region, made.access_key_id) == expected


def test_profile_that_does_not_exist_is_an_error(tmp_path: Path, home):
    with pytest.raises(InvalidSetting, match="no profile none"):
        configure(profile="none", environment=home | OWN, directory=tmp_path)


def test_credentials_that_others_may_read_are_refused(tmp_path: Path, home):
    (tmp_path / "xdg/cumulo/credentials.toml").chmod(0o644)

    with pytest.raises(InvalidSetting, match="chmod 600"):
        configure(environment=home, directory=tmp_path)


@pytest.mark.parametrize("text", ["[far", '[far]\ntargte = "x"', "[far]\ntarget = 1", "far = 1"])
def test_profile_that_cannot_be_read_is_an_error(tmp_path: Path, home, text: str):
    (tmp_path / "xdg/cumulo/config.toml").write_text(text)

    with pytest.raises(InvalidSetting, match=r"config\.toml"):
        configure(profile="far", environment=home, directory=tmp_path)


def test_mistyped_variable_is_an_error_with_a_suggestion(tmp_path: Path):
    with pytest.raises(InvalidSetting, match="CUMULO_TARGET"):
        configure(environment=AWS | {"CUMULO_TARGTE": "x"}, directory=tmp_path)


def test_no_secret_stands_in_a_repr(tmp_path: Path):
    configuration = configure(environment=OWN, directory=tmp_path)
    client = Client("host:1", access_key_id="own-id", secret_access_key="own-secret")
    key = model.NewAccessKey(access_key_id="own-id", secret_access_key="own-secret", user="u", created=NOW)
    token = model.Token(token="own-secret", token_id="t", expires=NOW)

    shown = [repr(it) for it in (configuration, client, key, token)]

    assert not [it for it in shown if "own-secret" in it]
    assert "own-id" in shown[0]
