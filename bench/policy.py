"""What does a decision cost, and does it stay flat with the number of statements?

Prints microseconds of CPU per decision for 1 to 1,000 statements, beside a naive interpreter that walks the JSON of the
same policies in the same run, and the ratio of the two: machines differ, the ratio does not. Each statement grants one
action on its own bucket; the request asks for a bucket in the middle. Run: python bench/policy.py
"""

import importlib.util
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

from cumulo.identity.policy import (
    CallerPolicies,
    FoldedKeys,
    Outcome,
    PolicyCache,
    PolicyKind,
    PolicySet,
    Principal,
    PrincipalKind,
    Request,
    decide,
)

SIZES = (1, 10, 100, 1000)
ROUNDS = 5
ROUND_S = 0.05
STATEMENTS_PER_POLICY = 50
ACCOUNT = "000000000000"
ALICE = Principal(
    kind=PrincipalKind.USER,
    account=ACCOUNT,
    arn=f"arn:aws:iam::{ACCOUNT}:user/alice",
    id="AIDAALICE000000000",
    name="alice",
)
KEYS = FoldedKeys(
    {
        "aws:username": "alice",
        "aws:sourceip": "192.0.2.7",
        "aws:securetransport": "true",
        "aws:principalarn": ALICE.arn,
        "s3:prefix": "home/alice/",
        "aws:currenttime": "2025-01-01T00:00:00Z",
    }
)


def load_interpreter() -> ModuleType:
    """Load the oracle of the tests, which is also the floor here."""
    path = Path(__file__).parent.parent / "tests" / "identity" / "policy_interpreter.py"
    spec = importlib.util.spec_from_file_location("policy_interpreter", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def microseconds(run: Callable[[], object]) -> float:
    """Return the median CPU time of one call over some rounds."""
    count = 1
    while True:
        start = time.process_time()
        for _ in range(count):
            run()
        took = time.process_time() - start
        if took > ROUND_S:
            break
        count *= 4
    rounds = [took / count]
    for _ in range(ROUNDS - 1):
        start = time.process_time()
        for _ in range(count):
            run()
        rounds.append((time.process_time() - start) / count)
    return statistics.median(rounds) * 1e6


def policies(count: int, head: str) -> tuple[tuple[str, str], ...]:
    """Return `count` statements in documents of 50; `head` is the bucket's name, with the number in it."""
    documents = []
    for first in range(0, count, STATEMENTS_PER_POLICY):
        statements = [
            {
                "Sid": f"S{number}",
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": f"arn:aws:s3:::{head.format(number)}/*",
            }
            for number in range(first, min(count, first + STATEMENTS_PER_POLICY))
        ]
        documents.append((f"policy-{first}", json.dumps({"Version": "2012-10-17", "Statement": statements})))
    return tuple(documents)


def main() -> None:
    """Print the tables."""
    interpreter = load_interpreter()
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}; microseconds of CPU")
    print("statements  compile     plan    look-up   allow    deny  wild heads     naive   ratio")
    allows = []
    for size in SIZES:
        named = policies(size, "bucket-{}")
        compile_us = microseconds(partial(PolicySet, PolicyKind.IDENTITY, named))
        made = PolicySet(PolicyKind.IDENTITY, named)
        plan_us = microseconds(partial(made._make_plan, "s3:GetObject"))  # noqa: SLF001
        caller = CallerPolicies(made)
        wild = CallerPolicies(PolicySet(PolicyKind.IDENTITY, policies(size, "*bucket-{}")))
        resource = f"arn:aws:s3:::bucket-{size // 2}/a/key.txt"
        granted = Request(ALICE, "s3:GetObject", resource, ACCOUNT, KEYS)
        plan = made.plan("s3:GetObject")
        head = resource.partition("/")[0]
        refused = Request(ALICE, "s3:GetObject", "arn:aws:s3:::elsewhere/key", ACCOUNT, KEYS)
        asked = interpreter.Asked(ALICE, "s3:GetObject", resource, ACCOUNT, KEYS)
        texts = interpreter.Texts(identity=[text for _, text in named])
        assert decide(granted, caller).allowed
        assert decide(refused, caller).outcome is Outcome.IMPLICIT_DENY
        assert interpreter.interpret(asked, texts) == "allowed"
        allow_us = microseconds(partial(decide, granted, caller))
        deny_us = microseconds(partial(decide, refused, caller))
        first_us = microseconds(partial(plan.allow.first, resource, head, KEYS))
        wild_us = microseconds(partial(decide, granted, wild))
        naive_us = microseconds(partial(interpreter.interpret, asked, texts))
        allows.append(allow_us)
        print(
            f"{size:>10} {compile_us:>8.0f} {plan_us:>8.1f} {first_us:>10.2f} {allow_us:>7.2f} {deny_us:>7.2f} "
            f"{wild_us:>11.2f} {naive_us:>9.0f} {naive_us / allow_us:>6.0f}x"
        )
    whole_decision(interpreter)
    print(
        f"ratio: an allow among {SIZES[-1]} statements costs {allows[-1] / allows[0]:.2f} of one among 1 (target 1.1)"
    )


def whole_decision(interpreter: ModuleType) -> None:
    """Measure identity and bucket policy together, each with a Deny under a condition, as a careful user has them."""
    guard = {
        "Sid": "OnlyTls",
        "Effect": "Deny",
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    home = {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::home/${aws:username}/*"}
    inbox = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::inbox/*"}
    identity = json.dumps({"Version": "2012-10-17", "Statement": [home, inbox, guard]})
    statement = {"Effect": "Allow", "Principal": {"AWS": "AIDABOB00000000000"}, "Action": "s3:GetObject"}
    bucket = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {**statement, "Resource": "arn:aws:s3:::inbox/*"},
                {**guard, "Principal": "*", "Resource": ["arn:aws:s3:::inbox", "arn:aws:s3:::inbox/*"]},
            ],
        }
    )
    cache = PolicyCache()
    caller = CallerPolicies(cache.policy_set(PolicyKind.IDENTITY, (("own", identity),)))
    resource = cache.resource_policies(bucket)
    print("identity and bucket policy, each with a conditional Deny (target <= 3):")
    for name, arn in (
        ("literal ARN", "arn:aws:s3:::inbox/a/key.txt"),
        ("variable in it", "arn:aws:s3:::home/alice/key"),
    ):
        request = Request(ALICE, "s3:GetObject", arn, ACCOUNT, KEYS)
        plain = Request(ALICE, "s3:GetObject", arn, ACCOUNT, dict(KEYS))
        asked = interpreter.Asked(ALICE, "s3:GetObject", arn, ACCOUNT, KEYS)
        texts = interpreter.Texts(identity=[identity], resource=[bucket])
        assert decide(request, caller, resource).allowed
        assert interpreter.interpret(asked, texts) == "allowed"
        folded_us = microseconds(partial(decide, request, caller, resource))
        plain_us = microseconds(partial(decide, plain, caller, resource))
        naive_us = microseconds(partial(interpreter.interpret, asked, texts))
        print(
            f"  {name:<14} {folded_us:.2f} with folded keys, {plain_us:.2f} folding them, naive {naive_us:.0f} "
            f"({naive_us / folded_us:.0f}x)"
        )


if __name__ == "__main__":
    main()
