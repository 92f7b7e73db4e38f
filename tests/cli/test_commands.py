"""The commands against a real server: what each does, and what it prints in each form."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest


def test_queue_is_made_shown_changed_listed_and_removed(run, answer, name):
    made = answer("queue", "create", name, "--visibility-timeout", "5")
    changed = answer("queue", "set", name, "--delay", "3", "--reset", "visibility_timeout_s")
    listed = answer("queue", "ls", name, "-l")
    shown = run("queue", "show", name).stdout
    run("queue", "rm", name)

    assert (made["name"], made["visibility_timeout_s"]) == (name, 5)
    assert (changed["delay_s"], changed["visibility_timeout_s"]) == (3, 30)
    assert [(it["name"], it["message_count"]) for it in listed] == [(name, 0)]
    assert re.search(rf"^arn +arn:aws:sqs:us-east-1:000000000000:{name}$", shown, re.MULTILINE)
    assert "QueueDoesNotExist" in run("queue", "show", name, exits=3).stderr


def test_tags_and_permissions_of_a_queue_are_written_and_shown(run, answer, name):
    run("queue", "create", name, "--tag", "team=a", "--tag", "stage=test")
    run("queue", "tag", name, "team=b", "cost=low")
    run("queue", "untag", name, "stage")
    run("queue", "permission", "add", name, "others", "--account", "111111111111", "--action", "SendMessage")
    shared = run("queue", "policy", name).stdout
    run("queue", "permission", "rm", name, "others")

    assert answer("queue", "tags", name) == [{"key": "cost", "value": "low"}, {"key": "team", "value": "b"}]
    assert '"Sid": "others"' in shared.replace('":"', '": "')
    assert "others" not in run("queue", "policy", name).stdout
    assert "KEY=VALUE" in run("queue", "tag", name, exits=2).stderr


def test_dead_letters_are_moved_back_listed_and_their_task_cancelled(run, answer, name):
    run("queue", "create", name, "--redrive-allow-policy", '{"redrivePermission":"allowAll"}')
    run("queue", "create", f"{name}-of", "--dead-letter-queue", name, "--max-receive-count", "1")
    for body in ("a", "b"):
        run("queue", "send", f"{name}-of", body, "--trace-header", "Root=1")
    for _ in range(2):
        run("queue", "recv", f"{name}-of", "-n", "2", "--visibility-timeout", "0")
    (dead, _) = answer("queue", "peek", name)

    started = answer("queue", "redrive", "start", name, "--rate", "1")
    listed = answer("queue", "redrive", "ls", name)
    cancelled = answer("queue", "redrive", "cancel", name, started["task_id"])

    assert dead["trace_header"] == "Root=1"
    assert dead["dead_letter_source_arn"].endswith(f"{name}-of")
    assert [it["name"] for it in answer("queue", "sources", name)] == [f"{name}-of"]
    assert [(it["task_id"], it["status"]) for it in listed] == [(started["task_id"], "RUNNING")]
    assert cancelled["status"] == "CANCELLED"


def test_largest_and_oldest_queues_are_shown_first(answer, name):
    for number, messages in enumerate((1, 3, 2)):
        answer("queue", "create", f"{name}-{number}")
        for _ in range(messages):
            answer("queue", "send", f"{name}-{number}", "x")

    by_messages = answer("queue", "top", name, "-n", "2")
    by_age = answer("queue", "top", name, "--by", "age")

    assert [(it["name"], it["message_count"]) for it in by_messages] == [(f"{name}-1", 3), (f"{name}-2", 2)]
    assert by_age[0]["oldest_age_s"] >= by_age[2]["oldest_age_s"]


def test_message_is_sent_received_and_deleted(run, answer, name, tmp_path: Path):
    (tmp_path / "body").write_bytes(b"\xff\0")
    run("queue", "create", name)

    sent = answer("queue", "send", name, "hello", "-a", "colour=blue")
    run("queue", "send", name, "--file", str(tmp_path / "body"))
    run("queue", "send", name, "--lines", text="one\ntwo\n")
    received = answer("queue", "recv", name, "-n", "10", "--delete")

    assert received[0]["id"] == sent["message_id"]
    assert [(it["body"], it["body_encoding"]) for it in received] == [
        ("hello", "utf-8"),
        ("/wA=", "base64"),
        ("one", "utf-8"),
        ("two", "utf-8"),
    ]
    assert received[0]["attributes"] == {"colour": "blue"}
    assert answer("queue", "show", name)["in_flight_count"] == 0


def test_received_message_is_acknowledged_by_its_handle(run, answer, name):
    run("queue", "create", name)
    run("queue", "send", name, "hello")
    (message,) = answer("queue", "recv", name)

    run("queue", "ack", name, message["receipt_handle"])

    assert answer("queue", "show", name)["in_flight_count"] == 0


def test_request_shows_the_reply_of_whoever_receives_it(run, answer, name, server):
    run("queue", "create", name)
    asked = []

    def reply_to_two() -> None:
        with server.client() as client:
            for _ in range(2):
                (message,) = client.queue(name).receive_batch(20, 1)
                asked.append((message.priority, message.group))
                message.reply(message.text.upper(), attributes={"n": 1})
                message.delete()

    with ThreadPoolExecutor(1) as pool:
        replying = pool.submit(reply_to_two)
        shown = answer("queue", "request", name, "hello", "-a", "colour=blue", "--priority", "8", "--group", "g")
        raw = run("queue", "request", name, "again", "--raw").stdout
        replying.result()
    late = run("queue", "request", name, "?", "--timeout", "0.2", exits=1)

    assert (shown["body"], shown["body_encoding"], shown["attributes"]) == ("HELLO", "utf-8", {"n": 1})
    assert raw == "AGAIN"
    assert asked == [(8, "g"), (4, "")]
    assert "no reply came within 0.2 s" in late.stderr


def test_queue_that_ends_by_itself_is_made_and_kept_after_all(answer, name):
    made = answer("queue", "create", name, "--expire-after-idle", "600")
    kept = answer("queue", "set", name, "--expire-after-idle", "0")

    assert (made["expire_after_idle_s"], kept["expire_after_idle_s"]) == (600, None)


def test_messages_are_looked_at_and_not_taken(run, answer, name):
    run("queue", "create", name)
    run("queue", "send", name, "--lines", text="one\ntwo\nthree\n")

    shown = answer("queue", "peek", name, "-n", "2")
    rest = answer("queue", "peek", name, "--after", str(shown[1]["position"]))

    assert [it["body"] for it in shown + rest] == ["one", "two", "three"]
    assert answer("queue", "show", name)["message_count"] == 3


def test_groups_of_a_standard_queue_are_sent_and_shown_where_there_are_any(run, answer, name):
    run("queue", "create", name)
    run("queue", "send", name, "a", "--group", "tenant-1")

    shown = answer("queue", "show", name)
    table = run("queue", "peek", name, "-o", "table").stdout
    (message,) = answer("queue", "recv", name)

    assert shown["fairness"] == {
        "noisy_groups": 0,
        "message_count": 1,
        "in_flight_count": 0,
        "delayed_count": 0,
        "oldest_age_s": 0,
    }
    assert "GROUP" in table.upper()
    assert "tenant-1" in table
    assert message["group"] == "tenant-1"


def test_priorities_are_sent_and_shown_where_they_differ(run, answer, name):
    run("queue", "create", name)
    run("queue", "send", name, "daily")
    plain = run("queue", "peek", name).stdout
    run("queue", "send", name, "fire", "--priority", "9")
    run("queue", "send", name, "--lines", "--priority", "7", text="smoke\n")

    mixed = run("queue", "peek", name).stdout
    received = answer("queue", "recv", name, "-n", "5")

    assert ("PRIORITY" in plain, "PRIORITY" in mixed) == (False, True)
    assert [(it["body"], it["priority"]) for it in received] == [("fire", 9), ("smoke", 7), ("daily", 4)]
    assert "priority" in run("queue", "send", name, "a", "--priority", "10", exits=1).stderr


def test_messages_are_shown_by_id_with_their_states(run, answer, name):
    run("queue", "create", name)
    ids = [
        answer("queue", "send", name, body, *more)["message_id"] for body, more in (("a", ()), ("b", ("--delay", "60")))
    ]
    plain = run("queue", "peek", name, "--id", ids[0]).stdout
    run("queue", "recv", name)

    shown = answer("queue", "peek", name, "-n", "1", "--id", ids[0], "--id", ids[1])
    table = run("queue", "peek", name).stdout

    assert [(it["id"], it["state"], it["receive_count"]) for it in shown] == [
        (ids[0], "IN_FLIGHT", 1),
        (ids[1], "DELAYED", 0),
    ]
    assert ("DUE" in plain, "DUE" in table) == (False, True)
    assert answer("queue", "peek", name, "--id", "nobody") == []


def test_dead_letters_are_shown_with_their_reasons(run, answer, name):
    run("queue", "create", f"{name}-dead")
    run("queue", "create", name, "--dead-letter-queue", f"{name}-dead", "--max-receive-count", "1")
    run("queue", "send", name, "failed")
    run("queue", "send", f"{name}-dead", "sent there")
    for _ in range(2):
        run("queue", "recv", name, "--visibility-timeout", "0")

    table = run("queue", "dead-letters", f"{name}-dead").stdout
    sent, failed = answer("queue", "dead-letters", f"{name}-dead")

    assert "received 1 times of 1" in table
    assert (failed["body"], failed["source"], failed["history"][0]["max_receive_count"]) == ("failed", name, 1)
    assert failed["first_received"] <= failed["last_received"] <= failed["moved"]
    assert (sent["source"], sent["reason"], sent["history"]) == ("", "", [])


def test_messages_are_moved_by_their_ids(run, answer, name):
    run("queue", "create", name)
    run("queue", "create", f"{name}-other")
    ids = [answer("queue", "send", name, body)["message_id"] for body in ("a", "b", "c")]

    moved = answer("queue", "move", name, ids[0], ids[2], "--to", f"{name}-other")

    assert moved == {"moved": 2, "to": f"{name}-other"}
    there = answer("queue", "peek", f"{name}-other")
    assert [(it["id"], it["body"], it["history"][0]["reason"]) for it in there] == [
        (ids[0], "a", "SELECTED"),
        (ids[2], "c", "SELECTED"),
    ]
    assert [it["body"] for it in answer("queue", "peek", name)] == ["b"]
    assert "1 message is in" in run("queue", "move", name, ids[1], "--to", f"{name}-other").stdout
    assert "no message of this id" in run("queue", "move", name, ids[0], "--to", f"{name}-other", exits=1).stderr


def test_message_is_scheduled_for_a_time(run, answer, name):
    run("queue", "create", name)
    later = datetime.now(UTC) + timedelta(days=30)

    run("queue", "send", name, "later", "--at", later.isoformat())
    run("queue", "send", name, "later", "--at", f"{later:%Y-%m-%d}")
    run("queue", "send", name, "now", "--at", "2020-01-31T08:00Z")

    shown = answer("queue", "show", name)
    assert (shown["message_count"], shown["delayed_count"]) == (1, 2)
    assert "2030-01-31T08:00" in run("queue", "send", name, "a", "--at", "tomorrow", exits=2).stderr
    assert "not both" in run("queue", "send", name, "a", "--at", "2030-01-01", "--delay", "1", exits=2).stderr


def test_fifo_queue_is_made_with_its_attributes_and_changed(run, answer, name):
    options = ("--fifo-content-based-deduplication", "--fifo-deduplication-scope", "messageGroup")

    made = answer("queue", "create", f"{name}.fifo", *options, "--fifo-throughput-limit", "perMessageGroupId")
    changed = answer("queue", "set", f"{name}.fifo", "--no-fifo-content-based-deduplication")
    plain = answer("queue", "create", name)

    names = ("content_based_deduplication", "deduplication_scope", "fifo_throughput_limit")
    assert [made[it] for it in names] == [True, "messageGroup", "perMessageGroupId"]
    assert [changed[it] for it in names] == [False, "messageGroup", "perMessageGroupId"]
    assert [plain[it] for it in names] == [None, None, None]
    assert "perQueue" in run("queue", "create", f"{name}.fifo", "--fifo-throughput-limit", "none", exits=2).stderr


def test_messages_of_a_group_are_sent_once_and_shown_with_their_numbers(run, answer, name):
    queue = answer("queue", "create", f"{name}.fifo", "--fifo-content-based-deduplication")["name"]

    first = answer("queue", "send", queue, "one", "--group", "g", "--dedup-id", "d")
    again = answer("queue", "send", queue, "other", "--group", "g", "--dedup-id", "d")
    run("queue", "send", queue, "--lines", "--group", "h", text="two\nthree\n")
    peeked = answer("queue", "peek", queue)
    peeked_table = run("queue", "peek", queue).stdout
    received_table = run("queue", "recv", queue, "--visibility-timeout", "0").stdout
    received = answer("queue", "recv", queue, "-n", "10")

    assert [again[it] for it in ("message_id", "sequence_number")] == [first["message_id"], first["sequence_number"]]
    assert (peeked[0]["deduplication_id"], peeked[0]["sequence_number"]) == ("d", first["sequence_number"])
    assert [(it["group"], it["body"]) for it in peeked] == [("g", "one"), ("h", "two"), ("h", "three")]
    assert peeked_table.split()[:3] == ["POSITION", "GROUP", "SEQUENCE"]
    assert received_table.split()[:4] == ["ID", "GROUP", "SEQUENCE", "NUMBER"]
    assert first["sequence_number"] in received_table
    numbers = [it["sequence_number"] for it in received]
    assert sorted((it["group"], it["body"]) for it in received) == [("g", "one"), ("h", "three"), ("h", "two")]
    assert sorted(numbers) == [it["sequence_number"] for it in peeked]


def test_message_for_a_fifo_queue_needs_its_group_and_one_id_is_for_one_message(run, name):
    run("queue", "create", f"{name}.fifo")

    assert "MissingParameter" in run("queue", "send", f"{name}.fifo", "a", exits=1).stderr
    assert "--lines" in run("queue", "send", f"{name}.fifo", "--lines", "--dedup-id", "d", exits=2, text="").stderr


def test_bodies_are_written_raw(run, name):
    run("queue", "create", name)
    run("queue", "send", name, "--lines", text="one\ntwo\n")

    assert run("queue", "recv", name, "-n", "5", "--raw", "--delete").stdout == "one\ntwo\n"


def test_messages_are_sent_to_several_queues_in_one_commit_or_to_none(run, answer, name, tmp_path):
    for queue in (name, f"{name}.fifo"):
        run("queue", "create", queue)
    file = tmp_path / "messages.jsonl"
    messages = [
        {"queue": name, "body": {"order": 7}, "priority": 9, "attributes": {"kind": "order"}},
        {"queue": f"{name}.fifo", "body": "paid", "group": "7", "deduplication_id": "p7"},
    ]
    lines = [json.dumps(message) for message in messages]
    file.write_text("\n".join(lines) + "\n\n")

    sent = answer("queue", "send-all", str(file))
    refused = run("queue", "send-all", "-", text="\n".join([*lines, '{"queue": "none-such", "body": ""}']), exits=3)

    assert [it["queue"] for it in sent] == [name, f"{name}.fifo"]
    assert sent[1]["sequence_number"]
    assert "QueueDoesNotExist" in refused.stderr
    (peeked,) = answer("queue", "peek", name)
    assert (peeked["id"], peeked["priority"]) == (sent[0]["message_id"], 9)
    assert len(answer("queue", "peek", f"{name}.fifo")) == 1


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "line 1: it is no JSON"),
        ('{"body": "x"}', "line 1: an object with"),
        ('{"queue": "q", "body": "x", "colour": "red"}', "line 1: colour is none of queue, body"),
        ('{"queue": "q", "body": "x", "delay": "1"}', "line 1: delay is a whole number"),
        ('{"queue": "q", "body": "x", "attributes": {"a": 1}}', "line 1: attributes are texts by names"),
        ("", "has 0 messages; one transaction sends 1 to 100"),
        ('{"queue": "q", "body": "x"}\n' * 101, "has 101 messages; one transaction sends 1 to 100"),
    ],
)
def test_wrong_messages_are_refused_before_anything_is_sent(run, line, says):
    assert says in " ".join(run("queue", "send-all", "-", text=line, exits=2).stderr.replace("│", " ").split())


def test_queue_is_purged(run, answer, name):
    run("queue", "create", name)
    run("queue", "send", name, "hello")

    run("queue", "purge", name)

    assert answer("queue", "show", name)["message_count"] == 0


def test_policies_of_queue_and_bucket_are_written_and_removed(run, name):
    for kind, make, resource in (
        ("queue", "create", f"arn:aws:sqs:us-east-1:000000000000:{name}"),
        ("bucket", "mb", f"arn:aws:s3:::{name}"),
    ):
        action = {"queue": "sqs:SendMessage", "bucket": "s3:ListBucket"}[kind]
        root = {"AWS": "arn:aws:iam::000000000000:root"}
        statement = {"Effect": "Allow", "Principal": root, "Action": action, "Resource": resource}
        run(kind, make, name)

        run(kind, "policy", name, "--set", "-", text=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
        text = run(kind, "policy", name).stdout
        run(kind, "policy", name, "--rm")

        assert action in text


def test_bucket_life(run, answer, name):
    run("bucket", "mb", f"s3://{name}")
    run("object", "cp", "-", f"s3://{name}/a/b", text="hello")

    stat = answer("bucket", "stat", name)
    refused = run("bucket", "rb", name, exits=5).stderr
    run("bucket", "rb", name, "--force")

    assert (stat["objects"], stat["size_bytes"]) == (1, 5)
    assert "BucketNotEmpty" in refused
    assert answer("bucket", "ls", name) == []


def test_configuration_and_quota_of_a_bucket_are_written_shown_and_removed(run, answer, name, tmp_path):
    answer("bucket", "mb", name)
    rules = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    document = tmp_path / "cors.json"
    document.write_text(json.dumps(rules))

    run("bucket", "config", name, "cors", "--set", str(document))
    shown = json.loads(run("bucket", "config", name, "cors").stdout)
    run("bucket", "config", name, "cors", "--rm")
    listed = json.loads(run("bucket", "config", name, "inventory").stdout)
    answer("bucket", "quota", name, "--bytes", "100")
    limits = answer("bucket", "quota", name, "--objects", "5")
    lifted = answer("bucket", "quota", name, "--clear")

    assert (shown, listed) == (rules, [])
    assert limits == {"bytes_max": 100, "objects_max": 5}
    assert lifted == {"bytes_max": 0, "objects_max": 0}


def test_encryption_of_a_bucket_is_shown_and_set(run, answer, name):
    answer("bucket", "mb", name)
    key = answer("key", "create", "--alias", f"alias/{name}")

    before = answer("bucket", "encryption", name)
    after = answer("bucket", "encryption", name, "--kms-key-id", f"alias/{name}", "--bucket-key")
    run("bucket", "encryption", name, "--bucket-key", exits=2)

    assert before["algorithm"] == "AES256"
    assert after == {
        "algorithm": "aws:kms",
        "kms_key_id": f"alias/{name}",
        "bucket_key": True,
        "blocks_customer_keys": False,
    }
    assert key["state"] == "ENABLED"


def test_notification_rule_is_added_and_cleared(run, answer, name):
    run("bucket", "mb", name)
    arn = answer("queue", "create", name)["arn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    run("queue", "policy", name, "--set", "-", text=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))

    (rule,) = answer("bucket", "notification", name, "--queue", name, "--suffix", ".txt")
    shown = answer("bucket", "notification", name)
    cleared = answer("bucket", "notification", name, "--clear")

    assert (rule["queue"], rule["events"], rule["suffix"]) == (arn, ["s3:ObjectCreated:*"], ".txt")
    assert (shown, cleared) == ([rule], [])


def test_files_and_objects_are_copied_both_ways(run, answer, name, tmp_path: Path):
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "in/a.txt").write_text("a")
    (tmp_path / "in/deep/b.txt").write_text("b")
    run("bucket", "mb", name)

    run("object", "cp", "-r", str(tmp_path / "in"), f"s3://{name}/x")
    run("object", "cp", f"s3://{name}/x/a.txt", f"s3://{name}/copy.txt")
    run("object", "cp", "-r", f"s3://{name}/x/", str(tmp_path / "out"))
    run("object", "cp", f"s3://{name}/copy.txt", str(tmp_path))

    assert [it["key"] for it in answer("object", "ls", "-r", f"s3://{name}")] == ["copy.txt", "x/a.txt", "x/deep/b.txt"]
    assert [it["key"] for it in answer("object", "ls", f"s3://{name}")] == ["x/", "copy.txt"]
    assert answer("object", "head", f"s3://{name}/copy.txt")["content_type"] == "text/plain"
    assert (tmp_path / "out/deep/b.txt").read_text() == "b"
    assert (tmp_path / "copy.txt").read_text() == "a"
    assert run("object", "cp", f"s3://{name}/copy.txt", "-").stdout == "a"
    assert run("object", "cat", f"s3://{name}/x/a.txt", f"s3://{name}/x/deep/b.txt").stdout == "ab"


def test_object_is_described_and_removed(run, answer, name):
    run("bucket", "mb", name)
    target = f"s3://{name}/a"
    run("object", "cp", "-", target, "--content-type", "text/plain", "-m", "colour=blue", text="hello")

    head = answer("object", "head", target)
    refused = run("object", "cp", "-", target, "--no-clobber", text="again", exits=5).stderr
    run("object", "rm", target)

    assert (head["size"], head["content_type"], head["metadata"]) == (5, "text/plain", {"colour": "blue"})
    assert "PreconditionFailed" in refused
    assert "NoSuchKey" in run("object", "head", target, exits=3).stderr


def test_objects_below_a_prefix_are_removed(run, answer, name):
    run("bucket", "mb", name)
    for key in ("a/1", "a/2", "b"):
        run("object", "cp", "-", f"s3://{name}/{key}", text="")

    assert answer("object", "rm", "-r", f"s3://{name}/a/") == {"deleted": 2}
    assert [it["key"] for it in answer("object", "ls", "-r", f"s3://{name}")] == ["b"]


def test_key_cannot_lead_out_of_the_folder(run, name, tmp_path: Path):
    run("bucket", "mb", name)
    run("object", "cp", "-", f"s3://{name}/x/../../evil", text="evil")

    result = run("object", "cp", "-r", f"s3://{name}/", str(tmp_path / "out"), exits=1)

    assert "no path below" in result.stderr
    assert not (tmp_path / "evil").exists()


def test_user_gets_permissions_and_a_key(run, answer, name, tmp_path: Path):
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    document = tmp_path / "policy.json"
    document.write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))

    run("iam", "user", "create", name)
    run("iam", "group", "create", name)
    run("iam", "group", "add", name, name)
    run("iam", "policy", "create", name, str(document))
    run("iam", "policy", "attach", name, "--group", name)
    run("iam", "policy", "put", "inline", str(document), "--user", name)
    key = answer("iam", "key", "create", name)
    shown = answer("iam", "user", "show", name)
    own = {
        "CUMULO_ACCESS_KEY_ID": key["access_key_id"],
        "CUMULO_SECRET_ACCESS_KEY": key["secret_access_key"],
    }

    assert answer("iam", "whoami", **own)["arn"].endswith(f":user/{name}")
    assert (shown["groups"], shown["inline_policies"]) == ([name], ["inline"])
    assert answer("iam", "group", "show", name)["attached_policies"] == [name]
    assert answer("iam", "explain", "sqs:SendMessage", "*", "--principal", name)["decision"] == "allow"
    run("iam", "explain", "sqs:DeleteQueue", "*", "--principal", name, exits=4)
    run("iam", "key", "disable", key["access_key_id"])
    run("iam", "whoami", exits=4, **own)
    run("iam", "user", "rm", name, exits=5)
    run("iam", "user", "rm", name, "--force")
    run("iam", "policy", "detach", name, "--group", name)
    run("iam", "policy", "rm", name)
    run("iam", "group", "rm", name)


def test_token_is_issued_and_revoked(run, answer):
    token = answer("iam", "token", "issue", "--life", "60")

    run("iam", "token", "revoke", token["token_id"])


def test_job_is_submitted_listed_shown_and_cancelled(run, answer, name):
    run("queue", "create", name)

    options = ("--queue", name, "--memory", "64M", "--cpu", "0.5", "-o", "json")
    job = json.loads(run("job", "submit", *options, "echo", "-n", "hello").stdout)
    listed = answer("job", "ls", "--queue", name)
    cancelled = answer("job", "cancel", job["id"], "--reason", "not wanted")
    shown = answer("job", "show", job["id"])
    done = run("job", "logs", "-f", job["id"]).stdout

    assert job["spec"]["command"] == ["echo", "-n", "hello"]
    assert (job["spec"]["memory_bytes"], job["spec"]["cpu_millis"]) == (64 << 20, 500)
    assert [(it["id"], it["state"]) for it in listed] == [(job["id"], job["state"])]
    assert cancelled["state"] == shown["state"] == "FAILED"
    assert "not wanted" in shown["status_reason"]
    assert done == ""


def test_status_says_who_and_where(answer, server):
    status = answer("status")

    assert (status["target"], status["account"]) == (server.target, "000000000000")


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "yaml"])
def test_every_form_names_the_queue(run, name, form):
    run("queue", "create", name)

    assert name in run("queue", "ls", name, "-o", form).stdout
    assert name in run("queue", "show", name, "-o", form).stdout


def test_queue_has_schedules(run, answer, name):
    answer("queue", "create", name)
    made = answer(
        "queue", "schedule", "add", name, "daily", "report", "--cron", "0 9 * * *", "--time-zone", "Asia/Tokyo"
    )
    once = answer("queue", "schedule", "add", name, "once", "x", "--at", "2090-01-31T08:00+00:00", "-a", "a=b")
    listed = answer("queue", "schedule", "ls", name)
    paused = answer("queue", "schedule", "pause", name, "daily")
    resumed = answer("queue", "schedule", "resume", name, "daily")
    shown = answer("queue", "schedule", "show", name, "once")
    run("queue", "schedule", "rm", name, "once", "--yes")

    assert (made["cron"], made["time_zone"], made["state"]) == ("0 9 * * *", "Asia/Tokyo", "ACTIVE")
    assert once["next"] == once["at"]
    assert [it["name"] for it in listed] == ["daily", "once"]
    assert (paused["state"], resumed["state"]) == ("PAUSED", "ACTIVE")
    assert (shown["body"], shown["attributes"]) == ("x", {"a": "b"})
    assert "--cron, --every or --at" in run("queue", "schedule", "add", name, "none", "x", exits=2).stderr
    assert [it["name"] for it in answer("queue", "schedule", "ls", name)] == ["daily"]


def test_access_control_lists_are_shown_and_replaced(run, answer, name):
    run("bucket", "mb", name)
    run("object", "cp", "-", f"s3://{name}/k", text="hello")
    ownership = json.dumps({"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    run("bucket", "config", name, "ownership_controls", "--set", "-", text=ownership)
    own = {"owner": "000000000000", "grantee": "000000000000", "permission": "FULL_CONTROL"}

    run("bucket", "acl", name, "--set", "log-delivery-write")
    run("object", "acl", f"s3://{name}/k", "--grant", "000000000000", "READ", "--grant", "LogDelivery", "READ_ACP")

    assert answer("bucket", "acl", name)[0] == own
    assert [it["grantee"] for it in answer("bucket", "acl", name)[1:]] == ["LogDelivery"] * 2
    assert [it["permission"] for it in answer("object", "acl", f"s3://{name}/k")] == ["READ", "READ_ACP"]
    assert "not both" in run("bucket", "acl", name, "--set", "private", "--grant", "AllUsers", "READ", exits=2).stderr
