"""The demo's report: one HTML page, and beside it a folder with the pictures that the jobs made.

Owns: what the page shows and how (its style sheet is ``report.css`` beside this file). The input is plain data, the
frozen dataclasses below; `build` turns it into files.

Promises: the page loads nothing from elsewhere and runs no script, so it can be mailed or opened years later; every
text that came from outside (file names, log lines, error messages) is escaped; the same data gives the same bytes;
a run over thousands of files stays a page that a browser opens: each list has a limit and says what it left out.

Does not know: the server, the SDK, or how the demo ran. All times are seconds since the run began.
"""

import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from statistics import median
from typing import Literal

TABLE_ROWS_MAX = 500
PICTURES_MAX = 60
BARS_MAX = 2_000
LOG_JOBS_MAX = 24
LOG_LINES_MAX = 40

Outcome = Literal["succeeded", "refused", "lost"]
Kind = Literal["text", "image", "other"]


@dataclass(frozen=True, slots=True)
class Isolation:
    """How the jobs were kept apart, as the worker's probe found it."""

    mode: str  # "bubblewrap", "namespaces", "process"
    reason: str  # one sentence: why this mode, and what a weaker one lacks
    limits: tuple[tuple[str, str], ...] = ()  # ("memory", "512 MiB"), ("time", "60 s"), ("network", "none")


@dataclass(frozen=True, slots=True)
class Output:
    """An object that a job left in the outbox."""

    key: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG or JPEG file to show; it is copied beside the page, so it may lie in a temporary folder."""

    path: Path
    caption: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One worker's try at one job. `lost`: the worker died, so there is no exit code."""

    worker: str
    pid: int
    started_s: float
    ended_s: float
    outcome: Outcome
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One uploaded file and what became of it; at least one attempt, in the order of their start."""

    input_key: str
    input_bytes: int
    kind: Kind
    uploaded_s: float
    attempts: tuple[Attempt, ...]
    outputs: tuple[Output, ...] = ()
    pictures: tuple[Picture, ...] = ()
    log: tuple[str, ...] = ()
    note: str = ""  # why it was refused, in the job's own words

    @property
    def last(self) -> Attempt:
        """The attempt that settled the job."""
        return self.attempts[-1]

    @property
    def queue_wait_s(self) -> float:
        """From the upload to the first worker's start."""
        return self.attempts[0].started_s - self.uploaded_s

    @property
    def run_s(self) -> float:
        """How long the settling attempt took."""
        return self.last.ended_s - self.last.started_s


@dataclass(frozen=True, slots=True)
class PlannedKill:
    """The worker that was killed on purpose, and how its message found another."""

    input_key: str
    message_id: str
    worker: str
    pid: int
    killed_s: float
    visibility_timeout_s: float
    returned_s: float  # when another worker received the message
    receive_count: int
    finished_by: str
    finished_by_pid: int
    finished_s: float
    outputs_found: int  # objects in the outbox for this input, counted afterwards
    outputs_expected: int


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """A call that identity denied, with the server's explanation word for word."""

    principal: str
    action: str
    resource: str
    code: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Principal:
    """A user that the demo made, and what its policy allows."""

    name: str
    may: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Snippet:
    """Lines to try, shown as they are."""

    title: str
    code: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that the page shows. Counts and sums are computed from `jobs`."""

    started_at: str  # for people: "2026-03-01 14:05"
    version: str
    wall_s: float
    workers: int
    engine: str  # "LMDB, durable, group commit"
    isolation: Isolation
    jobs: tuple[Job, ...]
    principals: tuple[Principal, ...] = ()
    kill: PlannedKill | None = None
    refused_call: RefusedCall | None = None
    snippets: tuple[Snippet, ...] = ()


def build(report: Report, folder: Path) -> Path:
    """Write ``report.html`` and ``pictures/`` into `folder`, made when missing, and return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    sections = [
        render_head(report),
        render_tiles(report),
        render_timeline(report),
        render_kill(report.kill) if report.kill else "",
        '<div class="pair">',
        render_refused_call(report.refused_call, report.principals) if report.refused_call else "",
        render_isolation(report.isolation),
        "</div>",
        render_gallery(copy_pictures(report.jobs, folder), sum(len(job.pictures) for job in report.jobs)),
        render_table(report.jobs),
        render_logs(report.jobs),
        render_snippets(report.snippets) if report.snippets else "",
    ]
    style = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>Cumulo demo · {escape(report.started_at)}</title>\n"
        f'<link rel="icon" href="data:,">\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n'
        + "\n".join(section for section in sections if section)
        + f"\n</main>\n<footer>Cumulo {escape(report.version)} · {escape(report.engine)}</footer>\n</body>\n</html>\n"
    )
    target = folder / "report.html"
    target.write_text(page, encoding="utf-8")
    return target


