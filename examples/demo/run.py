"""The demo: bucket -> queue -> worker -> isolated job -> bucket, under identity, on real sockets and real processes.

Starts `cumulo serve` on a data folder of its own, lets two users with little power upload and work, kills one of four
workers in the middle on purpose, shows a refused call, and writes a report with pictures. `make demo` runs it.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import report
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from cumulo.client import Client, errors, model

HERE = Path(__file__).resolve().parent
JOBS = HERE.parent / "jobs"
OWN_FILES = HERE.parent / "data"
WORKERS = 4
LEASE_S = 6
"""Visibility timeout and job lease: short, so that the planned kill is seen to heal; heartbeats come every third of it.
"""
READY_S = 30
FINISH_S = 240
POLL_S = 0.05
COLUMNS_MIN = 100
"""So that the table can be read where the output is no terminal."""
PICTURES = (".png", ".jpg", ".jpeg")
KIND_BY_SUFFIX: dict[str, report.Kind] = {
    ".txt": "text",
    ".md": "text",
    ".png": "image",
    ".jpg": "image",
    ".jpeg": "image",
    ".gif": "image",
}

PRODUCER_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Sid": "OnlyUpload", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::inbox/*"}
    ],
}
WORKER_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "TakeFromJobs",
            "Effect": "Allow",
            "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "batch:ClaimJob"],
            "Resource": "arn:aws:sqs:us-east-1:000000000000:jobs",
        },
        {"Sid": "ReadInbox", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::inbox/*"},
        {"Sid": "WriteOutbox", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::outbox/*"},
    ],
}


class DemoFailed(Exception):
    """Something that the demo promises did not happen."""


@dataclass
class Kill:
    """The worker that was killed on purpose."""

    job: str = ""
    key: str = ""
    worker: str = ""
    pid: int = 0
    at_s: float = 0.0


@dataclass
class Demo:
    """One run: its processes, its clients and what it saw."""

    console: Console
    folder: Path
    files: list[Path]
    root: Path
    own_files: bool
    """Whether the input is examples/data, on which every job succeeds and one takes long enough to kill its worker."""
    started: float = field(default_factory=time.time)
    server: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    kill: Kill = field(default_factory=Kill)
    uploaded: dict[str, float] = field(default_factory=dict)
    logs: dict[str, list[str]] = field(default_factory=dict)

    def now_s(self) -> float:
        return time.time() - self.started

    def say(self, text: str) -> None:
        self.console.print(f"[bold cyan]{self.now_s():6.2f} s[/]  {text}", highlight=False, soft_wrap=True)

    # -- processes

    def cumulo(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).with_name("cumulo")), *arguments]

    def start_server(self) -> dict[str, Any]:
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CUMULO_")}
        self.server = subprocess.Popen(
            self.cumulo(
                "serve",
                "--data",
                str(self.folder / "data"),
                "--port",
                "0",
                "--grpc-port",
                "0",
                "--ready-file",
                str(ready),
            ),
            stdout=(self.folder / "server.log").open("wb"),
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=self.folder,
        )
        end = time.monotonic() + READY_S
        while not ready.exists():
            if self.server.poll() is not None or time.monotonic() > end:
                raise DemoFailed(f"the server did not start; see {self.folder / 'server.log'}")
            time.sleep(0.01)
        endpoints: dict[str, Any] = json.loads(ready.read_text())
        return endpoints

    def stop_server(self) -> None:
        if self.server is not None and self.server.poll() is None:
            self.server.send_signal(signal.SIGTERM)
            if self.server.wait(timeout=40) != 0:
                raise DemoFailed(f"the server ended with {self.server.returncode}")

    def start_workers(self, target: str, key: model.NewAccessKey) -> None:
        text = (HERE / "template.toml").read_text()
        template = self.folder / "template.toml"
        template.write_text(text.replace("@PYTHON@", sys.executable).replace("@JOBS@", str(JOBS)))
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("CUMULO_", "AWS_"))}
        environment |= {
            "CUMULO_TARGET": target,
            "AWS_ACCESS_KEY_ID": key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        }
        for number in range(WORKERS):
            command = self.cumulo(
                "worker",
                "--queue",
                "jobs",
                "--template",
                str(template),
                "--lease",
                str(LEASE_S),
                "--work",
                str(self.folder / f"worker-{number + 1}"),
                "--visible",
                str(JOBS),
                "--log-format",
                "json",
            )
            log = (self.folder / f"worker-{number + 1}.log").open("wb")
            self.workers.append(
                subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=self.folder)
            )

    def stop_workers(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGTERM)
        for worker in self.workers:
            worker.wait(timeout=30)

    def worker_name(self, label: str) -> tuple[str, int]:
        """Return a worker's number and process id out of the label in a job's record."""
        pid = int(label.rpartition("/")[2])
        for number, worker in enumerate(self.workers):
            if worker.pid == pid:
                return f"worker-{number + 1}", pid
        return label, pid

    def isolation(self) -> str:
        """Return what the workers said that they can do."""
        for number in range(len(self.workers)):
            for line in (self.folder / f"worker-{number + 1}.log").read_text(errors="replace").splitlines():
                if line.startswith("isolation: "):
                    return line.removeprefix("isolation: ")
        return "not told"

    # -- the path

    def prepare(self, admin: Client) -> tuple[model.NewAccessKey, model.NewAccessKey]:
        """Make buckets, queue, notification and the two users."""
        admin.queue("jobs", create=True, visibility_timeout=LEASE_S)
        admin.bucket("inbox", create=True)
        admin.bucket("outbox", create=True)
        rule = model.NotificationRule(queue="jobs", events=("s3:ObjectCreated:*",), id="to-jobs")
        admin.bucket("inbox").set_notifications([rule])
        keys = []
        for user, policy in (("producer", PRODUCER_POLICY), ("worker", WORKER_POLICY)):
            admin.iam.create_user(user)
            admin.iam.put_user_policy(user, "only-what-it-needs", policy)
            keys.append(admin.iam.create_access_key(user))
        return keys[0], keys[1]

    def upload(self, producer: Client, progress: Progress) -> None:
        total = sum(path.stat().st_size for path in self.files)
        task = progress.add_task("upload", total=total, unit="bytes")
        inbox = producer.bucket("inbox")
        for path in self.files:
            key = path.relative_to(self.root).as_posix()
            inbox.upload_file(path, key)
            self.uploaded[key] = self.now_s()
            progress.advance(task, path.stat().st_size)

    def watch(self, admin: Client, progress: Progress) -> list[model.JobInfo]:
        """Follow the jobs until every upload has a final one; kill one worker on the way."""
        task = progress.add_task("jobs", total=len(self.files), unit="jobs")
        followed: set[str] = set()
        threads: list[threading.Thread] = []
        end = time.monotonic() + FINISH_S
        while True:
            jobs = list(admin.jobs.list(queue="jobs"))
            for job in jobs:
                if job.id not in followed:
                    followed.add(job.id)
                    thread = threading.Thread(target=self.follow, args=(admin, job, progress), daemon=True)
                    thread.start()
                    threads.append(thread)
            if not self.kill.pid:
                self.kill_one(admin, jobs, progress)
            final = [job for job in jobs if job.state in model.FINAL_STATES]
            progress.update(task, completed=len(final))
            if len(final) == len(self.files):
                break
            if time.monotonic() > end:
                raise DemoFailed(f"{len(final)} of {len(self.files)} jobs ended within {FINISH_S} s; see {self.folder}")
            time.sleep(POLL_S)
        for thread in threads:
            thread.join(timeout=10)
        return [admin.jobs.get(job.id).refresh().info for job in jobs]

    def follow(self, admin: Client, job: model.JobInfo, progress: Progress) -> None:
        """Show a job's log while it runs, over as many attempts as it takes."""
        key = key_of(job)
        lines = self.logs.setdefault(job.id, [])
        attempt = 1
        while True:
            try:
                for line in admin.jobs.get(job.id).logs(follow=True, attempt=attempt):
                    lines.append(line.rstrip("\n"))
                    shown = escape(f"{PurePosixPath(key).name}: {line.rstrip()}")
                    progress.console.print(f"          [dim]{shown}[/]", highlight=False, soft_wrap=True)
                info = admin.jobs.info(job.id)
            except errors.CumuloError:
                return
            if info.state in model.FINAL_STATES and attempt >= len(info.attempts):
                return
            attempt += 1

    def kill_one(self, admin: Client, jobs: list[model.JobInfo], progress: Progress) -> None:
        """Send SIGKILL to the worker of a running job, a long one by preference."""
        running = [job for job in jobs if job.state == "RUNNING"]
        if not running:
            return
        left = len(self.files) - sum(job.state in model.FINAL_STATES for job in jobs)
        sizes = {path.relative_to(self.root).as_posix(): path.stat().st_size for path in self.files if is_text(path)}
        largest = max(sizes, key=sizes.__getitem__, default="")
        wanted = [job for job in running if key_of(job) == largest] or (running if left <= WORKERS else [])
        for job in wanted:
            info = admin.jobs.info(job.id)
            if info.state != "RUNNING":
                continue
            name, pid = self.worker_name(info.attempts[-1].worker)
            os.kill(pid, signal.SIGKILL)
            self.kill = Kill(job.id, key_of(job), name, pid, self.now_s())
            progress.console.print(
                f"[bold cyan]{self.now_s():6.2f} s[/]  [bold red]killed {name}[/] (pid {pid}) in the middle of"
                f" {self.kill.key}"
            )
            return


