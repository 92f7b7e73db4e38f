"""What a person or a script sees when a command fails, and what the command line costs to load."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cumulo.cli.main import cli
from cumulo.cli.output import cell, yaml_of
from cumulo.testing import Server

NOBODY = {"CUMULO_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST", "CUMULO_SECRET_ACCESS_KEY": "s"}


def test_denial_is_one_line_with_its_explanation(run, answer, name):
    run("iam", "user", "create", name)
    key = answer("iam", "key", "create", name)
    own = {"CUMULO_ACCESS_KEY_ID": key["access_key_id"], "CUMULO_SECRET_ACCESS_KEY": key["secret_access_key"]}

    text = run("queue", "send", "jobs", "a", exits=4, **own).stderr
    fields = json.loads(run("queue", "send", "jobs", "a", "-o", "json", exits=4, **own).stderr)["error"]

    assert text.count("\n") == 1
    assert text.startswith("cumulo: AccessDenied: ")
    assert "sqs:SendMessage" in text
    assert (fields["code"], fields["action"]) == ("AccessDenied", "sqs:SendMessage")
    assert fields["resource"].endswith(":jobs")
    assert fields["request_id"]


def test_wrong_credentials_are_denied(run):
    assert "InvalidClientTokenId" in run("iam", "whoami", exits=4, **NOBODY).stderr


def test_no_server_is_exit_6(run):
    result = run("status", exits=6, CUMULO_TARGET="127.0.0.1:1")

    assert result.stderr.startswith("cumulo: no server answers: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("queue", "send", "jobs"),
        ("queue", "create", "jobs", "--max-receive-count", "3"),
        ("object", "cp", "a", "b"),
        ("object", "head", "s3://bucket"),
        ("iam", "policy", "attach", "p"),
        ("job", "submit", "--memory", "lots", "--", "true"),
        ("queue", "nosuch"),
        ("queue", "ls", "-o", "xml"),
    ],
)
def test_wrong_usage_is_exit_2(run, arguments):
    run(*arguments, exits=2)


def test_mistyped_variable_is_exit_2_with_a_suggestion(run):
    assert "CUMULO_TARGET" in run("queue", "ls", exits=2, CUMULO_TARGTE="x").stderr


def test_missing_key_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for variable in list(os.environ):
        if variable.startswith(("CUMULO_", "AWS_")):
            monkeypatch.delenv(variable)

    result = CliRunner().invoke(cli, ["queue", "ls"])

    assert result.exit_code == 4
    assert "cumulo env" in result.stderr


def test_refused_argument_is_exit_1(run, name):
    assert "cumulo: " in run("queue", "create", "no spaces!", exits=1).stderr


def test_control_characters_do_not_reach_the_terminal(run, name):
    run("queue", "create", name)
    run("queue", "send", name, "\x1b[2Jgone")

    shown = run("queue", "recv", name).stdout

    assert "\x1b" not in shown
    assert "\\x1b[2Jgone" in shown


def test_long_cells_are_cut_and_yaml_is_quoted():
    assert len(cell("x" * 500)) == 80
    assert yaml_of({"a": [1, {"b": "x: y"}], "c": {}}) == '"a":\n  - 1\n  -\n    "b": "x: y"\n"c": {}\n'


def environment_of(output: str) -> dict[str, str]:
    script = output + '\nenv | grep -E "^(AWS|CUMULO)_"'
    made = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, env={})
    return dict(line.split("=", 1) for line in made.stdout.splitlines())


def test_env_prints_what_a_shell_needs(tmp_path: Path):
    with Server(tmp_path / "it's data") as server:
        printed = CliRunner().invoke(cli, ["env", "--data", str(server.data)])
        made = environment_of(printed.stdout)
        root = server.credentials

    assert made == {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": root["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": root["secret_access_key"],
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "CUMULO_TARGET": server.target,
    }


def test_env_without_a_server_is_exit_6(tmp_path: Path):
    with Server(tmp_path) as server:
        server.kill()

    for folder in (tmp_path, tmp_path / "none"):
        result = CliRunner().invoke(cli, ["env", "--data", str(folder)])
        assert (result.exit_code, result.stdout) == (6, "")
        assert "cumulo serve" in result.stderr


def test_settings_are_shown_without_secrets(run):
    shown = run("config", "show", "--origin").stdout

    assert re.search(r"^secret_access_key +\(set\) +CUMULO_SECRET_ACCESS_KEY$", shown, re.MULTILINE)
    assert "ok: 3 settings" in run("config", "check").stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_is_printed(run, shell):
    assert "_CUMULO_COMPLETE" in run("completion", shell).stdout


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("object s", "plain,sync"),
        ("object sync --del", "plain,--delete"),
        ("iam lo", "plain,login"),
        ("aws conf", "plain,configure"),
        ("terraform ", "plain,init"),
        ("queue watch --int", "plain,--interval"),
        ("job ls --wa", "plain,--watch"),
        ("object presign --method P", "plain,PUT"),
    ],
)
def test_words_are_completed(typed, completed):
    words = f"cumulo {typed}"
    asked = {"_CUMULO_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}

    shown = CliRunner().invoke(cli, [], env=asked, prog_name="cumulo").stdout

    assert completed in shown.splitlines()


def test_version_is_shown(run):
    assert run("version").stdout == run("--version").stdout
    assert run("version").stdout.startswith("cumulo ")


MACHINE_SPREAD = 2
"""Machines differ by this factor; 150 ms is meant for a common one."""
HELP = """
import sys
from cumulo.cli.main import cli
cli.add_lazy("serve", "nowhere:nothing", "Run the server.")
try:
    cli(["--help"], prog_name="cumulo")
finally:
    print(*(name for name in sys.modules if name.split(".")[0] in ("grpc", "google", "msgspec")), file=sys.stderr)
    print(*(name for name in sys.modules if name.startswith("cumulo.")), file=sys.stderr)
"""


def test_help_names_every_command_and_loads_none():
    shown = subprocess.run([sys.executable, "-P", "-c", HELP], capture_output=True, text=True, check=True)

    assert all(it in shown.stdout for it in ("queue", "bucket", "object", "iam", "job", "env", "serve"))
    foreign, own = shown.stderr.splitlines()
    assert foreign == ""
    assert set(own.split()) == {"cumulo.cli", "cumulo.cli.main", "cumulo.cli.lazy_group"}


def test_help_takes_less_than_150_ms_of_processor_time():
    taken = []
    for _ in range(5):
        before = os.times()
        subprocess.run([sys.executable, "-P", "-c", HELP], capture_output=True, check=True)
        after = os.times()
        taken.append(after.children_user + after.children_system - before.children_user - before.children_system)

    assert min(taken) < 0.15 * MACHINE_SPREAD


def every_command(group, path=()):
    import click

    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from every_command(command, (*path, name))
        else:
            yield (*path, name), command


def test_every_leaf_has_a_form_a_target_and_a_summary():
    leaves = dict(every_command(cli))

    assert len(leaves) > 70
    for path, command in leaves.items():
        options = {option for parameter in command.params for option in parameter.opts}
        assert command.help, path
        assert path == ("completion",) or {"--output", "--target", "--profile", "--quiet"} <= options, path
