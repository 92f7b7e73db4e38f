"""Celery's tasks on the SQS transport; each leaves what it did in a file, for there is no result backend on SQS."""

import os
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from celery import Celery

RESULTS = Path(os.environ["CELERY_RESULTS"])
PLACE = urlsplit(os.environ["AWS_ENDPOINT_URL"])

app = Celery("compat", broker=f"sqs://{PLACE.hostname}:{PLACE.port}")
app.conf.broker_transport_options = {
    "region": os.environ["AWS_REGION"],
    "is_secure": False,
    "visibility_timeout": 3,
    "wait_time_seconds": 1,
    "polling_interval": 0.1,
    "queue_name_prefix": os.environ["CELERY_PREFIX"],
}
if url := os.environ.get("CELERY_QUEUE_URL"):  # a queue that is there, and no right to make another
    name = url.rpartition("/")[2]
    app.conf.broker_transport_options["predefined_queues"] = {
        name: {
            "url": url,
            "region": os.environ["AWS_REGION"],
            "access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
            "secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
        }
    }
    app.conf.broker_transport_options["queue_name_prefix"] = ""
    app.conf.task_default_queue = name
    app.conf.worker_enable_remote_control = False
elif queue := os.environ.get("CELERY_QUEUE"):
    app.conf.task_default_queue = queue
    app.conf.worker_enable_remote_control = False
app.conf.task_acks_late = True
app.conf.broker_connection_retry_on_startup = True


def leave(name: str, text: str) -> None:
    """Write a file that is there as a whole or not at all."""
    (RESULTS / f".{name}").write_text(text)
    (RESULTS / f".{name}").rename(RESULTS / name)


@app.task
def add(name: str, left: int, right: int) -> None:
    """Leave the sum."""
    leave(name, str(left + right))


@app.task
def note_time(name: str) -> None:
    """Leave the time at which the task ran."""
    leave(name, str(time.time()))


@app.task
def write_down(name: str, text: str) -> None:
    """Write a word at the end of a file."""
    with (RESULTS / name).open("a") as file:
        file.write(f"{text} ")


@app.task(bind=True, max_retries=3)
def fail_twice(self, name: str) -> None:
    """Fail and ask for a retry until the third time."""
    if self.request.retries < 2:
        raise self.retry(countdown=1)
    leave(name, str(self.request.retries))


@app.task
def outlive(name: str) -> None:
    """Hang in the first worker that takes the task; a second one finishes."""
    if not (RESULTS / f"{name}-begun").exists():
        leave(f"{name}-begun", str(os.getpid()))
        time.sleep(600)
    leave(name, "done by another worker")


def send() -> None:
    """Send what the test's words say: `python -c "import celery_tasks; celery_tasks.send()" add 5`."""
    match sys.argv[1:]:
        case ["add", count]:
            for n in range(int(count)):
                add.delay(f"sum-{n}", n, 1)
        case ["delayed", seconds]:
            note_time.apply_async(["ran-at"], countdown=int(seconds))
            leave("sent-at", str(time.time()))
        case ["later", seconds]:
            note_time.apply_async(["ran-at"], countdown=int(seconds))
            note_time.apply_async(["ran-at"], DelaySeconds=int(seconds))
        case ["ordered", *groups]:
            for n in range(12):
                for group in groups:
                    where = {"MessageGroupId": group, "MessageDeduplicationId": f"{group}-{n}"}
                    for _ in range(2):
                        write_down.apply_async([f"order-{group}", str(n)], **where)
            for group in groups:
                note_time.apply_async([f"end-{group}"], MessageGroupId=group)
        case ["retried"]:
            fail_twice.delay("retried")
        case ["outlive"]:
            outlive.delay("outlived")
