"""Tags, permissions, dead-letter queues and move tasks by the SDK against a real server."""

import json
import uuid

import pytest

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.client import Client, DeadLetterPolicy, errors

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"


@pytest.fixture
def dead(client: Client):
    """A dead-letter queue with a message of each of its two sources."""
    name = f"dead-{uuid.uuid4().hex}"
    made = client.queue(name)
    made.create()
    for number in (1, 2):
        source = client.queue(f"{name}-{number}")
        source.create(dead_letter_policy=DeadLetterPolicy(queue=name, max_receive_count=1))
        source.send(f"of {number}", trace_header=TRACE)
        for _ in range(2):
            for message in source.receive(0, visibility_timeout=0):
                message.release()
    return made


def test_tags_are_added_replaced_and_removed(client: Client):
    queue = client.queue(f"tagged-{uuid.uuid4().hex}")
    queue.create(tags={"team": "a", "stage": "test"})
    queue.tag({"team": "b", "cost": ""})
    queue.untag("stage", "never was")

    assert queue.tags() == {"cost": "", "team": "b"}
    with pytest.raises(errors.InvalidArgument):
        queue.tag({"aws:mine": "x"})
    with pytest.raises(errors.InvalidArgument):
        queue.tag({f"k{number}": "" for number in range(50)})
    with pytest.raises(errors.NotFound):
        client.queue("never-was").tags()


def test_permission_is_a_labelled_statement_of_the_policy(client: Client):
    queue = client.queue(f"shared-{uuid.uuid4().hex}")
    queue.create()
    queue.add_permission("others", ["111111111111"], ["SendMessage", "GetQueueUrl"])

    (statement,) = json.loads(queue.info().policy or "")["Statement"]
    with pytest.raises(errors.InvalidArgument, match="Already exists"):
        queue.add_permission("others", ["111111111111"], ["*"])
    queue.remove_permission("others")

    assert statement["Sid"] == "others"
    assert sorted(statement["Action"]) == ["SQS:GetQueueUrl", "SQS:SendMessage"]
    assert not json.loads(queue.info().policy or "{}").get("Statement")
    with pytest.raises(errors.InvalidArgument):
        queue.remove_permission("others")


def test_message_tells_its_trace_and_whence_it_came(dead):
    (peeked, _) = dead.peek()
    messages = list(dead.receive(0, 10))

    assert {it.trace_header for it in messages} == {peeked.trace_header} == {TRACE}
    sources = sorted(it.dead_letter_source_arn.rpartition("-")[2] for it in messages)
    assert sources == ["1", "2"]


def test_trace_goes_with_every_form_of_a_send(client: Client):
    from cumulo.client import Outgoing

    queue = client.queue(f"traced-{uuid.uuid4().hex}")
    queue.create()
    queue.send_batch([Outgoing(body="batch", trace_header=TRACE)])
    with queue.send_stream() as stream:
        stream.send("stream", trace_header=TRACE)
        stream.send_all([Outgoing(body="stream of many", trace_header=TRACE)])
    with client.transaction() as transaction:
        transaction.send(queue, "transaction", trace_header=TRACE)
    queue.send("none")

    traces = {message.text: message.trace_header for message in queue.receive(0, 10)}

    assert traces == {"batch": TRACE, "stream": TRACE, "stream of many": TRACE, "transaction": TRACE, "none": ""}


def test_sources_of_a_dead_letter_queue_are_listed(dead):
    names = [it.name for it in dead.dead_letter_sources(page_size=1)]

    assert names == [f"{dead.name}-1", f"{dead.name}-2"]


def test_messages_move_back_to_where_they_came_from(client: Client, dead):
    task_id = dead.start_move()
    while (task := dead.move_tasks()[0]).status == "RUNNING":
        pass

    assert (task.task_id, task.status, task.to_move_count, task.moved_count) == (task_id, "COMPLETED", 2, 2)
    assert task.destination_arn is None
    assert task.max_messages_per_s is None
    assert [it.text for it in client.queue(f"{dead.name}-1").receive(0, 10)] == ["of 1"]


def test_move_task_is_cancelled_once(client: Client, dead):
    task_id = dead.start_move(f"{dead.name}-1", max_messages_per_s=1)
    with pytest.raises(errors.CumuloError, match="already a task running"):
        dead.start_move()

    task = dead.cancel_move(task_id)

    assert task.status == "CANCELLED"
    assert task.max_messages_per_s == 1
    assert (task.destination_arn or "").endswith(f"{dead.name}-1")
    with pytest.raises(errors.CumuloError, match="Only active tasks"):
        dead.cancel_move(task_id)
    with pytest.raises(errors.NotFound):
        dead.cancel_move("never was")
    with pytest.raises(errors.CumuloError, match="Dead Letter Queue"):
        client.queue(f"{dead.name}-1").start_move()


def test_redrive_allow_policy_is_kept_asked_and_reset(client: Client):
    name = f"choosy-{uuid.uuid4().hex}"
    queue = client.queue(name)
    queue.create()
    deny = {"redrivePermission": "denyAll"}
    shown = queue.set(redrive_allow_policy=deny).redrive_allow_policy
    policy = DeadLetterPolicy(queue=name, max_receive_count=1)
    with pytest.raises(errors.InvalidArgument, match="redrive allow policy"):
        client.queue(f"{name}-1").create(dead_letter_policy=policy)

    back = queue.set(reset=("redrive_allow_policy",))
    client.queue(f"{name}-1").create(dead_letter_policy=policy)

    assert json.loads(shown or "") == deny
    assert back.redrive_allow_policy is None


def test_repeated_control_call_is_answered_as_the_first(client: Client, dead):
    """Under one request id, as the client repeats a call whose answer was lost."""
    stub, call = client._connection.lane.queue, client._connection.call
    ids = iter(str(uuid.uuid4()) for _ in range(6))
    for method, request in (
        (stub.TagQueue, pb.TagQueueRequest(queue=dead.name, tags={"a": "b"}, request_id=next(ids))),
        (stub.UntagQueue, pb.UntagQueueRequest(queue=dead.name, keys=["a"], request_id=next(ids))),
        (
            stub.AddPermission,
            pb.AddPermissionRequest(
                queue=dead.name, label="l", accounts=["111111111111"], actions=["*"], request_id=next(ids)
            ),
        ),
        (stub.RemovePermission, pb.RemovePermissionRequest(queue=dead.name, label="l", request_id=next(ids))),
        (
            stub.StartMessageMoveTask,
            pb.StartMessageMoveTaskRequest(source=dead.name, max_messages_per_s=1, request_id=next(ids)),
        ),
    ):
        assert call(method, request) == call(method, request)
    cancel = pb.CancelMessageMoveTaskRequest(
        source=dead.name, task_id=dead.move_tasks()[0].task_id, request_id=next(ids)
    )

    assert call(stub.CancelMessageMoveTask, cancel) == call(stub.CancelMessageMoveTask, cancel)
    assert len(dead.move_tasks()) == 1
