"""What a job is: its specification, its states, its attempts, and the requests and results of the runner's operations.

Times are wall-clock milliseconds (`_ms`) except `lease_ends_ms`, which is by the deadline clock: a jump of the system
clock moves no lease.
"""

import enum

import msgspec

COMMAND_ITEMS_MAX = 1024
COMMAND_BYTES_MAX = 64 * 1024
ENVIRONMENT_NAMES_MAX = 256
ENVIRONMENT_BYTES_MAX = 32 * 1024
STAGED_MAX = 100
"""Inputs, and output patterns, of one job."""
PATH_BYTES_MAX = 1024
KEY_BYTES_MAX = 1024
BUCKET_CHARACTERS_MAX = 63
"""S3: bucket naming rules, object key names."""
TIMEOUT_S_MAX = 86_400
TIMEOUT_S_DEFAULT = 3_600
MEMORY_BYTES_MIN = 4 * 1024 * 1024
MEMORY_BYTES_DEFAULT = 512 * 1024 * 1024
CPU_MILLIS_MIN, CPU_MILLIS_MAX, CPU_MILLIS_DEFAULT = 10, 1_024_000, 1_000
PIDS_MAX, PIDS_DEFAULT = 32_768, 256
ATTEMPTS_MAX, ATTEMPTS_DEFAULT = 10, 3
"""AWS Batch: RetryStrategy, 1 to 10 attempts."""
LEASE_S_MIN, LEASE_S_MAX, LEASE_S_DEFAULT = 5, 43_200, 60
WORKER_CHARACTERS_MAX = 256
LEASE_TOKEN_CHARACTERS_MAX = 256
DEDUPLICATION_KEY_CHARACTERS_MAX = 128
REASON_CHARACTERS_MAX = 1_024
OUTPUT_OBJECTS_MAX = 1_000
OUTPUT_BYTES_MAX = len("s3:///") + BUCKET_CHARACTERS_MAX + KEY_BYTES_MAX
ETAG_CHARACTERS_MAX = 128
LOG_CHUNK_BYTES_MAX = 60 * 1024
LOG_BYTES_MAX = 16 * 1024 * 1024
"""Stored log of one attempt; what a command prints beyond it is dropped, and the log says so."""
PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX = 100, 1_000
KEPT_MS = 7 * 86_400_000
"""A final job and its logs are kept for seven days, as AWS Batch keeps them."""


class State(enum.IntEnum):
    """Where a job stands; AWS Batch's states and the proto's numbers."""

    SUBMITTED = 1
    PENDING = 2
    RUNNABLE = 3
    STARTING = 4
    RUNNING = 5
    SUCCEEDED = 6
    FAILED = 7


FINAL = (State.SUCCEEDED, State.FAILED)
HELD = (State.STARTING, State.RUNNING)


class Isolation(enum.IntEnum):
    """How far a job is kept from the worker's machine; the proto's numbers."""

    SANDBOX = 1
    NONE = 2


class LogStream(enum.IntEnum):
    """Where a piece of log came from; the proto's numbers."""

    STDOUT = 1
    STDERR = 2
    WORKER = 3


class ClaimOutcome(enum.IntEnum):
    """How a claim came out; the proto's numbers."""

    CLAIMED = 1
    ALREADY_DONE = 2
    HELD = 3


class Input(msgspec.Struct, frozen=True, array_like=True):
    """An object `s3://bucket/key` that is put at `path` below the job's folder before it starts."""

    source: str
    path: str


class Output(msgspec.Struct, frozen=True, array_like=True):
    """Files matching the pattern `path` that are stored under `destination`, `s3://bucket/prefix`, after success."""

    path: str
    destination: str


