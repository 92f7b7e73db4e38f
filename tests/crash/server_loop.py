"""The server's crash loop: load from several processes, kill -9 at a random moment, restart, check, again.

    python -m tests.crash.server_loop [--cycles 50] [--seed N] [--folder DIR]

One data folder lives through all cycles. Each cycle, client processes (`server_work`) put load on queues, objects,
identity and jobs, each logging every call before and after it; the server is killed, sometimes by a failpoint in the
middle of a durable step, sometimes again right after its restart; then `server_check` holds what is there against the
logs (`server_model`), `fifo_check` the FIFO queues against their history, and `places_check` fair queues, move tasks,
logs, schedules and topics. The seed is printed: it repeats the
cycles' choices, though not the machine's timing. Prints one line a cycle and a summary; the exit status is 1 where
anything was wrong, and then the folder stays.
"""

import argparse
import asyncio
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import grpc

from cumulo.client import Client, DeadLetterPolicy
from cumulo.storage.failpoints import POINTS
from cumulo.testing import Server, ServerFailed
from tests.crash import places_work
from tests.crash.ack_log import Call, Outcome, read_calls
from tests.crash.fifo_check import FifoCheck
from tests.crash.fifo_history import FifoHistory
from tests.crash.fifo_work import DELAYS_S
from tests.crash.places_check import PlacesCheck, PlacesHistory
from tests.crash.server_check import Check
from tests.crash.server_model import Model
from tests.crash.server_work import BUCKET, DEAD_LETTERS, JOB_QUEUE, QUEUE, RECEIVES_MAX

ROOT = Path(__file__).parent.parent.parent
Clients = tuple[tuple[tuple[str, ...], str], ...]
FIFO_CLIENT = (("fifo_work",), "fifo1")
PLACES_CLIENT = (("places_work",), "places1")
CLIENTS: Clients = (
    (("server_work", "queue"), "queue1"),
    (("server_work", "queue"), "queue2"),
    (("server_work", "objects"), "objects1"),
    (("server_work", "control"), "control1"),
    FIFO_CLIENT,
    PLACES_CLIENT,
)
"""The module of each client process, with its role there, and its name."""
GROUP = "group-control1"
TOKEN_LIFE_S = 3600
LOAD_S = (0.1, 1.2)
FAILPOINT_S = 4.0
"""How long an armed failpoint may take to be hit; then the server is killed as ever."""
STARTED_S = 30.0
ENDED_S = 60.0
FIRST_FORMAT = "data_folder.before_format"
"""Hit only when a folder is made."""


