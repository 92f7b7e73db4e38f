"""The filter of system calls: its program, run by a model of the kernel's machine, and in a real sandbox."""

import asyncio
import errno
import os
import platform
import struct
import sys

import pytest

from cumulo.runner import sandbox, seccomp
from cumulo.runner.executor import Task
from cumulo.runner.process_executor import ProcessExecutor

X86_64, AARCH64, I386 = 0xC000003E, 0xC00000B7, 0x40000003
ALLOWED, KILLED = "allowed", "killed"
CLONE_NEWUSER, CLONE_THREAD_FLAGS, FORK_FLAGS = 0x10000000, 0x3D0F00, 17 | 0x01200000


def decide(machine, number, audit, first_argument=0):
    """What the kernel does with a call, by the instructions that seccomp(2) takes."""
    program = seccomp.program(machine)
    data = struct.pack("=IIQQ", number, audit, 0, first_argument) + bytes(40)
    lines = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    held, at = 0, 0
    while True:
        code, yes, no, value = lines[at]
        at += 1
        match code:
            case 0x20:
                held = struct.unpack_from("=I", data, value)[0]
            case 0x15:
                at += yes if held == value else no
            case 0x35:
                at += yes if held >= value else no
            case 0x45:
                at += yes if held & value else no
            case 0x06:
                if value == 0x7FFF0000:
                    return ALLOWED
                return KILLED if value == 0x80000000 else errno.errorcode[value & 0xFFFF]
            case _:
                raise AssertionError(code)


@pytest.mark.parametrize(("machine", "audit"), [("x86_64", X86_64), ("aarch64", AARCH64)])
def test_the_denied_calls_are_refused_and_all_others_allowed(machine, audit):
    denied = set(seccomp.denied(machine).values())
    special = {56 if machine == "x86_64" else 220, 435}

    assert len(denied) == len(seccomp.denied(machine)), "no number twice"
    for number in range(600):
        expected = "EPERM" if number in denied else "ENOSYS" if number == 435 else ALLOWED
        assert decide(machine, number, audit) == expected, number
    assert not special & denied


@pytest.mark.parametrize(("machine", "audit", "clone"), [("x86_64", X86_64, 56), ("aarch64", AARCH64, 220)])
def test_threads_and_forks_are_allowed_and_new_namespaces_are_not(machine, audit, clone):
    assert decide(machine, clone, audit, CLONE_THREAD_FLAGS) == ALLOWED
    assert decide(machine, clone, audit, FORK_FLAGS) == ALLOWED
    for bit in (17, 25, 26, 27, 28, 29, 30):
        assert decide(machine, clone, audit, FORK_FLAGS | 1 << bit) == "EPERM", bit


def test_calls_by_another_processors_numbers_kill_and_those_of_x32_are_refused():
    assert decide("x86_64", 1, I386) == KILLED
    assert decide("aarch64", 1, X86_64) == KILLED
    assert decide("x86_64", 0x40000000 | 1, X86_64) == "EPERM"


def test_an_unknown_processor_has_no_filter():
    assert seccomp.program("s390x") == b""
    assert seccomp.denied("s390x") == {}


def run(tmp_path, script):
    """Run a Python script in bubblewrap; return its exit code and output."""
    box = sandbox.Bubblewrap()
    if reason := sandbox.probe(box, tmp_path / "probes"):
        pytest.skip(reason)
    if not seccomp.denied():
        pytest.skip(f"no filter for {platform.machine()}")
    folder = tmp_path / "job"
    folder.mkdir()
    command = (sys.executable, "-I", "-c", script)
    task = Task(f"test-{tmp_path.name}-{os.getpid()}", command, {}, folder, 1 << 30, 1000, 64)
    output = bytearray()

    async def go():
        executor = ProcessExecutor(box, None, tmp_path)
        running = await executor.start(task, lambda stream, data: output.extend(data), lambda handle: None)
        code = await running.wait()
        await running.reap()
        return code

    return asyncio.run(go()), output.decode()


def test_a_sandboxed_job_meets_eperm_at_every_denied_call(tmp_path):
    calls = seccomp.denied()
    script = (
        "import ctypes\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        f"for name, number in {calls!r}.items():\n"
        "    print(name, libc.syscall(number, 0, 0, 0, 0, 0), ctypes.get_errno())\n"
        f"print('user', libc.syscall({calls['unshare']}, {CLONE_NEWUSER}), ctypes.get_errno())\n"
    )

    code, output = run(tmp_path, script)

    said = [line.split() for line in output.splitlines()]
    assert code == 0, output
    assert [name for name, *_ in said] == [*calls, "user"]
    assert {(result, number) for _, result, number in said} == {("-1", str(errno.EPERM))}, output


def test_a_sandboxed_job_may_start_threads_and_programs_and_map_memory(tmp_path):
    script = (
        "import mmap, multiprocessing, subprocess, threading\n"
        "thread = threading.Thread(target=print, args=('thread',)); thread.start(); thread.join()\n"
        "print(subprocess.run(['echo', 'program'], capture_output=True, check=True).stdout.decode().strip())\n"
        "mmap.mmap(-1, 1 << 20).close()\n"
        "child = multiprocessing.get_context('fork').Process(target=print, args=('fork',))\n"
        "child.start(); child.join(); print(child.exitcode)\n"
    )

    code, output = run(tmp_path, script)

    assert (code, output.split()) == (0, ["thread", "program", "fork", "0"]), output
