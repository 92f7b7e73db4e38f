"""`cumulo key` against a real server."""

import base64
import json


def test_key_is_made_named_shown_and_deleted(run, answer, name):
    made = answer("key", "create", "photos", "--alias", f"alias/{name}", "--tag", "team=a")
    key = made["id"]

    assert answer("key", "show", f"alias/{name}") == made
    assert key in [it["id"] for it in answer("key", "ls")]
    assert [it["description"] for it in answer("key", "ls", "-l") if it["id"] == key] == ["photos"]
    run("key", "tag", key, "n=1")
    run("key", "untag", key, "team")
    assert answer("key", "tags", key) == [{"key": "n", "value": "1"}]
    run("key", "describe", key, "films")
    assert "films" in run("key", "show", key).stdout
    assert answer("key", "rm", key, "--days", "7")["key"] == key
    assert answer("key", "show", key)["state"] == "PENDING_DELETION"
    run("key", "encrypt", key, "x", exits=5)
    assert "stays" in run("key", "keep", key).stdout
    run("key", "enable", key)
    run("key", "disable", key)
    assert answer("key", "show", key)["state"] == "DISABLED"
    assert "NotFoundException" in run("key", "show", "alias/none", exits=3).stderr


def test_alias_is_led_elsewhere_and_removed(run, answer, name):
    first, second = answer("key", "create")["id"], answer("key", "create")["id"]

    run("key", "alias", f"alias/{name}", first)
    run("key", "alias", f"alias/{name}", second, "--move")
    assert [it["name"] for it in answer("key", "aliases", second)] == [f"alias/{name}"]
    run("key", "alias", f"alias/{name}", "--rm")
    assert answer("key", "aliases", second) == []
    run("key", "alias", f"alias/{name}", exits=2)


def test_text_and_files_are_encrypted_and_opened(run, answer, tmp_path):
    key, other = answer("key", "create")["id"], answer("key", "create")["id"]
    sealed = run("key", "encrypt", key, "hello", "-c", "album=1").stdout.strip()

    assert run("key", "decrypt", sealed, "-c", "album=1", "--key", key).stdout == "hello"
    assert "InvalidCiphertext" in run("key", "decrypt", sealed, exits=1).stderr
    moved = run("key", "re-encrypt", other, sealed, "--source-context", "album=1").stdout.strip()
    opened = answer("key", "decrypt", moved)
    assert (base64.b64decode(opened["plaintext"]), opened["key_id"]) == (b"hello", other)

    (tmp_path / "plain").write_bytes(b"\x00\xff")
    raw = run("key", "encrypt", key, "--file", str(tmp_path / "plain"), "--raw").stdout_bytes
    (tmp_path / "sealed").write_bytes(raw)
    assert run("key", "decrypt", "--file", str(tmp_path / "sealed")).stdout_bytes == b"\x00\xff"
    assert "base64 was expected" in run("key", "decrypt", "%", exits=2).stderr
    run("key", "encrypt", key, exits=2)


def test_data_keys_and_random_bytes_are_in_base64(run, answer):
    key = answer("key", "create")["id"]

    made = json.loads(run("key", "data-key", key, "--size", "16").stdout)
    sealed = answer("key", "data-key", key, "--sealed")

    assert len(base64.b64decode(made["plaintext"])) == 16
    assert run("key", "decrypt", made["ciphertext"]).stdout_bytes == base64.b64decode(made["plaintext"])
    assert "plaintext" not in sealed
    assert len(base64.b64decode(run("key", "random", "5").stdout)) == 5
    assert len(base64.b64decode(answer("key", "random")["bytes"])) == 32


def test_rotation_and_policy_are_shown_and_written(run, answer, tmp_path):
    key = answer("key", "create")["id"]

    assert "not rotated" in run("key", "rotation", key).stdout
    assert answer("key", "rotation", key, "--every", "90")["every_days"] == 90
    run("key", "rotate", key)
    assert [it["kind"] for it in answer("key", "rotations", key)] == ["FIRST", "ON_DEMAND"]
    assert answer("key", "rotation", key, "--off")["every_days"] is None
    policy = json.loads(run("key", "policy", key).stdout)
    (tmp_path / "policy").write_text(json.dumps({**policy, "Id": "mine"}))
    run("key", "policy", key, "--set", str(tmp_path / "policy"))
    assert json.loads(run("key", "policy", key).stdout)["Id"] == "mine"
