"""Command lines that put a program into namespaces of its own: bubblewrap, or util-linux's unshare where that is
missing.

Inside, a job sees the system's programs and the worker's Python read-only, its own folder at /job, an empty /tmp, its
own processes, and no network.
"""

import contextlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from cumulo.runner import seccomp
from cumulo.runner.executor import Task

JOB_FOLDER = "/job"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_CONFIGURATION = (
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/localtime",
)
_EXECUTE_SCRIPT = """
case $1 in
*/*)
    if [ ! -e "$1" ]; then echo "cumulo: $1: not found" >&2; exit 127; fi
    if [ -d "$1" ] || [ ! -x "$1" ]; then echo "cumulo: $1: not executable" >&2; exit 126; fi ;;
*)
    if ! command -v "$1" > /dev/null; then echo "cumulo: $1: not found" >&2; exit 127; fi ;;
esac
exec "$@"
"""
EXECUTE = ("/bin/sh", "-c", _EXECUTE_SCRIPT, "sh")
"""Runs the command where it shall run, and says in words of its own that there is none, which the codes 126 and 127 do
not: a script whose last command is missing ends with them, too. It takes a name with a `=` for a name.
"""


def why_not_started(command: str, last_words: bytes) -> str:
    """Return the reason that `EXECUTE` gave at the end of standard error, empty where the command was started."""
    name = os.fsencode(command)
    if last_words.endswith(b"cumulo: " + name + b": not found\n"):
        return f"CommandNotFound: {command} is not among the programs that the job sees"
    if last_words.endswith(b"cumulo: " + name + b": not executable\n"):
        return f"CommandNotExecutable: {command} is a folder, or a file that the job may not run"
    return ""


_PROBE_S = 20


class Sandbox(Protocol):
    """One way to build the command line; `notes` say what it does besides keeping folders and processes apart."""

    name: str
    notes: str

    def private(self, environment: dict[str, str]) -> tuple[bytes, ...]:
        """Return what the launcher reads from descriptors: everybody on the machine sees command lines."""
        ...

    def arguments(self, task: Task, environment: dict[str, str], private_fds: tuple[int, ...]) -> list[str]:
        """Return the launcher's arguments; its exit code is the command's. `private_fds` give what `private` said."""
        ...


@contextlib.contextmanager
def private_files(contents: tuple[bytes, ...]) -> Iterator[tuple[int, ...]]:
    """Give descriptors, of no files that anybody could open, from which a child reads `contents`."""
    with contextlib.ExitStack() as stack:
        yield tuple(stack.enter_context(_private_file(content)) for content in contents)


@contextlib.contextmanager
def _private_file(content: bytes) -> Iterator[int]:
    descriptor = os.memfd_create("cumulo")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


def own_python() -> tuple[str, ...]:
    """Return the folders that this interpreter and its packages live in, which jobs may read."""
    return tuple(
        sorted({os.path.realpath(prefix) for prefix in (sys.prefix, sys.base_prefix)} | {sys.prefix, sys.base_prefix})
    )


class Bubblewrap:
    """bubblewrap (bwrap): works for root and for ordinary users."""

    name = "bubblewrap"
    notes = (
        f"{len(seccomp.denied())} system calls denied"
        if seccomp.denied()
        else f"no filter of system calls ({platform.machine()})"
    )

    def private(self, environment: dict[str, str]) -> tuple[bytes, ...]:
        """Return the options that set the job's variables, and the filter of system calls where there is one."""
        options = [part for name, value in environment.items() for part in ("--setenv", name, value)]
        variables = b"".join(os.fsencode(option) + b"\0" for option in options)
        program = seccomp.program()
        return (variables, program) if program else (variables,)

    def arguments(self, task: Task, environment: dict[str, str], private_fds: tuple[int, ...]) -> list[str]:
        """Return bwrap's command line; the whole sandbox dies with the worker."""
        del environment
        line = [
            "bwrap",
            "--unshare-all",
            "--die-with-parent",
            "--new-session",
            "--hostname",
            "job",
            "--cap-drop",
            "ALL",
        ]
        for path in _SYSTEM:
            if Path(path).is_symlink():
                line += ["--symlink", str(Path(path).readlink()), path]
            elif Path(path).is_dir():
                line += ["--ro-bind", path, path]
        for path in _CONFIGURATION:
            line += ["--ro-bind-try", path, path]
        line += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108 - the sandbox's own
        for path in dict.fromkeys((*own_python(), *task.visible)):
            if not _is_shown(path):
                line += ["--ro-bind", path, path]
        line += ["--bind", str(task.folder), JOB_FOLDER, "--chdir", JOB_FOLDER, "--clearenv"]
        line += ["--args", str(private_fds[0])]
        for descriptor in private_fds[1:]:
            line += ["--seccomp", str(descriptor)]
        return [*line, "--", *EXECUTE, *task.command]