class Loop:
    """A data folder, its server, and what the clients' logs say of it."""

    def __init__(self, folder: Path, seed: int, clients: Clients = CLIENTS) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.clients = clients
        self.model = Model()
        self.history = FifoHistory(self.model.problems)
        self.places = PlacesHistory(self.model.problems)
        self.data = folder / "data"
        self.kills = 0

    def server(self, failpoints: str = "") -> Server:
        """Return a server that is started with these failpoints armed."""
        environment = {"CUMULO_FAILPOINTS": failpoints} if failpoints else {}
        settings = {"log_level": "info", "log_format": "json"}
        return Server(self.data, settings=settings, environment=environment)

    def prepare(self) -> None:
        """Make the first folder, with the queues, the bucket and the group that the clients use."""
        with self.server() as server, server.client() as client:
            client.queue(DEAD_LETTERS).create()
            client.queue(JOB_QUEUE).create()
            for queue, delay_s in DELAYS_S.items():
                client.queue(queue).create(delay=delay_s)
            policy = DeadLetterPolicy(queue=DEAD_LETTERS, max_receive_count=RECEIVES_MAX)
            client.queue(QUEUE).create(dead_letter_policy=policy)
            prepare_places(server, client)
            client.bucket(BUCKET).create()
            client.iam.create_group(GROUP)

    def draw_failpoint(self) -> str:
        """Arm nothing in two of three cycles, else one point, at one of its first hits."""
        if self.random.random() < 2 / 3:
            return ""
        name = self.random.choice([name for name in POINTS if name != FIRST_FORMAT])
        action = self.random.choice(("crash", "crash", "error"))
        hits = 200 if name.startswith("engine") else 8
        return f"{name}={action}@{self.random.randint(1, hits)}"

    def cycle(self, number: int) -> str:
        """Run one cycle; return what is to be said about it."""
        before = len(self.model.problems)
        failpoint = self.draw_failpoint()
        calls, said = self._load(number, failpoint)
        if self.random.random() < 0.2:
            self._kill_at_once()
            said += ", killed again at once"
        with self.server() as server:
            asyncio.run(self._check(number, server, calls))
            if self.random.random() < 0.3:
                server.kill()
                said += ", checked closed"
                self._check_closed()
        acked = sum(call.outcome is Outcome.ACKED for call in calls)
        found = self.model.problems[before:]
        return f"cycle {number}: {said}; {len(calls)} calls, {acked} acknowledged; " + ("; ".join(found) or "all there")

    def _load(self, number: int, failpoint: str) -> tuple[list[Call], str]:
        """Let the clients work until the server is dead; return their calls."""
        logs = [self.folder / f"log-{number}-{client}" for _, client in self.clients]
        try:
            server = self.server(failpoint)
            server.start()
        except ServerFailed:
            assert failpoint, "a server without failpoints must start"
            return [], f"{failpoint} hit at start"
        processes: list[subprocess.Popen[bytes]] = []
        try:
            token_file = self.folder / "token"
            try:
                token_file.write_text(json.dumps({"token": self._token(server)}))
            except Exception:
                if failpoint:
                    return [], f"{failpoint} hit before the load"
                raise
            for ((module, *role), client), log in zip(self.clients, logs, strict=True):
                name, seed = f"{client}.{number}", str(self.random.getrandbits(64))
                words = [sys.executable, "-m", f"tests.crash.{module}", *role, name, seed]
                words += [server.target, str(token_file), str(log)]
                processes.append(subprocess.Popen(words, cwd=ROOT, stdin=subprocess.DEVNULL))
            said = self._kill(server, logs, failpoint)
            for process in processes:
                if process.wait(ENDED_S) != 0:
                    self.model.problems.append(f"a client of cycle {number} ended with {process.returncode}")
        finally:
            for process in processes:
                if process.poll() is None:
                    process.kill()
                    process.wait()
            server.stop()
        calls: list[Call] = []
        for log in logs:
            if log.exists():
                calls += read_calls(log.read_bytes().splitlines(keepends=True))
        return calls, said

    def _token(self, server: Server) -> str:
        with server.client() as client:
            return client.iam.issue_token(TOKEN_LIFE_S).token

    def _kill(self, server: Server, logs: list[Path], failpoint: str) -> str:
        """Kill the server in the middle of the load, or let its failpoint do so."""
        deadline = time.monotonic() + STARTED_S
        while not all(log.exists() for log in logs) and _alive(server.pid):
            assert time.monotonic() < deadline, "the clients do not begin"
            time.sleep(0.01)
        after_s = self.random.uniform(*LOAD_S)
        until = time.monotonic() + (FAILPOINT_S if failpoint else after_s)
        while time.monotonic() < until and _alive(server.pid):
            time.sleep(0.005)
        hit = not _alive(server.pid)
        self.kills += 1
        server.kill()
        if failpoint:
            return f"{failpoint} {'ended the server' if hit else 'did not end the server'}"
        return f"killed after {after_s:.2f} s"

    def _kill_at_once(self) -> None:
        """Start and kill, while the server is still busy with what the last one left."""
        with self.server() as server:
            time.sleep(self.random.uniform(0, 0.2))
            server.kill()
            self.kills += 1

    async def _check(self, number: int, server: Server, calls: list[Call]) -> None:
        token = await asyncio.to_thread(self._token, server)
        async with grpc.aio.insecure_channel(server.target) as channel:
            log = self.folder / f"log-{number}-check"
            seed = f"{number}-{self.random.getrandbits(32)}"
            await Check(self.model, server, channel, token, log, seed).everything(calls)
            await self._check_fifo(number, channel, token, calls)
            await self._check_places(number, channel, token, calls)

    async def _check_places(self, number: int, channel: Any, token: str, calls: list[Call]) -> None:
        log = self.folder / f"log-{number}-places-check"
        await PlacesCheck(self.places, channel, token, log, str(number)).everything(calls)

    async def _check_fifo(self, number: int, channel: Any, token: str, calls: list[Call]) -> None:
        log = self.folder / f"log-{number}-fifo-check"
        seed = f"{number}-{self.random.getrandbits(32)}"
        await FifoCheck(self.history, channel, token, log, seed).everything(calls)

    def _check_closed(self) -> None:
        """Run `cumulo check` on the folder as the kill left it."""
        words = [str(Path(sys.executable).with_name("cumulo")), "check", "--data", str(self.data), "-o", "json"]
        done = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        found = json.loads(done.stdout)["problems"] if done.stdout else [done.stderr]
        self.model.problems += [f"cumulo check: {problem}" for problem in found]