# Numbers


def format_bytes(size_bytes: int) -> str:
    """Return a size in the unit that leaves one to three digits before the point."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    size = float(size_bytes)
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.5:
            return f"{size:.{0 if size >= 100 else 1}f} {unit}"
    return f"{size:,.0f} GB"


def format_seconds(seconds: float) -> str:
    """Return a duration in milliseconds, seconds or minutes."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:,} min {rest} s"


def count(number: int, noun: str) -> str:
    """Return a number with its noun, which takes an `s` for the plural."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


# Sections, from top to bottom

CLOUD = (
    '<svg class="cloud" viewBox="0 0 48 32" aria-hidden="true"><path d="M13 30a10.5 10.5 0 0 1-1.6-20.9A14 14 0 0 1 '
    '38 11.3 9.6 9.6 0 0 1 37.5 30z"/></svg>'
)


def render_head(report: Report) -> str:
    """Show the name, what was done in one line, and the path that each file took."""
    succeeded = sum(job.last.outcome == "succeeded" for job in report.jobs)
    outputs = sum(len(job.outputs) for job in report.jobs)
    stops = ("producer", "s3://inbox", "queue jobs", count(report.workers, "worker"), "isolated job", "s3://outbox")
    path = '<i aria-hidden="true">→</i>'.join(f"<span>{escape(stop)}</span>" for stop in stops)
    aside = ""
    if report.kill and report.kill.outputs_found == report.kill.outputs_expected:
        aside = "One worker was killed on purpose: nothing is missing, and nothing is there twice. "
    return (
        f'<header>\n<p class="brand">{CLOUD}Cumulo <small>demo run of {escape(report.started_at)}</small></p>\n'
        f"<h1>{count(succeeded, 'file')} became {count(outputs, 'result')} in {format_seconds(report.wall_s)}</h1>\n"
        f'<p class="lead">{aside}Every step went through the public API, each user with its own few permissions.</p>\n'
        f'<p class="path">{path}</p>\n</header>'
    )


def render_tiles(report: Report) -> str:
    """Show the run in six numbers."""
    jobs = report.jobs
    attempts = sum(len(job.attempts) for job in jobs)
    lost = sum(attempt.outcome == "lost" for job in jobs for attempt in job.attempts)
    refused = sum(job.last.outcome == "refused" for job in jobs)
    results = [output for job in jobs for output in job.outputs]
    waits, runs = [job.queue_wait_s for job in jobs], [job.run_s for job in jobs]
    tiles = [
        (f"{len(jobs):,}", "files in", format_bytes(sum(job.input_bytes for job in jobs))),
        (f"{len(results):,}", "results out", format_bytes(sum(output.size_bytes for output in results))),
        (f"{report.workers:,}", "worker processes", f"isolated by {report.isolation.mode}"),
        (f"{attempts:,}", "attempts", f"{lost:,} lost with its worker, {refused:,} refused"),
        (format_seconds(median(waits)) if waits else "none", "median wait in the queue", longest(waits)),
        (format_seconds(median(runs)) if runs else "none", "median job", longest(runs)),
    ]
    cells = (
        f"<div><strong>{escape(value)}</strong><span>{escape(label)}</span><small>{escape(more)}</small></div>"
        for value, label, more in tiles
    )
    return f'<section class="tiles">{"".join(cells)}</section>'


def longest(seconds: Sequence[float]) -> str:
    """Say which was the longest."""
    return f"longest {format_seconds(max(seconds))}" if seconds else ""


def render_timeline(report: Report) -> str:
    """Draw a row for each worker, a bar for each attempt."""
    attempts = [(attempt, job) for job in report.jobs for attempt in job.attempts]
    if not attempts:
        return ""
    attempts.sort(key=lambda pair: (pair[0].started_s, pair[1].input_key))
    end = max(attempt.ended_s for attempt, _ in attempts)
    scale = 100 / max(end, 1e-9)
    rows: dict[str, list[str]] = {}
    for attempt, job in sorted(attempts[:BARS_MAX], key=lambda pair: pair[0].worker):
        name = job.input_key.rpartition("/")[2]
        kind = "lost" if attempt.outcome == "lost" else "refused" if attempt.outcome == "refused" else job.kind
        title = (
            f"{job.input_key}: {format_seconds(attempt.ended_s - attempt.started_s)}, {describe_outcome(attempt)}"
            f" (pid {attempt.pid})"
        )
        rows.setdefault(attempt.worker, []).append(
            f'<b class="{kind}" style="left:{attempt.started_s * scale:.2f}%;'
            f'width:{max(attempt.ended_s - attempt.started_s, 0) * scale:.2f}%" title="{escape(title)}">'
            f"{escape(name)}</b>",
        )
    lines = "".join(
        f'<div class="row"><span>{escape(worker)}</span><div class="track">{"".join(bars)}</div></div>'
        for worker, bars in rows.items()
    )
    ticks = "".join(f'<i style="left:{tick * scale:.2f}%">{tick:g} s</i>' for tick in choose_ticks(end))
    legend = "".join(
        f'<span><b class="{kind}"></b>{label}</span>'
        for kind, label in (
            ("text", "text"),
            ("image", "image"),
            ("refused", "refused by the job"),
            ("lost", "lost with its worker"),
        )
        if any(f'class="{kind}"' in bar for bars in rows.values() for bar in bars)
    )
    return (
        f'<section>\n<h2>Who did what, when</h2>\n<p class="legend">{legend}</p>\n'
        f'<div class="timeline">{lines}<div class="row axis"><span></span><div class="track">{ticks}</div></div></div>'
        f"{say_left_out(len(attempts), BARS_MAX, 'attempt')}\n</section>"
    )


def choose_ticks(end: float) -> list[float]:
    """Return about six round times from 0 to `end`."""
    steps = (unit * 10**power for power in range(-2, 6) for unit in (1, 2, 5))
    step = next((step for step in steps if end / step <= 8), end)
    return [round(index * step, 6) for index in range(int(end / step) + 1)]


def describe_outcome(attempt: Attempt) -> str:
    """Say how an attempt ended."""
    if attempt.outcome == "lost":
        return "lost with its worker"
    code = "" if attempt.exit_code is None else f", exit {attempt.exit_code}"
    return attempt.outcome + code


def render_kill(kill: PlannedKill) -> str:
    """Tell the planned kill as a story in four steps."""
    whole = kill.outputs_found == kill.outputs_expected
    steps = [
        (
            kill.killed_s,
            "lost",
            f"SIGKILL to {mono(kill.worker)}, process {kill.pid}",
            f"in the middle of {mono(kill.input_key)}. It could neither clean up nor say goodbye.",
        ),
        (
            kill.returned_s,
            "waits",
            "The message came back",
            (
                f"{mono(kill.message_id)} was not extended any more, so it was visible again after its timeout of "
                f"{format_seconds(kill.visibility_timeout_s)}. Receive count: {kill.receive_count}."
            ),
        ),
        (
            kill.finished_s,
            "succeeded",
            f"{mono(kill.finished_by)}, process {kill.finished_by_pid}, finished it",
            "and deleted the message only after the results were stored.",
        ),
        (
            None,
            "succeeded" if whole else "lost",
            "Nothing twice, nothing missing" if whole else "The outbox is not as it should be",
            f"{count(kill.outputs_found, 'object')} in the outbox for this file; {kill.outputs_expected} expected.",
        ),
    ]
    items = "".join(
        f'<li class="{kind}"><time>{"" if at is None else format_seconds(at)}</time>'
        f"<div><strong>{title}</strong><p>{text}</p></div></li>"
        for at, kind, title, text in steps
    )
    return f'<section>\n<h2>The planned kill</h2>\n<ol class="story">{items}</ol>\n</section>'


def render_refused_call(call: RefusedCall, principals: Iterable[Principal]) -> str:
    """Show the call that was denied, why, and who may do what."""
    users = "".join(
        f"<li><strong>{escape(principal.name)}</strong> may {', '.join(mono(action) for action in principal.may)}"
        f"{'' if principal.may else 'do nothing'}</li>"
        for principal in principals
    )
    return (
        f"<section>\n<h2>A refused call</h2>\n<p>{mono(call.principal)} tried {mono(call.action)} on "
        f"{mono(call.resource)}:</p>\n"
        f'<pre class="denied"><b>{escape(call.code)}</b>\n{escape(call.explanation)}</pre>\n'
        f"{f'<ul>{users}</ul>' if users else ''}\n</section>"
    )


def render_isolation(isolation: Isolation) -> str:
    """How the jobs were isolated and why so."""
    limits = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in isolation.limits)
    return (
        f"<section>\n<h2>Isolation: {escape(isolation.mode)}</h2>\n<p>{escape(isolation.reason)}</p>\n"
        f"{f'<dl>{limits}</dl>' if limits else ''}\n</section>"
    )


def copy_pictures(jobs: Iterable[Job], folder: Path) -> list[tuple[str, str, Job]]:
    """Copy at most `PICTURES_MAX` pictures beside the page; return address, caption and job of each."""
    found = [(picture, job) for job in jobs for picture in job.pictures][:PICTURES_MAX]
    if found:
        (folder / "pictures").mkdir(exist_ok=True)
    shown = []
    for index, (picture, job) in enumerate(found, start=1):
        # Numbered, since two folders may hold files of one name; plain, since names on a web page need quoting.
        stem = re.sub(r"[^A-Za-z0-9-]+", "-", job.input_key.rpartition("/")[2]).strip("-")[:40]
        name = f"{index:03}-{stem or 'picture'}{picture.path.suffix.lower()}"
        shutil.copyfile(picture.path, folder / "pictures" / name)
        shown.append((f"pictures/{name}", picture.caption, job))
    return shown


def render_gallery(pictures: Sequence[tuple[str, str, Job]], total: int) -> str:
    """Show what the jobs drew; a picture opens in full when clicked."""
    if not pictures:
        return ""
    figures = "".join(
        f'<figure><a href="{address}"><img src="{address}" alt="{escape(caption)}" loading="lazy"></a>'
        f"<figcaption>{escape(caption)}<small>{escape(job.last.worker)}, {format_seconds(job.run_s)}</small>"
        "</figcaption></figure>"
        for address, caption, job in pictures
    )
    return (
        f'<section>\n<h2>What came out</h2>\n<div class="gallery">{figures}</div>'
        f"{say_left_out(total, PICTURES_MAX, 'picture')}\n</section>"
    )


def render_table(jobs: Sequence[Job]) -> str:
    """One line for each job."""
    rows = "".join(
        f"<tr><td>{escape(job.input_key)}<small>{format_bytes(job.input_bytes)}</small></td>"
        f"<td>{escape(job.last.worker)}<small>pid {job.last.pid}</small></td>"
        f"<td>{len(job.attempts)}{render_losses(job)}</td>"
        f"<td>{format_seconds(job.queue_wait_s)}</td><td>{format_seconds(job.run_s)}</td>"
        f'<td><em class="{job.last.outcome}">{describe_exit(job.last)}</em>'
        f"{f'<small>{escape(job.note)}</small>' if job.note else ''}</td>"
        f"<td>{len(job.outputs)}<small>{format_bytes(sum(output.size_bytes for output in job.outputs))}</small></td>"
        "</tr>"
        for job in jobs[:TABLE_ROWS_MAX]
    )
    heads = "".join(f"<th>{head}</th>" for head in ("Input", "Worker", "Attempt", "Wait", "Run", "Exit", "Results"))
    return (
        f'<section>\n<h2>Job by job</h2>\n<div class="scroll"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{say_left_out(len(jobs), TABLE_ROWS_MAX, 'job')}\n</section>"
    )


def render_losses(job: Job) -> str:
    """Name the workers that died on a job."""
    lost = [attempt.worker for attempt in job.attempts if attempt.outcome == "lost"]
    return f"<small>{escape(', '.join(lost))} died</small>" if lost else ""


def describe_exit(attempt: Attempt) -> str:
    """Return the exit code, or that there is none."""
    return "none" if attempt.exit_code is None else str(attempt.exit_code)


def render_logs(jobs: Sequence[Job]) -> str:
    """Log excerpts to unfold: jobs that took several attempts or were refused first, as they are read most."""
    logged = [job for job in jobs if job.log]
    if not logged:
        return ""
    logged.sort(key=lambda job: (len(job.attempts) < 2, job.last.outcome == "succeeded"))
    blocks = "".join(
        f"<details{' open' if index == 0 else ''}><summary>{escape(job.input_key)}"
        f"<small>{escape(job.last.worker)}, attempt {len(job.attempts)}</small></summary>"
        f"<pre>{escape(chr(10).join(shorten_log(job.log)))}</pre></details>"
        for index, job in enumerate(logged[:LOG_JOBS_MAX])
    )
    return f"<section>\n<h2>Live logs</h2>\n{blocks}{say_left_out(len(logged), LOG_JOBS_MAX, 'log')}\n</section>"


def shorten_log(lines: Sequence[str]) -> list[str]:
    """Leave out the middle of a long log."""
    if len(lines) <= LOG_LINES_MAX:
        return list(lines)
    half = LOG_LINES_MAX // 2
    return [*lines[:half], f"… {len(lines) - 2 * half:,} lines …", *lines[-half:]]


def render_snippets(snippets: Iterable[Snippet]) -> str:
    """Lines to look at the results with."""
    blocks = "".join(f"<div><h3>{escape(one.title)}</h3><pre>{escape(one.code)}</pre></div>" for one in snippets)
    return f'<section>\n<h2>Look for yourself</h2>\n<div class="snippets">{blocks}</div>\n</section>'


def say_left_out(total: int, shown_max: int, noun: str) -> str:
    """Say how many are not on the page, where a limit cut the list."""
    return f'<p class="left-out">{count(total - shown_max, f"more {noun}")} not shown.</p>' if total > shown_max else ""


def mono(text: str) -> str:
    """Return a name or an address in the typeface of programs."""
    return f"<code>{escape(text)}</code>"
