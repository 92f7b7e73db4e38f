"""Reads a running server's metrics, and waits for its end."""

import re
import time
import urllib.request

LIMIT_S = 20


def value_of(server, metric):
    """Return a metric's value without labels."""
    with urllib.request.urlopen(server.url + "/_cumulo/metrics", timeout=LIMIT_S) as answer:
        text = answer.read().decode()
    found = re.search(rf"^{metric} (\S+)$", text, re.MULTILINE)
    assert found is not None, f"no {metric} in {text[:2000]}"
    return float(found[1])


def wait_until_parked(server, count):
    """Return once so many receivers are parked in the server."""
    deadline = time.monotonic() + LIMIT_S
    while value_of(server, "cumulo_parked_receivers") != count:
        assert time.monotonic() < deadline, f"not {count} are parked"
        time.sleep(0.02)


def end_of(server):
    """Wait for the process to end and return its status; the server may be started again."""
    process, server._process = server._process, None
    return process.wait(LIMIT_S)