class Namespaces:
    """util-linux's unshare and a few mounts: what bubblewrap does, where only that is installed; needs root.

    The shell stays the first process: the kernel keeps signals that a first process sends itself from killing it.
    """

    name = "namespaces"
    notes = "no filter of system calls (bubblewrap has one)"

    _SETUP = """
set -e
root=$1; shift
mount --make-rprivate /
mount -t tmpfs -o size=64m,mode=755 cumulo "$root"
mkdir -p "$root/proc" "$root/dev" "$root/tmp" "$root/etc" "$root/job" "$root/.old"
chmod 1777 "$root/tmp"
mount --bind "$JOB" "$root/job"
while [ "$1" != -- ]; do
    if [ -h "$1" ]; then mkdir -p "$root$(dirname "$1")"; ln -s "$(readlink "$1")" "$root$1"
    elif [ -d "$1" ]; then mkdir -p "$root$1"; mount --rbind "$1" "$root$1"; mount -o remount,bind,ro "$root$1"
    elif [ -e "$1" ]; then mkdir -p "$root$(dirname "$1")"; : > "$root$1"; mount --bind "$1" "$root$1"; fi
    shift
done
shift
for node in null zero full random urandom tty; do
    : > "$root/dev/$node"; mount --bind "/dev/$node" "$root/dev/$node"
done
ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"; ln -s fd/1 "$root/dev/stdout"; ln -s fd/2 "$root/dev/stderr"
mkdir "$root/dev/shm"; mount -t tmpfs -o size=64m cumulo "$root/dev/shm"
mount -t proc proc "$root/proc"
cd "$root"
pivot_root . .old
umount -l /.old
rmdir /.old
cd /job
set +e
setpriv --bounding-set=-all --inh-caps=-all --no-new-privs env -i "$@"
exit $?
"""

    def private(self, environment: dict[str, str]) -> tuple[bytes, ...]:
        """Return nothing: `env` takes variables from its command line only."""
        del environment
        return ()

    def arguments(self, task: Task, environment: dict[str, str], private_fds: tuple[int, ...]) -> list[str]:
        """Return unshare's command line, with the job's variables in it."""
        del private_fds
        root = task.folder.parent / "root"
        root.mkdir(exist_ok=True)
        shown = [*_SYSTEM, *_CONFIGURATION]
        shown += [path for path in dict.fromkeys((*own_python(), *task.visible)) if not _is_shown(path)]
        variables = [f"{name}={value}" for name, value in environment.items()]
        setup = ["sh", "-c", f"JOB={_quoted(str(task.folder))}\n{self._SETUP}", "sandbox", str(root), *shown, "--"]
        return [
            "unshare",
            "-p",
            "-f",
            "-m",
            "-n",
            "-u",
            "-i",
            "--kill-child",
            "--",
            *setup,
            *variables,
            *EXECUTE,
            *task.command,
        ]


def _is_shown(path: str) -> bool:
    """Say whether the system's own folders hold `path` already."""
    return any(path == system or path.startswith(system + "/") for system in _SYSTEM)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def probe(sandbox: Sandbox, folder: Path) -> str:
    """Really run `true` inside; return an empty text, or why it does not work here."""
    program = "bwrap" if sandbox.name == "bubblewrap" else "unshare"
    if shutil.which(program) is None:
        return f"{program} is not installed"
    job = folder / "probe"
    job.mkdir(parents=True, exist_ok=True)
    task = Task("probe", ("true",), {}, job, 64 * 1024 * 1024, 1000, 64)
    variables = {"PATH": PATH}
    try:
        with private_files(sandbox.private(variables)) as descriptors:
            done = subprocess.run(  # noqa: S603 - our own command line
                sandbox.arguments(task, variables, descriptors),
                capture_output=True,
                timeout=_PROBE_S,
                check=False,
                pass_fds=descriptors,
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{program} cannot be used: {error}"
    finally:
        shutil.rmtree(job, ignore_errors=True)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        return f"{program} cannot be used: {said[-1] if said else f'exit code {done.returncode}'}"
    return ""
