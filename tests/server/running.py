"""Reads a running server's metrics, and waits for its end."""

import re
import time
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families

LIMIT_S = 20


def value_of(server, metric, **labels):
    """Return a metric's value, of the sample with exactly these labels; a labelled one that is not there yet is 0."""
    with urllib.request.urlopen(server.url + "/_cumulo/metrics", timeout=LIMIT_S) as answer:
        text = answer.read().decode()
    if labels:
        families = text_string_to_metric_families(text)
        samples = (it for family in families for it in family.samples if it.name == metric and it.labels == labels)
        return next((it.value for it in samples), 0.0)
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