def is_text(path: Path) -> bool:
    return KIND_BY_SUFFIX.get(path.suffix.lower()) == "text"


def key_of(job: model.JobInfo) -> str:
    return job.spec.inputs[0].source.removeprefix("s3://inbox/")


def find_files(folder: Path, *, short: bool) -> list[Path]:
    files = sorted(
        path for path in folder.rglob("*") if path.is_file() and path.name != "README.md" and path.stat().st_size
    )
    if not files:
        raise DemoFailed(f"{folder} holds no file to work on")
    if short:
        texts = [path for path in files if is_text(path)]
        texts.sort(key=lambda path: path.stat().st_size)
        files = texts[-2:] + [path for path in files if not is_text(path)][:2]
    return files


def refused_call(producer: Client) -> report.RefusedCall:
    """Let the producer try to read what it may not."""
    try:
        producer.bucket("outbox").get("anything")
    except errors.PermissionDenied as denied:
        return report.RefusedCall(
            principal="producer",
            action="s3:GetObject",
            resource="arn:aws:s3:::outbox/anything",
            code="AccessDenied",
            explanation=denied.message,
        )
    raise DemoFailed("the producer could read the outbox")


def check_outbox(admin: Client, jobs: list[model.JobInfo]) -> dict[str, list[model.ObjectInfo]]:
    """Return the outbox by input; everything that a job reported stands there once, and nothing else."""
    found = {item.key: item for item in admin.bucket("outbox").list()}
    reported = [output.object.removeprefix("s3://outbox/") for job in jobs for output in job.outputs]
    if len(set(reported)) != len(reported):
        raise DemoFailed("an output was reported twice")
    if set(reported) != set(found):
        raise DemoFailed(f"the outbox differs from what the jobs reported: {sorted(set(reported) ^ set(found))[:5]}")
    return {key_of(job): [found[o.object.removeprefix("s3://outbox/")] for o in job.outputs] for job in jobs}