def prepare_places(server: Server, client: Client) -> None:
    """Make what `places_work` uses, and a schedule, which sends all the time."""
    for queue in (places_work.FAIR, places_work.MOVED_FROM, places_work.TICKS):
        client.queue(queue).create()
    policy = DeadLetterPolicy(queue=places_work.MOVED_FROM, max_receive_count=1000)
    client.queue(places_work.MOVED_TO).create(dead_letter_policy=policy)
    client.queue(places_work.TICKS).schedules.create(places_work.SCHEDULE, "tick 0 ", every=1)
    client.log(places_work.LOG).create()
    sns = server.boto3("sns")
    for topic in places_work.TOPICS:
        made = client.topic(topic, create=True, keep=places_work.KEEP_S)
        made.subscribe("reader")
        for number in range(places_work.SUBSCRIBERS):
            queue = places_work.queue_of(topic, number)
            client.queue(queue).create()
            sns.subscribe(
                TopicArn=f"arn:aws:sns:us-east-1:000000000000:{topic}",
                Protocol="sqs",
                Endpoint=f"arn:aws:sqs:us-east-1:000000000000:{queue}",
                Attributes={"RawMessageDelivery": "true"},
            )


def _alive(pid: int) -> bool:
    """Say whether a child of ours still runs: a dead one is a zombie until it is waited for."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def run(cycles: int, seed: int, folder: Path) -> Model:
    """Run the loop, print it, and return what it found."""
    loop = Loop(folder, seed)
    loop.prepare()
    for number in range(1, cycles + 1):
        print(loop.cycle(number), flush=True)
    loop._check_closed()
    model = loop.model
    lost = sum("lost" in problem for problem in model.problems)
    twice = sum("before the lease" in problem or "twice" in problem for problem in model.problems)
    operations = sorted({op for op, _ in model.counted})
    print("acknowledged: " + ", ".join(f"{op} {model.counted[op, Outcome.ACKED]}" for op in operations))
    print(
        f"{cycles} cycles, {loop.kills} kills, {model.count(Outcome.ACKED)} calls acknowledged "
        f"({model.count(Outcome.UNKNOWN)} unknown, {model.count(Outcome.REFUSED)} refused), "
        f"{lost} lost, {twice} duplicated, {len(model.problems)} problems"
    )
    return model


def main() -> int:
    """Run as the module docstring says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cumulo-crash-", dir=options.folder))
    print(f"server crash loop: {options.cycles} cycles, seed {options.seed}, folder {folder}", flush=True)
    model = run(options.cycles, options.seed, folder)
    if model.problems:
        print(f"the data folder and the logs stay in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
