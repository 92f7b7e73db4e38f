"""Claims and attempts inside this process, on a real server: what is hard to time from outside."""

import asyncio
import subprocess
import time
from collections import Counter

import pytest

from cumulo.client import errors, model
from cumulo.runner import cgroups
from cumulo.runner.attempt import Attempt, AttemptFailed
from cumulo.runner.isolation import Isolation, find_isolation
from cumulo.runner.log_upload import PIECES_MAX, LogUpload
from cumulo.runner.model import LOG_BYTES_MAX
from cumulo.runner.process_executor import ProcessExecutor


def attempt_at(client, isolation, claim, folder):
    return Attempt(client, isolation, claim, work_folder=folder, visible=(), lease_s=5, claimed_at=time.monotonic())


def on_server(stand, scenario):
    async def go():
        async with stand.server.async_client() as client:
            return await scenario(client)

    return asyncio.run(go())


def test_of_many_workers_that_get_one_message_one_starts_the_job(stand, queue):
    async def scenario(client):
        for number in range(50):
            job = await client.jobs.submit(["true"], queue=queue)
            claims = await asyncio.gather(*(client.jobs.claim(job.id, worker=f"w{it}") for it in range(4)))
            assert Counter(claim.outcome for claim in claims) == {"claimed": 1, "held": 3}, number
            assert len({claim.lease_token for claim in claims}) == 2
            assert len((await job.refresh()).info.attempts) == 1

    on_server(stand, scenario)


def test_of_many_workers_that_get_one_notification_one_makes_the_job_and_starts_it(stand, queue):
    async def scenario(client):
        spec = model.JobSpec(name="made", command=("true",))
        claims = await asyncio.gather(
            *(
                client.jobs.claim(worker="w", trigger_queue=queue, trigger_spec=spec, deduplication_key=f"m/{it // 5}")
                for it in range(50)
            )
        )
        assert Counter(claim.outcome for claim in claims) == {"claimed": 10, "held": 40}
        assert len({claim.job.id for claim in claims}) == 10

    on_server(stand, scenario)


def test_a_job_that_was_cancelled_while_it_was_starting_ends_at_its_start(stand, queue, isolation, sandboxed, tmp_path):
    async def scenario(client):
        job = await client.jobs.submit(["sleep", "1000"], queue=queue)
        claim = await client.jobs.claim(job.id, worker="w", lease_s=5)
        assert (await job.cancel("too early")).info.cancel_requested
        assert job.state == "STARTING"

        final = await attempt_at(client, isolation, claim, tmp_path).run()

        assert final
        assert ((await job.refresh()).state, job.info.status_reason) == ("FAILED", "cancelled: too early")
        assert len(job.info.attempts) == 1

    on_server(stand, scenario)
    assert list(tmp_path.iterdir()) == []


def test_an_attempt_that_is_over_waits_for_no_transfer(stand, queue, isolation, tmp_path):
    async def scenario(client):
        job = await client.jobs.submit(["true"], queue=queue)
        attempt = attempt_at(client, isolation, await client.jobs.claim(job.id, worker="w"), tmp_path)
        asyncio.get_running_loop().call_soon(attempt._lease.over.set)
        with pytest.raises(AttemptFailed, match="Cancelled"):
            await attempt._unless_over(asyncio.Event().wait)
        await attempt._log.abandon()

    on_server(stand, scenario)


def test_a_cancel_that_comes_with_the_completion_leaves_one_final_state(stand, queue):
    async def scenario(client):
        for _ in range(20):
            job = await client.jobs.submit(["true"], queue=queue)
            claim = await client.jobs.claim(job.id, worker="w")
            done, asked = await asyncio.gather(
                client.jobs.complete(job.id, claim.attempt, claim.lease_token, exit_code=0), client.jobs.cancel(job.id)
            )
            assert done.state == "SUCCEEDED"
            assert asked.state in ("SUCCEEDED", "STARTING")
            assert (await job.refresh()).state == "SUCCEEDED"
            with pytest.raises(errors.PreconditionFailed, match="LeaseLost"):
                await client.jobs.complete(job.id, claim.attempt, claim.lease_token, exit_code=1)

    on_server(stand, scenario)


def test_a_sandbox_is_never_replaced_by_something_weaker(stand, queue, tmp_path):
    weak = Isolation(None, ProcessExecutor(None, None, tmp_path), "no sandbox: nothing is installed")

    async def scenario(client):
        job = await client.jobs.submit(["sh", "-c", f"echo ran > {tmp_path}/ran"], queue=queue, max_attempts=1)
        claim = await client.jobs.claim(job.id, worker="w")
        assert await attempt_at(client, weak, claim, tmp_path / "work").run()
        return (await job.refresh()).info

    info = on_server(stand, scenario)

    assert info.status_reason == "IsolationUnavailable: sandbox was asked for; no sandbox: nothing is installed"
    assert not (tmp_path / "ran").exists()