def download_pictures(admin: Client, outbox: dict[str, list[model.ObjectInfo]], folder: Path) -> dict[str, list[Path]]:
    pictures: dict[str, list[Path]] = {}
    for key, objects in outbox.items():
        for item in objects:
            name = PurePosixPath(item.key).name
            if name.endswith(PICTURES) and ("plot" in name or "sheet" in name):
                path = folder / item.key
                path.parent.mkdir(parents=True, exist_ok=True)
                admin.bucket("outbox").download_file(item.key, path)
                pictures.setdefault(key, []).append(path)
    return pictures


def attempts_of(demo: Demo, job: model.JobInfo) -> tuple[report.Attempt, ...]:
    attempts = []
    for attempt in job.attempts:
        name, pid = demo.worker_name(attempt.worker)
        start, stop = attempt.started or attempt.claimed, attempt.stopped or attempt.claimed
        outcome: report.Outcome = (
            "succeeded" if attempt.exit_code == 0 else "lost" if attempt.exit_code is None else "refused"
        )
        attempts.append(
            report.Attempt(
                name, pid, start.timestamp() - demo.started, stop.timestamp() - demo.started, outcome, attempt.exit_code
            )
        )
    return tuple(attempts)


def job_rows(
    demo: Demo, jobs: list[model.JobInfo], outbox: dict[str, list[model.ObjectInfo]], pictures: dict[str, list[Path]]
) -> list[report.Job]:
    sizes = {path.relative_to(demo.root).as_posix(): path.stat().st_size for path in demo.files}
    rows = []
    for job in sorted(jobs, key=key_of):
        key = key_of(job)
        rows.append(
            report.Job(
                input_key=key,
                input_bytes=sizes[key],
                kind=KIND_BY_SUFFIX.get(PurePosixPath(key).suffix.lower(), "other"),
                uploaded_s=demo.uploaded[key],
                attempts=attempts_of(demo, job),
                outputs=tuple(report.Output(item.key, item.size) for item in outbox.get(key, [])),
                pictures=tuple(
                    report.Picture(path, f"{key}: {path.stem.replace('_', ' ')}") for path in pictures.get(key, [])
                ),
                log=tuple(demo.logs.get(job.id, [])),
                note=job.status_reason if job.state == "FAILED" else "",
            )
        )
    return rows


