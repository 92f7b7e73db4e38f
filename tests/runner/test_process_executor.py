"""The process executor: real sandboxes, real limits, nothing left behind."""

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from cumulo.runner import cgroups, handles, processes, sandbox
from cumulo.runner.executor import Task
from cumulo.runner.process_executor import ProcessExecutor, members


@pytest.fixture(scope="module")
def groups():
    """This machine's groups, None for an ordinary user's: then there is an address space limit only."""
    return cgroups.probe()[0]


@pytest.fixture(params=["bubblewrap", "namespaces"])
def box(request, tmp_path):
    made = sandbox.Bubblewrap() if request.param == "bubblewrap" else sandbox.Namespaces()
    reason = sandbox.probe(made, tmp_path / "probes")
    if reason:
        pytest.skip(reason)
    return made


def a_task(tmp_path, *command, **changes):
    folder = tmp_path / "attempt" / "job"
    folder.mkdir(parents=True, exist_ok=True)
    task = Task(f"test-{tmp_path.name}-{os.getpid()}", tuple(command), {}, folder, 64 << 20, 1000, 64)
    return msgspec.structs.replace(task, **changes)


async def run(executor, task, *, kill_once_ready=False, grace_s=0.5):
    """Run a task to its end, or kill it once it has said `ready`; return (exit code, output, usage, handle)."""
    output = {1: bytearray(), 2: bytearray()}
    written = []
    said = asyncio.Event()

    def sink(stream, data):
        output[stream].extend(data)
        if output[1].startswith(b"ready\n"):
            said.set()

    def write_handle(handle):
        handles.write(task.folder.parent, handle)
        written.append(msgspec.structs.replace(handle))

    running = await executor.start(task, sink, write_handle)
    assert written[0].pid == 0, "the handle is on disk before the command can run"
    if kill_once_ready:
        await said.wait()
        await running.kill(grace_s)
    code = await running.wait()
    usage = await running.reap()
    assert members(running.handle) == []
    return code, {stream: bytes(data) for stream, data in output.items()}, usage, running.handle


def test_a_sandboxed_command_sees_its_folder_and_no_network_and_none_of_the_hosts_processes(tmp_path, box, groups):
    (tmp_path / "attempt" / "job").mkdir(parents=True)
    (tmp_path / "attempt" / "job" / "in.txt").write_text("hello")
    script = (
        "import os, pathlib, socket; print(pathlib.Path('in.txt').read_text(), os.getcwd());"
        "print([name for _, name in socket.if_nameindex()], len([p for p in os.listdir('/proc') if p.isdigit()]) < 6);"
        "print(os.path.exists('/root/.bashrc'), sorted(os.environ)); pathlib.Path('out.txt').write_text('done')"
    )
    task = a_task(tmp_path, sys.executable, "-I", "-c", script)

    code, output, usage, _ = asyncio.run(run(ProcessExecutor(box, groups, tmp_path), task))

    lines = output[1].decode().splitlines()
    assert code == 0, output
    assert lines[0] == "hello /job"
    assert lines[1] == "['lo'] True"
    assert lines[2].startswith("False ['CUMULO_JOB_MARK', 'HOME'")
    assert (task.folder / "out.txt").read_text() == "done"
    assert (usage.cpu_ms > 0, usage.memory_peak_bytes > 0) == (groups is not None, groups is not None)


def test_a_sandboxed_command_cannot_write_outside_its_folder(tmp_path, box, groups):
    task = a_task(tmp_path, "sh", "-c", "echo x > /usr/cumulo-was-here; echo x > /etc/cumulo; ls /usr/cumulo-was-here")

    code, _, _, _ = asyncio.run(run(ProcessExecutor(box, groups, tmp_path), task))

    assert code != 0
    assert not Path("/usr/cumulo-was-here").exists()
    assert not Path("/etc/cumulo").exists()