def test_a_machine_without_sandboxes_says_why(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find_isolation(tmp_path, allow_plain=False)

    assert (found.sandboxed, found.plain) == (None, None)
    assert found.description.startswith("no sandbox: bwrap is not installed; unshare is not installed")
    assert list(tmp_path.iterdir()) == []


def test_workers_that_start_at_once_in_one_folder_all_find_the_sandbox(tmp_path, sandboxed, monkeypatch):
    async def start():
        return await asyncio.gather(*(asyncio.to_thread(find_isolation, tmp_path, allow_plain=False) for _ in range(4)))

    # One process has one cgroup probe by its id: here only the sandboxes race.
    monkeypatch.setattr(cgroups, "probe", lambda: (None, "not asked"))
    found = asyncio.run(start())

    assert all(it.sandboxed is not None for it in found), found


@pytest.fixture
def small_disk(tmp_path):
    """A work area of 8 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "cumulo", folder], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(mounted.stderr.decode())
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_fails_the_attempt_with_the_reason_and_leaves_the_worker_its_room(
    stand, queue, isolation, sandboxed, small_disk
):
    large = stand.put(b"x" * (20 << 20))

    async def scenario(client):
        infos = []
        for script, inputs in (("head -c 20000000 /dev/zero > big", {}), ("true", {"big": large})):
            job = await client.jobs.submit(["sh", "-c", script], queue=queue, inputs=inputs, max_attempts=1)
            claim = await client.jobs.claim(job.id, worker="w")
            assert await attempt_at(client, isolation, claim, small_disk).run()
            infos.append((await job.refresh()).info)
            assert list(small_disk.iterdir()) == []
        return infos

    writing, staging = on_server(stand, scenario)
    assert writing.status_reason == "the command exited with 1"
    assert b"No space left on device" in stand.log(writing)["stderr"]
    assert staging.status_reason == "WorkerError: [Errno 28] No space left on device"


class Broken(ProcessExecutor):
    """An executor with a bug."""

    async def start(self, task, sink, write_handle):
        raise ZeroDivisionError("a bug")


def test_a_bug_in_an_attempt_fails_the_attempt_and_not_the_worker(stand, queue, tmp_path):
    async def scenario(client):
        job = await client.jobs.submit(["true"], queue=queue, max_attempts=1)
        claim = await client.jobs.claim(job.id, worker="w")
        broken = Isolation(Broken(None, None, tmp_path), None, "broken")
        assert await attempt_at(client, broken, claim, tmp_path).run()
        return (await job.refresh()).info

    assert on_server(stand, scenario).status_reason == "WorkerError: ZeroDivisionError: a bug"
    assert list(tmp_path.iterdir()) == []


def test_a_log_in_many_small_pieces_of_both_streams_takes_little_memory_and_keeps_each_streams_order(stand, queue):
    async def scenario(client):
        job = await client.jobs.submit(["true"], queue=queue)
        upload = LogUpload(client, await client.jobs.claim(job.id, worker="w"))
        for number in range(50_000):
            upload.add(1 + number % 2, b"%d\n" % number)
        assert len(upload._pieces) < PIECES_MAX + 20
        await upload.close()
        found = {"stdout": b"", "stderr": b""}
        async for chunk in client.jobs.log_chunks(job.id):
            found[chunk.stream] += chunk.data
        return found

    found = on_server(stand, scenario)
    assert found["stdout"] == b"".join(b"%d\n" % number for number in range(0, 50_000, 2))
    assert found["stderr"] == b"".join(b"%d\n" % number for number in range(1, 50_000, 2))


def test_a_full_log_takes_the_workers_last_word(stand, queue):
    async def scenario(client):
        job = await client.jobs.submit(["true"], queue=queue)
        upload = LogUpload(client, await client.jobs.claim(job.id, worker="w"))
        for _ in range(17):
            upload.add(1, b"x" * (1 << 20))
        upload.say("Timeout: it was late")
        await upload.close()
        return [chunk async for chunk in client.jobs.log_chunks(job.id)]

    chunks = on_server(stand, scenario)
    assert sum(len(chunk.data) for chunk in chunks) <= LOG_BYTES_MAX
    assert chunks[-1].data.endswith(b"the rest is not stored.\nTimeout: it was late\n")


def test_a_log_of_a_lease_that_was_lost_is_dropped_and_holds_nothing_up(stand, queue):
    async def scenario(client):
        job = await client.jobs.submit(["true"], queue=queue)
        claim = await client.jobs.claim(job.id, worker="w")
        await client.jobs.complete(job.id, claim.attempt, claim.lease_token, exit_code=0)
        upload = LogUpload(client, claim)
        upload.say("too late")
        await upload.close()
        upload.say("still too late")
        assert not upload._pieces
        return [chunk async for chunk in client.jobs.log_chunks(job.id)]

    assert on_server(stand, scenario) == []
