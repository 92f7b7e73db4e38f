"""Run a checkout of ceph/s3-tests, the public suite of S3's behaviour, against a server of its own, in shards.

    .ci/s3_suite.py SUITE --python INTERPRETER [--shards N] [--select EXPRESSION] [--least N]

INTERPRETER is of an environment with what SUITE/requirements.txt names. Every shard is a process of pytest with
accounts of its own, so that none sees another's buckets; it reports through the plugin `s3_suite_plugin`. The server
has the open defaults that the suite assumes, and speaks the dialect that goes with them; what is tested beyond S3
itself, or against what AWS answers, is left out by mark. Prints passed and failed by mark, and the names of what
failed; exits with 1 where less than `--least` passed.
"""

import argparse
import collections
import configparser
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from s3_suite_plugin import REPORT, SHARD, SHARDS

from cumulo.testing import Server

LEFT_OUT = (
    "fails_on_aws",
    "auth_aws2",
    "s3select",
    "bucket_logging",
    "cloud_transition",
    "cloud_restore",
    "iam_tenant",
    "sns",
    "webidentity_test",
    "iam_account",
    "iam_cross_account",
    "iam_user",
    "iam_role",
    "test_of_sts",
)
DAY_S = 10
"""How long a day of lifecycle rules lasts; the suite waits for multiples of it."""
SETTINGS = {
    "s3_default_object_ownership": "ObjectWriter",
    "s3_default_public_access_block": "false",
    "s3_lifecycle_day_s": DAY_S,
}
REGION = "eu-west-1"
"""Where the suite makes a bucket elsewhere."""
STORAGE_CLASSES = "STANDARD, GLACIER_IR, INTELLIGENT_TIERING"
"""Those that objects may go to after any number of days, and can be read from."""


def main() -> int:
    """Run the suite; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("suite", type=Path)
    parser.add_argument("--python", required=True, help="interpreter that has the suite's requirements")
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--select", default="", help="only tests that this expression of pytest's -k picks")
    parser.add_argument("--least", type=int, default=0, help="how many must pass")
    asked = parser.parse_args()
    if not (asked.suite / "s3tests" / "functional").is_dir():
        parser.error(f"{asked.suite} is no checkout of ceph/s3-tests: it has no folder s3tests/functional")
    rows = _run(asked)
    _print_report(rows)
    return 0 if sum(row["outcome"] == "passed" for row in rows) >= asked.least else 1


def _run(asked: argparse.Namespace) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="cumulo-s3-suite-") as folder:
        scratch = Path(folder)
        with Server(scratch / "data", settings=SETTINGS) as server:
            shards = [_start(asked, server, scratch, shard) for shard in range(asked.shards)]
            for shard in shards:
                shard.wait()
        return [row for report in sorted(scratch.glob("*.report")) for row in _outcomes(report)]


def _start(asked: argparse.Namespace, server: Any, scratch: Path, shard: int) -> "subprocess.Popen[bytes]":
    """Start one process of pytest with accounts of its own."""
    conf = scratch / f"{shard}.conf"
    with conf.open("w") as file:
        _configuration(server, shard).write(file)
    environment = os.environ | {
        "S3TEST_CONF": str(conf),
        SHARD: str(shard),
        SHARDS: str(asked.shards),
        REPORT: str(scratch / f"{shard}.report"),
        "PYTHONPATH": str(Path(__file__).parent),
    }
    marks = " and ".join(f"not {mark}" for mark in LEFT_OUT)
    command = [asked.python, "-m", "pytest", "s3tests/functional", "-q", "--tb=short", "-p", "no:cacheprovider"]
    command += ["-p", "s3_suite_plugin", "-m", marks]
    if asked.select:
        command += ["-k", asked.select]
    with (scratch / f"{shard}.log").open("wb") as log:
        return subprocess.Popen(
            command, cwd=asked.suite, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )


def _configuration(server: Any, shard: int) -> configparser.RawConfigParser:
    """Make a shard's accounts and return what the suite wants to know of them."""
    conf = configparser.RawConfigParser()
    host, _, port = server.url.removeprefix("http://").rpartition(":")
    host = "localhost" if host == "127.0.0.1" else host
    conf["DEFAULT"] = {"host": host, "port": port, "is_secure": "False", "ssl_verify": "False"}
    conf["fixtures"] = {
        "bucket prefix": f"suite-{shard}-{{random}}-",
        "iam name prefix": "suite-",
        "iam path prefix": "/suite/",
    }
    with server.client() as client:
        for role in ("main", "alt", "tenant"):
            email = f"{role}-{shard}@example.com"
            made = client.iam.create_account(display_name=f"{role} {shard}", email=email)
            conf[f"s3 {role}"] = {
                "display_name": made.display_name,
                "user_id": made.canonical_id,
                "email": email,
                "access_key": made.access_key_id,
                "secret_key": made.secret_access_key,
            }
    main = conf["s3 main"]
    credentials = {"aws_access_key_id": main["access_key"], "aws_secret_access_key": main["secret_key"]}
    with contextlib.closing(server.boto3("kms", **credentials)) as kms:
        for name in ("kms_keyid", "kms_keyid2"):
            main[name] = kms.create_key()["KeyMetadata"]["Arn"]
    main.update({"storage_classes": STORAGE_CLASSES, "lc_debug_interval": str(DAY_S), "api_name": REGION})
    conf["s3 tenant"]["tenant"] = ""
    # Sections that must be there, of tests that are left out.
    for name in ("iam", "iam root", "iam alt root"):
        conf[name] = dict(main)
    conf["webidentity"] = dict.fromkeys(("token", "aud", "sub", "azp", "user_token", "thumbprint", "kc_realm"), "none")
    return conf


def _outcomes(report: Path) -> Iterator[dict[str, Any]]:
    """Yield one row a test: a failure in any phase counts before the call's success."""
    rows: dict[str, dict[str, Any]] = {}
    for line in report.read_text().splitlines():
        row = json.loads(line)
        if rows.setdefault(row["test"], row)["outcome"] == "passed":
            rows[row["test"]] = row
    yield from rows.values()


def _print_report(rows: list[dict[str, Any]]) -> None:
    by_mark: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for row in rows:
        for mark in row["marks"] or ["(none)"]:
            by_mark[mark][row["outcome"]] += 1
        if row["outcome"] != "passed":
            print(f"{row['outcome']:8} {row['test']}: {row['why'].splitlines()[0] if row['why'] else ''}")
    print(f"\n{'mark':32}{'passed':>8}{'failed':>8}{'skipped':>8}")
    for mark in sorted(by_mark):
        print(f"{mark:32}" + "".join(f"{by_mark[mark][outcome]:8}" for outcome in ("passed", "failed", "skipped")))
    total = collections.Counter(row["outcome"] for row in rows)
    print(f"{'all tests':32}" + "".join(f"{total[outcome]:8}" for outcome in ("passed", "failed", "skipped")))


if __name__ == "__main__":
    began = time.monotonic()
    status = main()
    print(f"in {time.monotonic() - began:.0f} s")
    sys.exit(status)
