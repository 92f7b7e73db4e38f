"""The log that a client of a crash test keeps: what it is about to ask, and what it was answered.

One JSON object a line, written whole with one `write` to a file opened for appending, so that several processes may
share a file or a pipe and a killed one leaves at most its last line cut off:

    {"call": 7, "op": "send", "what": {...}}        before the call
    {"call": 7, "answer": "acked", "what": {...}}   after it: "acked", "refused" (it certainly did not happen) or
                                                    "unknown" (it may have)

A call without an answer is unknown, too. `call` is unique in a file: it begins with the client's name.
"""

import enum
import itertools
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class Outcome(enum.StrEnum):
    """What a client knows of a call."""

    ACKED = "acked"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass
class Call:
    """One call: what was asked, what became of it, and what the answer said."""

    call: str
    op: str
    what: dict[str, Any]
    outcome: Outcome = Outcome.UNKNOWN
    answer: dict[str, Any] = field(default_factory=dict)


class AckLog:
    """Writes a client's lines to `descriptor`, a file opened with O_APPEND or a pipe."""

    def __init__(self, descriptor: int, client: str) -> None:
        self._descriptor = descriptor
        self._client = client
        self._numbers = itertools.count(1)

    @classmethod
    def append_to(cls, path: Path, client: str) -> "AckLog":
        """Open a log file for one client, which must be unique in it (`f"{os.getpid()}"` will do)."""
        return cls(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), client)

    def begin(self, op: str, **what: Any) -> str:
        """Log a call that is about to be made; return its name for `end`."""
        call = f"{self._client}-{next(self._numbers)}"
        self._write({"call": call, "op": op, "what": what})
        return call

    def end(self, call: str, outcome: Outcome, **what: Any) -> None:
        """Log what became of a call."""
        self._write({"call": call, "answer": outcome, "what": what})

    def _write(self, line: dict[str, Any]) -> None:
        os.write(self._descriptor, json.dumps(line, separators=(",", ":")).encode() + b"\n")


def read_calls(lines: Iterable[bytes]) -> list[Call]:
    """Return the calls of a log in the order in which they began; a last line that was cut off is left out."""
    calls: dict[str, Call] = {}
    for raw in lines:
        if not raw.endswith(b"\n"):
            continue
        line = json.loads(raw)
        if "op" in line:
            calls[line["call"]] = Call(line["call"], line["op"], line["what"])
        else:
            call = calls[line["call"]]
            call.outcome = Outcome(line["answer"])
            call.answer = line["what"]
    return list(calls.values())