@pytest.mark.parametrize(("command", "code"), [("exit 7", 7), ("kill -9 $$", 137), ("kill -15 $$", 143)])
def test_the_exit_code_is_the_commands_own(tmp_path, box, groups, command, code):
    task = a_task(tmp_path, "sh", "-c", command)

    assert asyncio.run(run(ProcessExecutor(box, groups, tmp_path), task))[0] == code


@pytest.mark.parametrize("boxed", [True, False])
@pytest.mark.parametrize(
    ("command", "code", "reason"),
    [
        ("no-such-program", 127, "CommandNotFound: no-such-program is"),
        ("./missing", 127, "CommandNotFound: ./missing is"),
        ("./data", 126, "CommandNotExecutable: ./data is"),
        ("-e", 127, "CommandNotFound: -e is"),
        ("a=b", 127, "CommandNotFound: a=b is"),
        ("./script", 0, ""),
        ("echo", 0, ""),
    ],
)
def test_a_command_that_cannot_be_started_is_told_from_one_that_fails(
    tmp_path, box, groups, boxed, command, code, reason
):
    task = a_task(tmp_path, command, "cumulo: ./missing: not found", memory_bytes=1 << 30)
    (task.folder / "data").write_text("no program")
    (task.folder / "script").write_text("#!/bin/sh\necho begun\n")
    (task.folder / "script").chmod(0o755)

    async def scenario():
        executor = ProcessExecutor(box if boxed else None, groups, tmp_path)
        running = await executor.start(task, lambda stream, data: None, lambda handle: None)
        ended = await running.wait()
        await running.reap()
        return ended, running.why_not_started

    ended, why = asyncio.run(scenario())

    assert ended == code
    assert why.startswith(reason)
    assert bool(why) == bool(reason)


def test_a_command_over_its_memory_limit_is_killed_and_the_kill_is_counted(tmp_path, box, groups, grouped):
    task = a_task(tmp_path, sys.executable, "-I", "-c", "b'x' * (200 << 20)")

    code, _, usage, _ = asyncio.run(run(ProcessExecutor(box, groups, tmp_path), task))

    assert code != 0
    assert usage.oom_kills > 0


def test_a_command_gets_no_more_of_the_processor_than_its_share(tmp_path, box, groups, grouped):
    script = "import time\nend = time.monotonic() + 1.5\nwhile time.monotonic() < end: pass"
    task = a_task(tmp_path, sys.executable, "-I", "-c", script, cpu_millis=200)

    code, _, usage, _ = asyncio.run(run(ProcessExecutor(box, groups, tmp_path), task))

    assert code == 0
    assert 0 < usage.cpu_ms < 750, "a fifth of 1.5 s and of the start, not the whole"


def test_a_fork_bomb_meets_its_limit(tmp_path, box, groups, grouped):
    script = "import os\nwhile True:\n  pid = os.fork()\n  if pid == 0:\n    import time; time.sleep(60)"
    task = a_task(tmp_path, sys.executable, "-I", "-c", script, pids_max=20)

    code, output, _, _ = asyncio.run(run(ProcessExecutor(box, groups, tmp_path), task))

    assert code == 1
    assert b"BlockingIOError" in output[2]


def test_kill_ends_a_command_that_ignores_term_and_its_daemons(tmp_path, box, groups):
    script = "trap '' TERM; (setsid sleep 1000 &); (setsid sh -c 'sleep 1001 & sleep 1002' &); echo ready; sleep 1003"
    task = a_task(tmp_path, "sh", "-c", script)

    code, _, _, handle = asyncio.run(run(ProcessExecutor(box, groups, tmp_path), task, kill_once_ready=True))

    assert code == 137
    assert not any(Path(folder).exists() for folder in handle.cgroups)


def test_kill_gives_a_command_time_to_end_by_itself(tmp_path, box, groups):
    task = a_task(tmp_path, "sh", "-c", "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.05; done")

    code, output, _, _ = asyncio.run(run(ProcessExecutor(box, groups, tmp_path), task, kill_once_ready=True, grace_s=3))

    assert (code, output[1]) == (3, b"ready\nbye\n")


