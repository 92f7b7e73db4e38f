"""`cumulo log` against a real server."""

import json
from datetime import UTC, datetime, timedelta


def test_log_is_made_shown_changed_listed_and_removed(run, answer, name):
    made = answer("log", "create", name, "--lanes", "2", "--retention", "60")
    changed = answer("log", "set", name, "--retention-records", "5", "--reset", "retention_s")
    run("log", "append", name, "hello")
    listed = answer("log", "ls", name, "-l")
    shown = run("log", "show", name).stdout
    run("log", "rm", name)

    assert (made["name"], made["lane_count"], made["retention_s"]) == (name, 2, 60)
    assert (changed["retention_s"], changed["retention_records"]) == (604_800, 5)
    assert [(it["name"], it["next_position"]) for it in listed] == [(name, 1)]
    assert f"arn:aws:sqs:us-east-1:000000000000:log/{name}" in shown
    assert "LogDoesNotExist" in run("log", "show", name, exits=3).stderr
    assert answer("log", "ls", name) == []


def test_records_are_appended_and_read_from_anywhere(run, answer, name, tmp_path):
    (tmp_path / "body").write_bytes(b"\xff\0")
    run("log", "create", name)

    appended = answer("log", "append", name, "hello", "--key", "k", "-a", "colour=blue")
    run("log", "append", name, "--file", str(tmp_path / "body"))
    run("log", "append", name, "--lines", text="one\ntwo\n")
    read = answer("log", "read", name)

    assert (appended["first_position"], appended["count"]) == (0, 1)
    assert [(it["position"], it["body"], it["body_encoding"]) for it in read] == [
        (0, "hello", "utf-8"),
        (1, "/wA=", "base64"),
        (2, "one", "utf-8"),
        (3, "two", "utf-8"),
    ]
    assert (read[0]["key"], read[0]["attributes"]) == ("k", {"colour": "blue"})
    before = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    for where, expected in (("2", ["one", "two"]), ("end", []), (before, ["hello", "/wA=", "one", "two"])):
        assert [it["body"] for it in answer("log", "read", name, "--from", where)] == expected
    assert run("log", "read", name, "--from", "2", "--raw").stdout == "one\ntwo\n"
    assert "hello" in run("log", "read", name, "-n", "1").stdout
    run("log", "append", name, "x", "--expected-position", "1", exits=5)


def test_tail_shows_each_record_as_it_comes(run, name):
    run("log", "create", name)
    run("log", "append", name, "--lines", text="one\ntwo\nthree\n")

    lines = run("log", "tail", name, "--from", "1", "-n", "2", "-o", "jsonl").stdout.splitlines()
    table = run("log", "tail", name, "--from", "oldest", "--idle", "0").stdout.splitlines()

    assert [json.loads(line)["body"] for line in lines] == ["two", "three"]
    assert [line.split()[-1] for line in table] == ["one", "two", "three"]
    assert run("log", "tail", name, "--idle", "0").stdout == ""


def test_a_group_consumes_commits_is_sought_and_forgotten(run, answer, name):
    run("log", "create", name, "--lanes", "2")
    run("log", "append", name, "--lines", text="one\ntwo\nthree\n")

    first = run("log", "consume", name, "g", "-n", "2", "--raw").stdout.split()
    rest = run("log", "consume", name, "g", "--idle", "0", "--raw").stdout.split()
    assert sorted(first + rest) == ["one", "three", "two"]
    (group,) = answer("log", "groups", name)
    assert (group["name"], group["lag"], group["member_count"]) == ("g", 0, 0)

    run("log", "seek", name, "g", "--from", "1")
    assert [(it["lane"], it["lag"]) for it in answer("log", "groups", name, "-l")] == [(0, 1), (1, 1)]
    assert "LAG" in run("log", "groups", name).stdout
    run("log", "groups", name, "--rm", "g")
    assert answer("log", "groups", name) == []


def test_wrong_usage_is_told(run, name):
    assert "BODY, --file or --lines" in run("log", "append", name, exits=2).stderr
    assert "is none of" in run("log", "read", name, "--from", "yesterday", exits=2).stderr
    assert "at least one attribute" in run("log", "set", name, exits=2).stderr
    assert "not for --lines" in run("log", "append", name, "--lines", "--expected-position", "1", exits=2).stderr