class JobSpec(msgspec.Struct, frozen=True, array_like=True):
    """What to run, with every default filled in."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = {}
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    timeout_s: int = TIMEOUT_S_DEFAULT
    memory_bytes: int = MEMORY_BYTES_DEFAULT
    cpu_millis: int = CPU_MILLIS_DEFAULT
    pids_max: int = PIDS_DEFAULT
    isolation: Isolation = Isolation.SANDBOX
    max_attempts: int = ATTEMPTS_DEFAULT


class OutputObject(msgspec.Struct, frozen=True, array_like=True):
    """An object that an attempt stored."""

    object: str
    size_bytes: int
    etag: str


class Usage(msgspec.Struct, frozen=True, array_like=True):
    """What an attempt used, as far as its worker could measure it."""

    cpu_ms: int = 0
    wall_ms: int = 0
    memory_peak_bytes: int = 0


class Attempt(msgspec.Struct, frozen=True, array_like=True):
    """One try to run a job."""

    number: int
    worker: str
    claim_ms: int
    start_ms: int = 0
    stop_ms: int = 0
    exit_code: int | None = None
    reason: str = ""
    usage: Usage = Usage()


class Job(msgspec.Struct, frozen=True):
    """A job as callers see it; `attempts`, `outputs` and `log_chunks` are empty in lists."""

    id: str
    account: str
    region: str
    queue: str
    spec: JobSpec
    state: State
    status_reason: str
    create_ms: int
    start_ms: int
    stop_ms: int
    attempts: tuple[Attempt, ...]
    cancel_requested: bool
    deduplication_key: str
    outputs: tuple[OutputObject, ...] = ()
    log_chunks: tuple[int, ...] = ()


class SubmitJob(msgspec.Struct, frozen=True, kw_only=True):
    """Store a job and send its message; of the same `deduplication_key` in a queue there is one job."""

    account: str
    region: str
    queue: str
    spec: JobSpec
    request_id: str = ""
    deduplication_key: str = ""


class GetJob(msgspec.Struct, frozen=True, kw_only=True):
    """Look at one job."""

    account: str
    region: str
    job: str


class ListJobs(msgspec.Struct, frozen=True, kw_only=True):
    """List jobs, newest first."""

    account: str
    region: str
    queue: str = ""
    states: tuple[State, ...] = ()
    page_size: int = PAGE_SIZE_DEFAULT
    page_token: str = ""


class JobPage(msgspec.Struct, frozen=True):
    """One page of jobs; `next_page_token` is empty on the last."""

    jobs: tuple[Job, ...]
    next_page_token: str


class CancelJob(msgspec.Struct, frozen=True, kw_only=True):
    """Cancel a job."""

    account: str
    region: str
    job: str
    reason: str = ""
    request_id: str = ""


class ReadLog(msgspec.Struct, frozen=True, kw_only=True):
    """Read an attempt's log; attempt 0 is the latest."""

    account: str
    region: str
    job: str
    attempt: int = 0
    from_chunk: int = 0
    follow: bool = False


class LogChunk(msgspec.Struct, frozen=True):
    """A piece of log."""

    number: int
    stream: LogStream
    write_ms: int
    data: bytes


class LogFrame(msgspec.Struct, frozen=True):
    """Some chunks of one attempt, and where the job stands. `attempt` is 0 while there is none."""

    attempt: int
    chunks: tuple[LogChunk, ...]
    state: State
    attempt_ended: bool


class Trigger(msgspec.Struct, frozen=True, kw_only=True):
    """How to make a job of a message that is not a job's own."""

    spec: JobSpec
    deduplication_key: str


class ClaimJob(msgspec.Struct, frozen=True, kw_only=True):
    """Take a job: one that exists (`job`), or the one that `trigger` makes or made for `queue`."""

    account: str
    region: str
    worker: str
    job: str = ""
    queue: str = ""
    trigger: Trigger | None = None
    lease_s: int = LEASE_S_DEFAULT
    request_id: str = ""


class Claim(msgspec.Struct, frozen=True):
    """How a claim came out; `attempt` is the caller's or the other worker's, `lease_token` is set only when claimed."""

    outcome: ClaimOutcome
    job: Job
    attempt: int = 0
    lease_token: str = ""
    lease_expires_ms: int = 0


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """Extend a lease; `lease_s` 0 keeps the length it was claimed with."""

    account: str
    region: str
    job: str
    lease_token: str
    lease_s: int = 0
    started: bool = False


class HeartbeatResult(msgspec.Struct, frozen=True):
    """The lease's end by the wall clock, and whether the job is to be stopped."""

    lease_expires_ms: int
    cancel_requested: bool


class AppendLog(msgspec.Struct, frozen=True, kw_only=True):
    """Store one piece of an attempt's log."""

    account: str
    region: str
    job: str
    attempt: int
    lease_token: str
    chunk_number: int
    stream: LogStream
    data: bytes


class CompleteJob(msgspec.Struct, frozen=True, kw_only=True):
    """End an attempt."""

    account: str
    region: str
    job: str
    attempt: int
    lease_token: str
    exit_code: int | None = None
    reason: str = ""
    outputs: tuple[OutputObject, ...] = ()
    usage: Usage = Usage()
    request_id: str = ""