def test_a_plain_process_without_groups_leaves_nothing_even_when_it_daemonises(tmp_path):
    task = a_task(tmp_path, "sh", "-c", "(setsid sleep 1000 >/dev/null 2>&1 &) ; echo started", memory_bytes=1 << 30)

    code, output, _, handle = asyncio.run(run(ProcessExecutor(None, None, tmp_path), task))

    assert (code, output[1]) == (0, b"started\n")
    assert processes.marked(handle.mark) == []


def test_what_a_dead_worker_left_is_ended_and_removed_by_the_next(tmp_path, groups):
    task = a_task(tmp_path, "sleep", "1000")

    async def start():
        executor = ProcessExecutor(None, groups, tmp_path)
        return await executor.start(
            task, lambda stream, data: None, lambda handle: handles.write(task.folder.parent, handle)
        )

    async def leave_behind_and_clean_up():
        running = await start()
        # The worker is gone: its process id now belongs to nobody who started at that time.
        handles.write(task.folder.parent, msgspec.structs.replace(running.handle, owner_start_ticks=1))
        found = await asyncio.to_thread(handles.clean_up, tmp_path)
        assert await running.wait() == 137
        running._transport.close()
        return found, running.handle

    found, handle = asyncio.run(leave_behind_and_clean_up())

    assert found == [task.mark]
    assert members(handle) == []
    assert not task.folder.parent.exists()
    assert not any(Path(folder).exists() for folder in handle.cgroups)


def test_what_a_living_worker_runs_is_left_alone_by_clean_up(tmp_path, groups):
    task = a_task(tmp_path, "sleep", "1000")

    async def scenario():
        executor = ProcessExecutor(None, groups, tmp_path)
        running = await executor.start(
            task, lambda stream, data: None, lambda handle: handles.write(task.folder.parent, handle)
        )
        found = await asyncio.to_thread(handles.clean_up, tmp_path)
        alive = members(running.handle)
        await running.kill(0)
        await running.wait()
        await running.reap()
        return found, alive

    found, alive = asyncio.run(scenario())

    assert found == []
    assert alive


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PATH"])
def test_a_jobs_environment_reaches_nothing_outside_its_sandbox(tmp_path, box, groups, name):
    task = a_task(tmp_path, "/bin/true")
    escaped = tmp_path / "escaped"
    for program in ("bwrap", "unshare", "sh"):
        (task.folder / program).write_text(f"#!/bin/sh\n: > {escaped}\nexit 9\n")
        (task.folder / program).chmod(0o755)
    (task.folder / "evil.so").write_bytes(b"not a library, which the loader says aloud")
    environment = {"LD_PRELOAD": "./evil.so"} if name == "LD_PRELOAD" else {"PATH": ".:/usr/bin"}

    executor = ProcessExecutor(box, groups, tmp_path)
    code, output, _, _ = asyncio.run(run(executor, msgspec.structs.replace(task, environment=environment)))

    assert code == 0
    assert not escaped.exists()
    # Inside, each program of the job is told of the library; outside, sh, bwrap and unshare are not.
    assert output[2].count(b"evil.so") == (2 if name == "LD_PRELOAD" else 0), output[2]


def test_a_daemon_that_holds_the_output_open_holds_nothing_up(tmp_path, groups):
    task = a_task(tmp_path, "sh", "-c", "(setsid sleep 1000 &) ; echo started")

    code, output, _, _ = asyncio.run(asyncio.wait_for(run(ProcessExecutor(None, groups, tmp_path), task), 5))

    assert (code, output[1]) == (0, b"started\n")


def test_orphans_of_plain_jobs_leave_no_zombies_in_a_worker(tmp_path):
    script = (
        "import asyncio, os, pathlib, sys\n"
        "from cumulo.runner import processes\n"
        "from cumulo.runner.executor import Task\n"
        "from cumulo.runner.process_executor import ProcessExecutor\n"
        "processes.become_subreaper()\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "task = Task('m', ('sh', '-c', '(setsid true &); sleep 0.2'), {}, folder, 1 << 30, 1000, 64)\n"
        "async def main():\n"
        "    running = await ProcessExecutor(None, None, folder).start(task, lambda s, d: None, lambda h: None)\n"
        "    code = await running.wait()\n"
        "    await running.reap()\n"
        "    print(code, processes.children(os.getpid()))\n"
        "asyncio.run(main())\n"
    )

    done = subprocess.run([sys.executable, "-P", "-c", script, str(tmp_path)], capture_output=True, check=True)

    assert done.stdout == b"0 []\n", done


