"""Locks of objects by the command line, against a real server."""

import pytest


@pytest.fixture
def bucket(run, name) -> str:
    run("bucket", "mb", name, "--object-lock")
    return f"s3://{name}"


@pytest.fixture
def stored(run, answer, bucket):
    """Store an object and return the options that name its version."""
    run("object", "cp", "-", f"{bucket}/k", text="text")
    return ("--version-id", answer("object", "head", f"{bucket}/k")["version_id"])


def test_retention_is_set_shown_prolonged_and_bypassed(run, answer, bucket, stored):
    what = f"{bucket}/k"
    shown = [answer("object", "retention", what)]

    for year in (2098, 2099):
        options = ("--mode", "governance", "--retain-until", f"{year}-01-01T00:00:00+00:00")
        shown.append(answer("object", "retention", what, *options))

    assert [(it["mode"], (it["until"] or "")[:4]) for it in shown] == [
        (None, ""),
        ("GOVERNANCE", "2098"),
        ("GOVERNANCE", "2099"),
    ]
    run("object", "rm", what, *stored, exits=4)
    run("object", "retention", what, "--clear", exits=4)
    assert answer("object", "retention", what, "--clear", "--bypass-governance", *stored)["mode"] is None
    run("object", "rm", what, *stored)


def test_hold_is_put_on_and_taken_off(run, answer, bucket, stored):
    what = f"{bucket}/k"

    states = [answer("object", "legal-hold", what, *option)["legal_hold"] for option in ((), ("--on",), ())]

    assert states == [False, True, True]
    run("object", "rm", what, *stored, "--bypass-governance", exits=4)
    assert answer("object", "legal-hold", what, "--off", *stored) == {"legal_hold": False}
    run("object", "rm", what, *stored)


def test_what_is_copied_is_locked_by_options(run, answer, bucket, name, tmp_path):
    (tmp_path / "k").write_text("text")
    until = ("--mode", "governance", "--retain-until", "2099-01-01T00:00:00+00:00")

    run("object", "cp", str(tmp_path / "k"), f"{bucket}/k", *until, "--legal-hold")
    run("object", "cp", f"{bucket}/k", f"{bucket}/copy", *until)

    assert answer("object", "head", f"{bucket}/k")["lock"]["legal_hold"] is True
    assert answer("object", "head", f"{bucket}/copy")["lock"]["retention"]["mode"] == "GOVERNANCE"
    run("object", "legal-hold", f"{bucket}/k", "--off")
    run("bucket", "rb", name, "--force", "--yes", exits=1)
    run("bucket", "rb", name, "--force", "--yes", "--bypass-governance")


def test_event_hold_is_put_on_and_released(run, answer, bucket):
    run("object", "cp", "-", f"{bucket}/k", "--mode", "governance", "--event-days", "9", text="text")

    shown = [answer("object", "retention", f"{bucket}/k")]
    shown.append(answer("object", "retention", f"{bucket}/k", "--mode", "governance", "--release"))

    assert [(it["mode"], it["event_hold"]) for it in shown] == [("GOVERNANCE", True), ("GOVERNANCE", False)]
    both = ("--mode", "governance", "--release", "--event-days", "3")
    assert "not both" in run("object", "retention", f"{bucket}/k", *both, exits=2).stderr


def test_default_retention_is_a_configuration_of_the_bucket(run, answer, bucket, name):
    rule = '{"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}'

    run("bucket", "config", name, "object_lock", "--set", "-", text=rule)

    assert '"Days": 1' in run("bucket", "config", name, "object_lock").stdout
    run("object", "cp", "-", f"{bucket}/k", text="text")
    assert answer("object", "retention", f"{bucket}/k")["mode"] == "GOVERNANCE"


def test_options_that_belong_together_are_asked_for(run, bucket, stored):
    for options in (("--mode", "governance"), ("--retain-until", "2099-01-01"), ("--clear", "--mode", "governance")):
        assert "belong together" in run("object", "retention", f"{bucket}/k", *options, exits=2).stderr
