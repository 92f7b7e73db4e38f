"""`--watch` and `queue watch`: looks that go on until they are interrupted, as a person does it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from cumulo.testing import Server


@pytest.fixture
def watching(server: Server) -> Callable[..., AbstractContextManager[Any]]:
    """Run a command until the block is left, which interrupts it."""

    @contextmanager
    def watch(*words: str) -> Iterator["subprocess.Popen[str]"]:
        program = (sys.executable, "-P", "-c", "from cumulo.cli.main import cli; cli()", *words)
        process = subprocess.Popen(
            program, env=os.environ | server.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            yield process
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
            assert process.returncode == 130
        finally:
            process.kill()
            process.communicate()

    return watch


def test_depth_of_a_queue_is_shown_as_it_changes(run, watching, name):
    run("queue", "create", name)

    with watching("queue", "watch", name, "--interval", "0.1", "-o", "jsonl") as process:
        first = json.loads(process.stdout.readline())
        run("queue", "send", name, "hello")
        seen = [first]
        while seen[-1]["messages"] == 0:
            seen.append(json.loads(process.stdout.readline()))

    assert (first["messages"], first["in_flight"], first["delayed"]) == (0, 0, 0)
    assert seen[-1]["messages"] == 1


def test_depth_of_a_queue_is_a_table_for_people(run, watching, name):
    run("queue", "create", name)

    with watching("queue", "watch", name, "--interval", "0.1") as process:
        head, one, two = (process.stdout.readline().split() for _ in range(3))

    assert head == ["TIME", "MESSAGES", "IN", "FLIGHT", "DELAYED", "CHANGE"]
    assert one[1:] == ["0", "0", "0"]
    assert two[1:] == ["0", "0", "0", "+0"]


@pytest.mark.parametrize("words", [("queue", "ls", "{0}"), ("job", "ls", "--queue", "{0}")])
def test_listing_is_shown_again_and_again(run, watching, name, words):
    run("queue", "create", name)
    run("job", "submit", "--queue", name, "true")

    words = [it.format(name) for it in words]
    with watching(*words, "-o", "jsonl", "--watch", "--interval", "0.1") as process:
        rows = [json.loads(process.stdout.readline()) for _ in range(3)]

    assert rows[0] == rows[1] == rows[2]
