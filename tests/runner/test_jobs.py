"""The job's state machine, on the memory engine with a clock moved by hand."""

import asyncio

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cumulo.core.errors import ServiceError
from cumulo.runner import invariants, jobs, keys, logs, model
from cumulo.runner.jobs import Place, Times
from cumulo.runner.model import ClaimOutcome, State
from cumulo.storage import tuples
from cumulo.storage.contract import DUE_PREFIX
from cumulo.storage.engine import ROOT
from cumulo.storage.memory import MemoryEngine

SPEC = model.JobSpec(name="count", command=("true",), max_attempts=2)
LEASE_S = 60
QUEUE = "arn:aws:sqs:us-east-1:000000000000:work"


class Jobs:
    """One account's jobs, driven synchronously."""

    def __init__(self):
        self.engine = MemoryEngine()
        self.loop = asyncio.new_event_loop()
        self.now_ms = 1_000_000
        self.place = self.run(jobs.ensure_partition, jobs.PlaceWanted(Place(b"", "000000000000", "us-east-1")), ROOT)
        self.tokens = 0
        self.sent = []
        self.lost = set()

    def close(self):
        self.loop.close()

    @property
    def times(self):
        return Times(self.now_ms, self.now_ms)

    def run(self, function, request, *partitions):
        return self.loop.run_until_complete(
            self.engine.transact(partitions or (self.place.partition,), function, request)
        )

    def read(self, function, request):
        partitions = (self.place.partition, DUE_PREFIX)
        return self.loop.run_until_complete(self.engine.read(partitions, function, request))

    def new(self, job="j1", key="", spec=SPEC):
        return jobs.NewJob(self.place, "work", spec, job, self.times, key)

    def submit(self, job="j1", spec=SPEC):
        return self.run(
            jobs.submit, jobs.Submission(self.new(job, spec=spec), self.deliver, jobs.message_of(job, QUEUE))
        )

    def deliver(self, txn, delivery, now_ms):
        """The queue of these tests: what was sent, by delivery id; `lost` holds what it does not have any more."""
        self.sent.append(delivery.delivery_id)
        return delivery.delivery_id.encode()

    def holds(self, txn, target_arn, message):
        return message.decode() not in self.lost

    def claim(self, job="j1", *, new=None, token=None):
        self.tokens += 1
        token = token or self.tokens.to_bytes(16, "big")
        at = jobs.ClaimAt(self.place, job, new, "w", LEASE_S, token, self.times)
        return self.run(jobs.claim, at)

    def beat(self, claim, *, started=True):
        token = bytes.fromhex(claim.lease_token)
        return self.run(
            jobs.heartbeat, jobs.Beat(self.place, claim.job.id, claim.attempt, token, 0, started, self.times)
        )

    def complete(self, claim, code=0, reason=""):
        token = bytes.fromhex(claim.lease_token)
        outputs = (model.OutputObject("s3://out/x", 1, "e"),)
        end = jobs.Completion(
            self.place, claim.job.id, claim.attempt, token, code, reason, outputs, model.Usage(), self.times
        )
        return self.run(jobs.complete, end)

    def append(self, claim, number, data=b"line\n"):
        token = bytes.fromhex(claim.lease_token)
        piece = logs.Piece(
            self.place, claim.job.id, claim.attempt, token, number, model.LogStream.STDOUT, data, self.times
        )
        return self.run(logs.append, piece)

    def cancel(self, job="j1"):
        return self.run(jobs.cancel, jobs.Cancellation(self.place, job, "not wanted", self.times))

    def get(self, job="j1"):
        return self.read(jobs.get_job, jobs.JobAt(self.place, job))

    def due(self):
        entries = self.loop.run_until_complete(self.engine.take_due(self.now_ms, 100))
        for entry in entries:
            if entry.kind == keys.OFFER_DUE:
                record = keys.decode_job.decode(self.read(lambda txn, key: txn.get(key), entry.key))
                delivery = jobs.message_of(record.id, record.queue_arn, record.offers + 1)
                self.run(jobs.offer, jobs.Offering(entry, self.times, True, self.holds, self.deliver, delivery))
                continue
            function = jobs.end_leases if entry.kind == keys.LEASE_DUE else jobs.forget
            self.run(function, jobs.DueJobs((entry,), self.times))
        return len(entries)

    def check(self):
        return self.loop.run_until_complete(self.engine.inspect(lambda txn, _: invariants.check(txn), None))


