"""What `s3_suite` has pytest do: run one shard of the tests, and write a line of JSON for each outcome.

Runs under the suite's interpreter, hence with the standard library alone.
"""

import json
import os
from pathlib import Path
from typing import Any

SHARD, SHARDS, REPORT = "S3_SUITE_SHARD", "S3_SUITE_SHARDS", "S3_SUITE_REPORT"


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Keep every so-manieth test."""
    shard, shards = int(os.environ[SHARD]), int(os.environ[SHARDS])
    kept = items[shard::shards]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def pytest_runtest_makereport(item: Any, call: Any) -> None:
    """Note a phase that failed, or the call that passed."""
    if call.excinfo is None and call.when != "call":
        return
    skipped = call.excinfo is not None and call.excinfo.typename == "Skipped"
    row = {
        "test": item.nodeid.rpartition("::")[2],
        "marks": sorted({mark.name for mark in item.iter_markers()}),
        "outcome": "skipped" if skipped else "passed" if call.excinfo is None else "failed",
        "why": "" if call.excinfo is None else call.excinfo.exconly()[:300],
    }
    with Path(os.environ[REPORT]).open("a") as report:
        report.write(json.dumps(row) + "\n")