def test_a_group_that_cannot_be_made_leaves_nothing_behind(tmp_path, groups, grouped):
    task = a_task(tmp_path, "true", pids_max=-5)
    executor = ProcessExecutor(None, groups, tmp_path)

    with pytest.raises(OSError, match="Invalid argument"):
        asyncio.run(executor.start(task, lambda stream, data: None, lambda handle: None))

    assert not any(Path(folder).exists() for folder in groups.folders(f"cumulo-job-{task.mark}"))


def test_empty_groups_of_workers_that_are_gone_are_swept_and_others_stay(groups, grouped):
    gone = subprocess.Popen(["true"])
    gone.wait()
    full = subprocess.Popen(["sleep", "1000"])
    made = {
        name: groups.folders(f"cumulo-job-{name}-1-{pid}")
        for name, pid in (("dead", gone.pid), ("alive", os.getpid()), ("full", gone.pid))
    }
    for folders in made.values():
        groups.make(folders, 64 << 20, 1000, 64)
    for folder in made["full"]:
        Path(folder, "cgroup.procs").write_text(str(full.pid))

    cgroups.sweep(groups)
    assert all(Path(folder).exists() for folders in made.values() for folder in folders)
    cgroups.sweep(groups, abandoned_s=0)

    found = {name: {Path(folder).exists() for folder in folders} for name, folders in made.items()}
    full.kill()
    full.wait()
    for folders in made.values():
        cgroups.remove(folders)
    assert found == {"dead": {False}, "alive": {True}, "full": {True}}


def test_a_folder_that_a_job_made_unreadable_is_removed(tmp_path):
    folder = tmp_path / "attempt"
    handles.begin(folder, a_task(tmp_path / "elsewhere", "true"))
    (folder / "job" / "a" / "b").mkdir(parents=True)
    (folder / "job" / "link").symlink_to("/etc")
    (folder / "job" / "a").chmod(0)

    handles.remove(folder)

    assert not folder.exists()
    assert Path("/etc/passwd").exists()


def command_lines(pids):
    lines = []
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended since it was listed
            lines.append(Path(f"/proc/{pid}/cmdline").read_bytes())
    return lines


def test_a_jobs_variables_stand_on_no_command_line_that_others_could_read(tmp_path, groups):
    box = sandbox.Bubblewrap()
    if reason := sandbox.probe(box, tmp_path / "probes"):
        pytest.skip(reason)
    task = a_task(tmp_path, "sh", "-c", "echo ready $TOKEN; ls /proc/self/fd | wc -l; exec sleep 1000")

    async def scenario():
        executor = ProcessExecutor(box, groups, tmp_path)
        output = bytearray()
        said = asyncio.Event()

        def sink(stream, data):
            output.extend(data)
            if output.count(b"\n") == 2:
                said.set()

        secret = msgspec.structs.replace(task, environment={"TOKEN": "hunter2 = '\u00fc'"})
        running = await executor.start(secret, sink, lambda handle: None)
        await said.wait()
        lines = command_lines(members(running.handle))
        async with asyncio.timeout(10):
            while not any(b"sleep" in line for line in lines):  # the shell is about to become it
                await asyncio.sleep(0.01)
                lines = command_lines(members(running.handle))
        await running.kill(0)
        await running.reap()
        return bytes(output), lines

    output, lines = asyncio.run(scenario())

    assert output.decode() == "ready hunter2 = '\u00fc'\n4\n", "and no descriptor of the worker's is open inside"
    assert not any(b"hunter2" in line for line in lines)
