"""Configuration: precedence, unknown names, bad values."""

import pytest

from cumulo.core import settings


def test_a_flag_beats_a_variable_beats_the_file_beats_the_default(tmp_path):
    (tmp_path / "cumulo.toml").write_text('port = 1\ngrpc_port = 2\nhost = "::1"\n')

    resolved = settings.load({"port": 3}, {"CUMULO_PORT": "4", "CUMULO_GRPC_PORT": "5"}, tmp_path)

    assert (resolved["port"], resolved["grpc_port"], resolved["host"]) == (3, 5, "::1")
    assert resolved["log_level"] == "info"
    assert resolved.origins["port"] == "flag"
    assert resolved.origins["grpc_port"] == "CUMULO_GRPC_PORT"
    assert resolved.origins["host"] == str(tmp_path / "cumulo.toml")


@pytest.mark.parametrize(
    ("flags", "environment", "said"),
    [
        ({}, {"CUMULO_PROT": "1"}, "did you mean CUMULO_PORT?"),
        ({}, {"CUMULO_PORT": "70000"}, "an integer in 0..65535"),
        ({"ephemeral": "perhaps"}, {}, "true or false"),
        ({"log_level": "loud"}, {}, "one of debug, info, warning, error"),
        ({"config": "/nowhere/cumulo.toml"}, {}, "No such file"),
    ],
)
def test_an_unknown_name_or_bad_value_is_refused_with_what_is_allowed(tmp_path, flags, environment, said):
    with pytest.raises(settings.InvalidSetting, match=said.replace("?", r"\?")):
        settings.load(flags, environment, tmp_path)


def test_an_unknown_key_in_the_file_is_refused_with_a_suggestion(tmp_path):
    (tmp_path / "cumulo.toml").write_text("epemeral = true\n")

    with pytest.raises(settings.InvalidSetting, match="did you mean ephemeral"):
        settings.load({}, {}, tmp_path)


def test_a_secret_never_stands_in_the_repr_of_the_settings(tmp_path):
    resolved = settings.load({}, {"CUMULO_SECRET_ACCESS_KEY": "hush"}, tmp_path)

    assert "hush" not in repr(resolved)


def test_a_table_of_the_file_holds_names_of_one_beginning(tmp_path):
    (tmp_path / "cumulo.toml").write_text(
        's3.default_object_ownership = "ObjectWriter"\ns3.default_public_access_block = false\n'
    )

    resolved = settings.load({}, {}, tmp_path)

    assert resolved["s3_default_object_ownership"] == "ObjectWriter"
    assert resolved["s3_default_public_access_block"] is False
