"""What does identity cost a SendMessage: the bearer token's look-up and the decision, with the policy epoch read at
each?

A user with one managed policy sends to a queue, on the LMDB engine in a temporary folder. Prints microseconds of CPU
for each step and for both together beside the budget of 12, and what a change of policies costs the next request. Run:
python bench/authorize.py
"""

import asyncio
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cumulo.core.clocks import SystemClock
from cumulo.core.context import CallContext
from cumulo.core.ids import SystemRandomness
from cumulo.core.names import FIRST_ACCOUNT
from cumulo.core.operations import Check
from cumulo.core.tokens import TokenSealer
from cumulo.identity import (
    access_key_model,
    directory,
    keys,
    model,
    policy_model,
    resource_policy,
    token_model,
    user_model,
)
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.identity.bootstrap import bootstrap
from cumulo.identity.credentials import Credentials
from cumulo.identity.policy import DocumentKind
from cumulo.identity.proofs import prove
from cumulo.identity.sealing import SecretBox
from cumulo.identity.service import Service
from cumulo.identity.snapshots import read_now
from cumulo.storage.engine import Engine, Txn
from cumulo.storage.lmdb_engine import LmdbEngine

BUDGET_US = 12.0
ROUNDS = 7
ROUND_S = 0.05
QUEUE = f"arn:aws:sqs:us-east-1:{FIRST_ACCOUNT}:jobs"
SERVER_KEY = bytes(range(1, 33))


def policy(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


SEND: dict[str, object] = {"Effect": "Allow", "Action": ["sqs:SendMessage", "sqs:GetQueueUrl"], "Resource": QUEUE}
FROM_HERE: dict[str, object] = {**SEND, "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}}


class Setup:
    """A server's identity with two users: one policy without and one with a condition."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.clock, self.randomness, self.box = SystemClock(), SystemRandomness(), SecretBox(SERVER_KEY)

    async def make(self) -> None:
        """Start the room and make the users."""
        engine, clock, randomness, box = self.engine, self.clock, self.randomness, self.box
        root = await bootstrap(engine, clock=clock, randomness=randomness, box=box, credentials_file=None)
        assert root is not None
        self.authorizer = Authorizer(engine, clock)
        self.credentials = Credentials(engine, clock, randomness, box)
        sealer = TokenSealer({1: SERVER_KEY}, 1)
        self.service = Service(
            engine, self.authorizer, clock, randomness, sealer=sealer, box=box, credentials=self.credentials
        )
        self.root = self.context(self.token(root.access_key_id, root.secret_access_key))
        self.plain = await self.user("plain", policy(SEND))
        self.conditional = await self.user("conditional", policy(FROM_HERE))

    def token(self, key_id: str, secret: str) -> str:
        """Trade a proof for a token."""
        now_ms, nonce = self.clock.wall_ms(), self.randomness.token_bytes(16)
        proof = prove(secret, key_id, now_ms, nonce, 0)
        request = token_model.IssueToken(access_key_id=key_id, timestamp_ms=now_ms, nonce=nonce, ttl_s=0, proof=proof)
        return self.credentials.issue(request, 900).text

    def context(self, token: str) -> CallContext:
        """Return the context of a call with a token, as the edge makes it."""
        principal = self.credentials.authenticate(token).principal
        return CallContext(principal=principal, request_id="r", source_ip="127.0.0.1")

    async def user(self, name: str, document: str) -> str:
        """Make a user with one managed policy; return a token of his."""

        async def call(request: model.Request) -> object:
            return (await self.service.call(self.root, type(request).__name__, request)).value

        await call(user_model.CreateUser(name=name))
        await call(policy_model.CreatePolicy(name=name, document=document))
        await call(policy_model.AttachUserPolicy(user=name, policy=name))
        made = await call(access_key_model.CreateAccessKey(user=name))
        assert isinstance(made, access_key_model.CreatedKey)
        return self.token(made.access_key.access_key_id, made.secret)


def microseconds(run: Callable[[], object]) -> float:
    """Return the median CPU time of one call over some rounds."""
    count = 1
    rounds: list[float] = []
    while len(rounds) < ROUNDS:
        start = time.process_time()
        for _ in range(count):
            run()
        took = time.process_time() - start
        if took > ROUND_S or rounds:
            rounds.append(took / count)
        else:
            count *= 4
    return statistics.median(rounds) * 1e6


def bump(txn: Txn, _: None) -> None:
    directory.changed(txn)


async def after_a_change(setup: Setup, run: Callable[[], object]) -> float:
    """Return the CPU time of the first request after a change of policies."""
    taken = []
    for _ in range(200):
        await setup.engine.transact(keys.PARTITIONS, bump, None)
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1e6


async def measure(folder: Path) -> None:
    engine = LmdbEngine(folder)
    setup = Setup(engine)
    await setup.make()
    guard, check = Guard(FIRST_ACCOUNT), (Check("sqs:SendMessage", QUEUE),)
    statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{FIRST_ACCOUNT}:user/plain"}}
    text = policy({**statement, "Action": "sqs:*", "Resource": QUEUE})
    guarded = Guard(FIRST_ACCOUNT, resource_policy.validate(text, DocumentKind.QUEUE, engine))

    def request(token: str, guard: Guard) -> None:
        ctx = setup.context(token)
        setup.authorizer.authorize(ctx, check, guard)

    plain, conditional = setup.context(setup.plain), setup.context(setup.conditional)
    authorize, authenticate = setup.authorizer.authorize, setup.credentials.authenticate
    steps = {
        "reading the policy epoch": partial(read_now, engine, keys.PARTITIONS, directory.epoch, None),
        "authenticate, known token": partial(authenticate, setup.plain),
        "authorize, no condition": partial(authorize, plain, check, guard),
        "authorize, with a condition (never remembered)": partial(authorize, conditional, check, guard),
        "authorize, with a queue policy": partial(authorize, plain, check, guarded),
        "both and the call's context": partial(request, setup.plain, guard),
    }
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}; microseconds of CPU")
    for name, run in steps.items():
        print(f"  {name:<48}{microseconds(run):>7.2f}")
    both = microseconds(lambda: (authenticate(setup.plain), authorize(plain, check, guard)))
    with_condition = microseconds(lambda: (authenticate(setup.conditional), authorize(conditional, check, guard)))
    print(f"  authenticate and authorize a SendMessage        {both:>7.2f}  (budget {BUDGET_US:.0f})")
    print(f"  the same with a condition on aws:SourceIp       {with_condition:>7.2f}")
    changed = await after_a_change(setup, partial(request, setup.plain, guard))
    print(f"  the first request after any change of policies  {changed:>7.2f}")
    await engine.close()


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    main()