def kill_story(
    demo: Demo, jobs: list[model.JobInfo], outbox: dict[str, list[model.ObjectInfo]]
) -> report.PlannedKill | None:
    job = next((job for job in jobs if job.id == demo.kill.job), None)
    if job is None:
        return None
    last = job.attempts[-1]
    name, pid = demo.worker_name(last.worker)
    if job.state != "SUCCEEDED" or len(job.attempts) < 2 or pid == demo.kill.pid:
        raise DemoFailed(f"nobody finished the killed worker's job: {job.state}")
    assert last.stopped is not None
    return report.PlannedKill(
        input_key=demo.kill.key,
        message_id=job.deduplication_key.partition("/")[0],
        worker=demo.kill.worker,
        pid=demo.kill.pid,
        killed_s=demo.kill.at_s,
        visibility_timeout_s=LEASE_S,
        returned_s=last.claimed.timestamp() - demo.started,
        receive_count=len(job.attempts),
        finished_by=name,
        finished_by_pid=pid,
        finished_s=last.stopped.timestamp() - demo.started,
        outputs_found=len(outbox.get(demo.kill.key, [])),
        outputs_expected=len(job.outputs),
    )


def show_table(console: Console, rows: list[report.Job]) -> None:
    table = Table(title="What the workers did", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("input", no_wrap=True)
    for title in ("bytes", "tries", "waited s", "ran s", "outputs"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("worker", no_wrap=True)
    table.add_column("end", no_wrap=True)
    for row in rows:
        colour = "green" if row.last.outcome == "succeeded" else "yellow"
        table.add_row(
            PurePosixPath(row.input_key).name,
            f"{row.input_bytes:,}",
            str(len(row.attempts)),
            f"{row.queue_wait_s:.2f}",
            f"{row.run_s:.2f}",
            str(len(row.outputs)),
            row.last.worker.removeprefix("worker-"),
            f"[{colour}]{row.last.outcome}[/]",
        )
    console.print(table)


def run(demo: Demo, *, keep: bool) -> None:
    endpoints = demo.start_server()
    demo.say(f"server ready: gRPC {endpoints['grpc']}, durable data in {endpoints['data']}")
    root = json.loads((demo.folder / "data" / "secrets" / "root_credentials.json").read_text())
    credentials = {"access_key_id": root["access_key_id"], "secret_access_key": root["secret_access_key"]}
    columns = (
        TextColumn("{task.description:>8}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} {task.fields[unit]}"),
        TimeElapsedColumn(),
    )
    with Client(endpoints["grpc"], **credentials) as admin:
        producer_key, worker_key = demo.prepare(admin)
        demo.say("made buckets inbox and outbox, queue jobs, and two users who may do only their part")
        producer = Client(
            endpoints["grpc"],
            access_key_id=producer_key.access_key_id,
            secret_access_key=producer_key.secret_access_key,
        )
        with producer, Progress(*columns, console=demo.console) as progress:
            demo.start_workers(endpoints["grpc"], worker_key)
            demo.upload(producer, progress)
            jobs = demo.watch(admin, progress)
            refused = refused_call(producer)
        isolation = demo.isolation()
        demo.stop_workers()
        outbox = check_outbox(admin, jobs)
        pictures = download_pictures(admin, outbox, demo.folder / "pictures")
        left = admin.queue("jobs").info()
        if left.message_count or left.in_flight_count:
            raise DemoFailed(f"messages are left in the queue: {left}")
        version = endpoints["version"]
    wall_s = demo.now_s()
    rows = job_rows(demo, jobs, outbox, pictures)
    kill = kill_story(demo, jobs, outbox)
    show_table(demo.console, rows)
    if demo.own_files:
        failed = [key_of(job) for job in jobs if job.state != "SUCCEEDED"]
        if failed:
            raise DemoFailed(f"jobs failed: {', '.join(failed)}")
        if kill is None:
            raise DemoFailed("no job ran long enough for its worker to be killed")
    demo.say(f"jobs ran isolated by: {isolation}")
    if kill is not None:
        demo.say(
            f"{kill.worker} died at {kill.killed_s:.1f} s with {kill.input_key}; {kill.finished_by} finished it at"
            f" {kill.finished_s:.1f} s; {kill.outputs_found} outputs, none twice"
        )
    demo.say(f"[yellow]refused[/]: {refused.explanation}")
    target, data = endpoints["grpc"], demo.folder / "data"
    again = f"cumulo serve --data {data}"
    snippets = (
        report.Snippet(
            "Command line",
            f'{again} &\neval "$(cumulo env --data {data})"\ncumulo object ls s3://outbox\ncumulo job ls',
        ),
        report.Snippet(
            "Python",
            'from cumulo.client import Client\n\nwith Client() as c:\n    for item in c.bucket("outbox").list():\n'
            "        print(item.key, item.size)",
        ),
    )
    mode, _, reason = isolation.partition(", ")
    limits = (("memory", "512 MiB"), ("time", "60 s"), ("processes", "64"), ("network", "none"))
    page = report.build(
        report.Report(
            started_at=time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(demo.started)),
            version=version,
            wall_s=wall_s,
            workers=WORKERS,
            engine="LMDB, durable",
            isolation=report.Isolation(mode, reason, limits),
            jobs=tuple(rows),
            principals=(
                report.Principal("producer", ("put objects into s3://inbox",)),
                report.Principal("worker", ("take from queue jobs", "read s3://inbox", "write s3://outbox")),
            ),
            kill=kill,
            refused_call=refused,
            snippets=snippets,
        ),
        demo.folder / "report",
    )
    demo.say(f"report: {page}")
    if keep:
        demo.say(
            f"the server goes on (pid {endpoints['pid']}, gRPC {target}); look around, then `kill {endpoints['pid']}`:"
        )
        look = f'eval "$(cumulo env --data {data})"'
    else:
        demo.stop_server()
        demo.say("the server has stopped cleanly; to look at the result:")
        look = f'{again} &\n          eval "$(cumulo env --data {data})"'
    cumulo = Path(sys.executable).parent
    demo.console.print(f"          export PATH={cumulo}:$PATH\n          {look}", highlight=False, soft_wrap=True)
    demo.console.print("          cumulo object ls s3://outbox        cumulo job ls", highlight=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, default=OWN_FILES, help="folder of files to work on")
    parser.add_argument("--output", type=Path, default=Path("demo-out"), help="where data, logs and the report go")
    parser.add_argument("--keep", action="store_true", help="leave the server running")
    parser.add_argument("--short", action="store_true", help="four files only")
    arguments = parser.parse_args()
    console = Console()
    console.width = max(console.width, COLUMNS_MIN)
    folder = arguments.output.absolute()
    if (folder / "ready.json").exists() or not folder.exists() or not any(folder.iterdir()):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "ready.json").touch()
    else:
        console.print(f"[red]{folder} holds something that is not a demo's output; choose another with --output[/]")
        return 2
    root = arguments.input.resolve()
    demo: Demo | None = None
    try:
        demo = Demo(console, folder, find_files(root, short=arguments.short), root, own_files=root == OWN_FILES)
        run(demo, keep=arguments.keep)
    except (DemoFailed, errors.CumuloError) as failed:
        console.print(f"[bold red]the demo failed:[/] {failed}")
        return 1
    else:
        return 0
    finally:
        if demo is not None:
            for process in (*demo.workers, *(() if arguments.keep and sys.exc_info()[0] is None else (demo.server,))):
                if process is not None and process.poll() is None:
                    process.terminate()
                    process.wait(timeout=40)


if __name__ == "__main__":
    sys.exit(main())