@pytest.fixture
def work():
    made = Jobs()
    yield made
    assert made.check() == []
    made.close()


def test_a_submitted_job_is_claimed_run_and_succeeds(work):
    work.submit()
    claim = work.claim()
    assert (claim.outcome, claim.attempt, work.get().state) == (ClaimOutcome.CLAIMED, 1, State.STARTING)
    work.beat(claim)
    assert work.get().state is State.RUNNING

    work.complete(claim)

    job = work.get()
    assert (job.state, job.outputs[0].object, job.attempts[0].exit_code) == (State.SUCCEEDED, "s3://out/x", 0)
    assert work.claim().outcome is ClaimOutcome.ALREADY_DONE


def test_a_second_claim_finds_the_job_held_until_the_lease_ends_and_then_gets_the_next_attempt(work):
    work.submit()
    first = work.claim()

    assert work.claim().outcome is ClaimOutcome.HELD
    work.now_ms += LEASE_S * 1000
    second = work.claim()

    assert (second.outcome, second.attempt) == (ClaimOutcome.CLAIMED, 2)
    assert work.get().attempts[0].reason == jobs.LEASE_ENDED
    with pytest.raises(ServiceError, match="LeaseLost"):
        work.complete(first)
    with pytest.raises(ServiceError, match="LeaseLost"):
        work.append(first, 0)
    assert work.get().state is State.STARTING


def test_a_claim_repeated_with_its_token_gets_the_same_attempt_again(work):
    work.submit()
    token = b"t" * 16
    first = work.claim(token=token)

    again = work.claim(token=token)

    assert (again.outcome, again.attempt, again.lease_token) == (ClaimOutcome.CLAIMED, 1, first.lease_token)


def test_a_message_makes_one_job_however_often_it_is_delivered(work):
    first = work.claim("", new=work.new("a", key="m1"))
    second = work.claim("", new=work.new("b", key="m1"))

    assert (first.outcome, second.outcome, second.job.id) == (ClaimOutcome.CLAIMED, ClaimOutcome.HELD, "a")
    work.complete(first)
    assert work.claim("", new=work.new("c", key="m1")).outcome is ClaimOutcome.ALREADY_DONE


def test_a_lease_that_ends_without_a_claim_is_taken_by_the_due_index(work):
    work.submit()
    work.claim()

    work.now_ms += LEASE_S * 1000
    assert work.due() == 1

    assert (work.get().state, work.get().attempts[0].reason) == (State.RUNNABLE, jobs.LEASE_ENDED)


def test_a_job_whose_attempts_are_used_up_fails_with_the_last_reason(work):
    work.submit()
    work.complete(work.claim(), code=3)
    assert work.get().state is State.RUNNABLE

    work.complete(work.claim(), code=None, reason="Timeout: over 5 s")

    job = work.get()
    assert (job.state, job.status_reason) == (State.FAILED, "Timeout: over 5 s")
    assert [attempt.reason for attempt in job.attempts] == ["the command exited with 3", "Timeout: over 5 s"]


@pytest.mark.parametrize("reason", ["CommandNotFound: x is not there", "CommandNotExecutable: x may not be run"])
def test_a_command_that_cannot_be_started_is_not_tried_again(work, reason):
    work.submit()

    work.complete(work.claim(), code=127, reason=reason)

    job = work.get()
    assert (job.state, job.status_reason, len(job.attempts)) == (State.FAILED, reason, 1)


def test_cancelling_a_waiting_job_fails_it_at_once_and_a_held_one_at_its_workers_word(work):
    work.submit("waiting")
    work.submit("held")
    claim = work.claim("held")

    work.cancel("waiting")
    work.cancel("held")

    assert work.get("waiting").state is State.FAILED
    assert work.beat(claim).cancel_requested
    work.complete(claim, code=143)
    assert (work.get("held").state, work.get("held").status_reason) == (State.FAILED, "cancelled: not wanted")


def test_log_chunks_have_no_gaps_and_a_repeated_one_changes_nothing(work):
    work.submit()
    claim = work.claim()

    assert work.append(claim, 0, b"a") == 1
    assert work.append(claim, 0, b"other") == 1
    with pytest.raises(ServiceError, match="LogChunkOutOfOrder"):
        work.append(claim, 2)
    work.append(claim, 1, b"b")

    frame = work.read(logs.read, logs.LogAt(work.place, "j1", 0, 0))
    assert [(chunk.number, chunk.data) for chunk in frame.chunks] == [(0, b"a"), (1, b"b")]
    assert not frame.attempt_ended


