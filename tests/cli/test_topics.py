"""`cumulo topic` against a real server."""

import json


def test_topic_is_made_shown_changed_listed_and_removed(run, answer, name):
    made = answer("topic", "create", name, "--keep", "60", "-a", "DisplayName=News", "--tag", "team=press")
    changed = answer("topic", "set", name, "--keep", "0", "-a", "DisplayName=")
    shown = run("topic", "show", name).stdout

    assert (made["name"], made["arn"]) == (name, f"arn:aws:sns:us-east-1:000000000000:{name}")
    assert (changed["keep_s"], changed["attributes"]) == (0, {})
    assert f"topics/{name}" in shown
    assert name in [it["name"] for it in answer("topic", "ls")]
    run("topic", "rm", name)
    assert "NotFound" in run("topic", "show", name, exits=3).stderr


def test_published_messages_are_tailed_out_of_a_subscription(run, answer, name):
    run("topic", "create", name)
    made = answer("topic", "subscribe", name, "s", "--filter", '{"kind": ["a"]}', "--ack-deadline", "5")
    published = answer("topic", "publish", name, "hello", "-a", "kind=a", "--subject", "Hi")
    run("topic", "publish", name, "other", "-a", "kind=b")
    run("topic", "publish", name, "--lines", "-a", "kind=a", text="one\ntwo\n")

    waiting = answer("topic", "subscriptions", name, "-l")
    first = json.loads(run("topic", "tail", name, "--subscription", "s", "-n", "1", "-o", "jsonl").stdout)
    rest = run("topic", "tail", name, "--subscription", "s", "--idle", "0.3", "--raw").stdout

    assert (made["name"], made["ack_deadline_s"]) == ("s", 5)
    assert [(it["name"], it["message_count"]) for it in waiting] == [("s", 3)]
    assert (first["id"], first["body"]) == (published["message_id"], "hello")
    assert first["attributes"] == {"kind": "a", "AWS.SNS.Subject": "Hi"}
    assert rest == "one\ntwo\n"
    assert answer("topic", "subscriptions", name, "-l")[0]["in_flight_count"] == 0
    run("topic", "rm", name, "s")
    assert answer("topic", "subscriptions", name) == []


def test_messages_become_jobs_by_a_template(run, answer, name, tmp_path):
    template = {"queue": name, "name": "greet", "command": ["echo", "{message}"]}
    file = tmp_path / "job.json"
    file.write_text(json.dumps(template))
    run("queue", "create", name)
    run("topic", "create", name)

    made = answer("topic", "subscribe", name, "greeter", "--job", str(file))
    run("topic", "publish", name, "hello")
    received = answer("queue", "recv", name, "--wait", "10")

    assert (made["protocol"], json.loads(made["job"])) == ("job", template)
    (listed,) = answer("topic", "subscriptions", name)
    assert (listed["name"], listed["protocol"], json.loads(listed["job"])) == ("greeter", "job", template)
    (job,) = answer("job", "ls", "--queue", name)
    assert job["spec"]["command"] == ["echo", "hello"]
    assert job["id"] in json.dumps(received)
    assert "ClientException" in run("topic", "subscribe", name, "other", "--job", "-", text="{", exits=1).stderr
    run("topic", "rm", name, "greeter")
    assert answer("topic", "subscriptions", name) == []


def test_tail_without_a_subscription_ends_its_own(run, answer, name):
    run("topic", "create", name)

    assert run("topic", "tail", name, "--idle", "0.1").stdout == ""

    assert answer("topic", "subscriptions", name) == []


def test_subscription_is_sought_back(run, answer, name):
    run("topic", "create", name, "--keep", "600")
    run("topic", "subscribe", name, "s")
    run("topic", "snapshot", name, "s", "start")
    run("topic", "publish", name, "hello")
    tail = ("topic", "tail", name, "--subscription", "s", "--idle", "0.3", "--raw")

    assert run(*tail).stdout == "hello\n"
    for where in ("snapshot:start", "2020-01-01T00:00Z"):
        run("topic", "seek", name, "s", "--to", where)
        assert run(*tail).stdout == "hello\n"
    run("topic", "seek", name, "s", "--to", "2020-01-01T00:00Z")
    run("topic", "seek", name, "s", "--to", "end")
    assert run(*tail).stdout == ""
    assert [it["message_count"] for it in answer("topic", "snapshots", name)] == [1]
    run("topic", "snapshots", name, "--rm", "start")
    assert answer("topic", "snapshots", name) == []
    run("topic", "seek", name, "s", "--to", "yesterday", exits=2)
