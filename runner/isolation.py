"""What a worker's machine can do to keep jobs apart, found out by really doing it.

Promises that what is offered was tried, that the words say why nothing stronger is in use, and that a job which asks
for a sandbox is never offered less.
"""

import tempfile
from pathlib import Path

import msgspec

from cumulo.runner import cgroups, sandbox
from cumulo.runner.process_executor import ProcessExecutor


class Isolation(msgspec.Struct, frozen=True):
    """What this machine can do: the executors, and in words what is in use and why nothing stronger is."""

    sandboxed: ProcessExecutor | None
    plain: ProcessExecutor | None
    description: str


def find_isolation(work_folder: Path, *, allow_plain: bool) -> Isolation:
    """Try what there is, strongest first, by really running `true`.

    `allow_plain` lets jobs that ask for no isolation run as plain processes; those that ask for a sandbox never do.
    """
    groups, no_groups = cgroups.probe()
    if groups is not None:
        cgroups.sweep(groups)
    limits = (
        f"limits by control groups ({groups.version})"
        if groups is not None
        else f"address space limit only ({no_groups})"
    )
    plain = ProcessExecutor(None, groups, work_folder) if allow_plain else None
    reasons: list[str] = []
    for box in (sandbox.Bubblewrap(), sandbox.Namespaces()):
        # A folder of its own: workers that share a work folder may start at the same moment.
        with tempfile.TemporaryDirectory(prefix=".probe-", dir=work_folder) as folder:
            reason = sandbox.probe(box, Path(folder))
        if not reason:
            notes = f"; {'; '.join(reasons)}" if reasons else ""
            return Isolation(
                ProcessExecutor(box, groups, work_folder), plain, f"{box.name}, {box.notes}, {limits}{notes}"
            )
        reasons.append(reason)
    return Isolation(None, plain, f"no sandbox: {'; '.join(reasons)}; {limits}")