def test_a_log_beyond_its_limit_is_refused_and_the_rest_stays(work):
    work.submit()
    claim = work.claim()
    piece = b"x" * model.LOG_CHUNK_BYTES_MAX
    whole = model.LOG_BYTES_MAX // len(piece)
    for number in range(whole):
        work.append(claim, number, piece)

    with pytest.raises(ServiceError, match="LogLimitExceeded"):
        work.append(claim, whole, piece)


def test_a_final_job_is_forgotten_with_its_logs_after_its_time(work):
    work.submit()
    claim = work.claim()
    for number in range(450):
        work.append(claim, number)
    work.complete(claim)

    work.now_ms += model.KEPT_MS
    while work.due():
        pass

    with pytest.raises(ServiceError, match="JobNotFound"):
        work.get()
    left = work.read(lambda txn, _: txn.range(work.place.partition, work.place.partition + b"\xff", 100), None)
    assert [key[8:] for key, _ in left] == [tuples.encode(("next",))]


class JobMachine(RuleBasedStateMachine):
    """Claims, heartbeats, completions, cancels and time in any order: one holder, one final state, nothing lost."""

    @initialize()
    def start(self):
        self.work = Jobs()
        self.held = []
        self.final = {}
        self.submitted = []

    @rule()
    def submit(self):
        job = f"j{len(self.submitted)}"
        self.work.submit(job)
        self.submitted.append(job)

    @rule(data=st.data())
    def claim(self, data):
        if self.submitted:
            job = data.draw(st.sampled_from(self.submitted))
            claim = self.work.claim(job)
            if claim.outcome is ClaimOutcome.CLAIMED:
                assert job not in self.final
                assert not any(other.job.id == job and self.is_good(other, ends) for other, ends in self.held)
                self.held.append((claim, self.work.now_ms + LEASE_S * 1000))
            elif claim.outcome is ClaimOutcome.ALREADY_DONE:
                assert claim.job.state in model.FINAL

    def is_good(self, claim, ends_ms):
        latest = max(other.attempt for other, _ in self.held if other.job.id == claim.job.id)
        return claim.attempt == latest and self.work.now_ms < ends_ms and claim.job.id not in self.final

    @rule(data=st.data(), code=st.sampled_from([0, 1, None]))
    def complete(self, data, code):
        if self.held:
            index = data.draw(st.integers(0, len(self.held) - 1))
            claim, ends_ms = self.held[index]
            good = self.is_good(claim, ends_ms)
            try:
                self.work.complete(claim, code)
            except ServiceError:
                assert not good
            else:
                assert good
                del self.held[index]
            self.note_final()

    @rule(data=st.data())
    def beat(self, data):
        if self.held:
            index = data.draw(st.integers(0, len(self.held) - 1))
            claim, ends_ms = self.held[index]
            try:
                self.work.beat(claim)
            except ServiceError:
                assert not self.is_good(claim, ends_ms)
            else:
                self.held[index] = (claim, self.work.now_ms + LEASE_S * 1000)

    @rule(data=st.data())
    def cancel(self, data):
        if self.submitted:
            self.work.cancel(data.draw(st.sampled_from(self.submitted)))
            self.note_final()

    @rule(data=st.data())
    def lose_message(self, data):
        if self.work.sent:
            self.work.lost.add(data.draw(st.sampled_from(self.work.sent)))

    @rule()
    def every_waiting_job_has_a_message_once_it_was_looked_after(self):
        self.work.now_ms += jobs.LOOK_MS_MAX
        self.work.due()
        self.note_final()
        self.work.now_ms += jobs.LOOK_MS_MAX
        self.work.due()
        for job in self.submitted:
            if self.work.get(job).state is State.RUNNABLE:
                sent = [it for it in self.work.sent if it.split("/")[0] == job]
                assert len(set(sent)) == len(sent)
                assert sent[-1] not in self.work.lost

    @rule(seconds=st.integers(1, 90))
    def pass_time(self, seconds):
        self.work.now_ms += seconds * 1000
        self.work.due()
        self.note_final()

    def note_final(self):
        for job in self.submitted:
            state = self.work.get(job).state
            if job in self.final:
                assert state is self.final[job], "a final state never changes"
            elif state in model.FINAL:
                self.final[job] = state

    @invariant()
    def holds(self):
        assert self.work.check() == []

    def teardown(self):
        self.work.close()


TestJobMachine = JobMachine.TestCase
TestJobMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
