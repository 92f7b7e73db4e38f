"""How a call is made: token, deadline, repeats and typed errors, against a server that answers by a script."""

import hashlib
import hmac
import time

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RequestInfo, RetryInfo

from cumulo.api.queue.v1 import queue_pb2
from cumulo.client import Client, errors

SENT = queue_pb2.SendMessageResponse(message_id="id", md5_of_body="md5")
Code = grpc.StatusCode


def test_secret_is_proved_and_never_sent(script, scripted):
    script.answers["SendMessage"] = [SENT]

    scripted.queue("jobs").send("a")

    ((request, _),) = script.calls("IssueToken")
    text = f"cumulo-token-v1\n{request.access_key_id}\n{request.timestamp_ms}\n{request.nonce.hex()}\n{request.ttl_s}"
    assert request.proof == hmac.digest(b"secret-of-the-test", text.encode(), hashlib.sha256)
    assert len(request.nonce) >= 16
    assert not any(b"secret-of-the-test" in it.SerializeToString() for _, it, _ in script.seen)


def test_token_is_cached_and_sent_with_the_region(script, scripted):
    script.answers["SendMessage"] = [SENT]

    for _ in range(3):
        scripted.queue("jobs").send("a")

    assert script.tokens == 1
    _, facts = script.calls("SendMessage")[-1]
    assert facts["authorization"] == "Bearer token-1"
    assert facts["cumulo-region"] == "us-east-1"


def test_token_is_renewed_before_its_end(script):
    script.answers["SendMessage"] = [SENT]
    client = Client(script.target, access_key_id="AKIATESTTESTTESTTEST", secret_access_key="s", token_life_s=0)

    with client:
        client.queue("jobs").send("a")
        client.queue("jobs").send("a")

    assert script.tokens == 2


def test_refused_token_is_replaced_once(script, scripted, refuse):
    script.answers["SendMessage"] = [refuse(Code.UNAUTHENTICATED), SENT]

    scripted.queue("jobs").send("a")

    assert [facts["authorization"] for _, facts in script.calls("SendMessage")] == ["Bearer token-1", "Bearer token-2"]


def test_second_refusal_of_a_token_is_passed_on(script, scripted, refuse):
    script.answers["SendMessage"] = [refuse(Code.UNAUTHENTICATED)]

    with pytest.raises(errors.Unauthenticated):
        scripted.queue("jobs").send("a")

    assert len(script.calls("SendMessage")) == 2


def test_clock_that_is_off_is_corrected_by_the_server(script, scripted, refuse):
    off = ErrorInfo(reason="RequestExpired", domain="cumulo", metadata={"server_ms": "1000000000000"})
    script.answers["IssueToken"].insert(0, refuse(Code.UNAUTHENTICATED, "expired", off))
    script.answers["SendMessage"] = [SENT]

    scripted.queue("jobs").send("a")

    first, second = (request for request, _ in script.calls("IssueToken"))
    assert abs(second.timestamp_ms - 1_000_000_000_000) < 10_000
    assert second.nonce != first.nonce


@pytest.mark.parametrize("status", [Code.UNAVAILABLE, Code.ABORTED])
def test_passing_failure_is_repeated_under_one_request_id(script, scripted, refuse, status):
    script.answers["SendMessage"] = [refuse(status), refuse(status), SENT]

    sent = scripted.queue("jobs").send("a")

    assert sent.message_id == "id"
    ids = [request.request_id for request, _ in script.calls("SendMessage")]
    assert len(ids) == 3
    assert len(set(ids)) == 1
    assert ids[0]


def test_unknown_outcome_is_asked_for_again(script, scripted, refuse):
    unknown = refuse(Code.UNKNOWN, "?", ErrorInfo(reason="OutcomeUnknown", domain="cumulo"))
    script.answers["SendMessage"] = [unknown, SENT]

    scripted.queue("jobs").send("a")

    assert len(script.calls("SendMessage")) == 2


@pytest.mark.parametrize("status", [Code.INVALID_ARGUMENT, Code.INTERNAL, Code.NOT_FOUND, Code.UNKNOWN])
def test_lasting_failure_is_not_repeated(script, scripted, refuse, status):
    script.answers["SendMessage"] = [refuse(status)]

    with pytest.raises(errors.CumuloError):
        scripted.queue("jobs").send("a")

    assert len(script.calls("SendMessage")) == 1


def test_client_without_retries_repeats_nothing_and_sends_no_request_id(script, refuse):
    script.answers["SendMessage"] = [refuse(Code.UNAVAILABLE)]
    client = Client(script.target, access_key_id="AKIATESTTESTTESTTEST", secret_access_key="s", retries=False)

    with client, pytest.raises(errors.Unavailable):
        client.queue("jobs").send("a")

    ((request, _),) = script.calls("SendMessage")
    assert request.request_id == ""


def test_throttled_call_waits_as_long_as_the_server_says(script, scripted, refuse):
    busy = refuse(Code.RESOURCE_EXHAUSTED, "busy", RetryInfo(retry_delay=Duration(nanos=300_000_000)))
    script.answers["SendMessage"] = [busy, SENT]
    started = time.monotonic()

    scripted.queue("jobs").send("a")

    assert time.monotonic() - started >= 0.3


def test_every_call_has_a_deadline(script, scripted):
    script.answers["SendMessage"] = [SENT]
    script.answers["ReceiveMessages"] = [queue_pb2.ReceiveMessagesResponse()]
    queue = scripted.queue("jobs")

    queue.send("a")
    queue.send("a", timeout=3)
    list(queue.receive(7))

    left = [facts["left"] for _, facts in script.calls("SendMessage")]
    assert 8 < left[0] < 10.1
    assert 2 < left[1] < 3.1
    ((_, facts),) = script.calls("ReceiveMessages")
    assert 10 < facts["left"] < 12.1


def test_call_ends_at_its_deadline(script, scripted):
    def never(_request, context):
        while context.is_active():
            time.sleep(0.01)

    script.answers["SendMessage"] = [never]

    with pytest.raises(errors.DeadlineExceeded):
        scripted.queue("jobs").send("a", timeout=0.2)


DENIED = {"action": "sqs:SendMessage", "resource": "arn:aws:sqs:r:a:jobs", "reason": "no statement allows it"}


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (Code.NOT_FOUND, "QueueDoesNotExist", errors.NotFound),
        (Code.ALREADY_EXISTS, "QueueNameExists", errors.AlreadyExists),
        (Code.PERMISSION_DENIED, "AccessDenied", errors.PermissionDenied),
        (Code.FAILED_PRECONDITION, "PreconditionFailed", errors.PreconditionFailed),
        (Code.FAILED_PRECONDITION, "NotModified", errors.NotModified),
        (Code.RESOURCE_EXHAUSTED, "LimitExceeded", errors.LimitExceeded),
        (Code.OUT_OF_RANGE, "InvalidRange", errors.InvalidArgument),
        (Code.DATA_LOSS, "InternalError", errors.DataLoss),
        (Code.UNIMPLEMENTED, "NotImplemented", errors.NotSupported),
        (Code.INTERNAL, "InternalFailure", errors.ServerFailure),
    ],
)
def test_status_and_details_become_a_typed_exception(script, scripted, refuse, status, code, kind):
    info = ErrorInfo(reason=code, domain="cumulo", metadata=DENIED)
    script.answers["SendMessage"] = [refuse(status, "a sentence", info, RequestInfo(request_id="r-1"))]

    with pytest.raises(kind) as caught:
        scripted.queue("jobs").send("a")

    failure = caught.value
    assert type(failure) is kind
    assert (failure.code, failure.message, failure.request_id) == (code, "a sentence", "r-1")
    assert str(failure) == f"{code}: a sentence"
    if kind is errors.PermissionDenied:
        assert (failure.action, failure.resource, failure.reason) == tuple(DENIED.values())


def test_wrong_parameter_is_named(script, scripted, refuse):
    violation = BadRequest.FieldViolation(field="delay_s", description="too long")
    script.answers["SendMessage"] = [refuse(Code.INVALID_ARGUMENT, "bad", BadRequest(field_violations=[violation]))]

    with pytest.raises(errors.InvalidArgument) as caught:
        scripted.queue("jobs").send("a", delay=901)

    assert caught.value.parameter == "delay_s"


def test_details_that_cannot_be_read_are_left_out(script, scripted):
    def answer(_request, context):
        context.set_trailing_metadata((("grpc-status-details-bin", b"\xff\xff\xff"),))
        context.abort(Code.NOT_FOUND, "gone")

    script.answers["SendMessage"] = [answer]

    with pytest.raises(errors.NotFound, match="gone"):
        scripted.queue("jobs").send("a")


def test_no_server_is_unavailable():
    client = Client("127.0.0.1:1", access_key_id="AKIATESTTESTTESTTEST", secret_access_key="s", retries=False)

    with client, pytest.raises(errors.Unavailable):
        client.iam.whoami()


def test_closed_client_makes_no_call(scripted):
    scripted.close()

    with pytest.raises(RuntimeError, match="closed"):
        scripted.iam.whoami()


def test_stream_is_reopened_when_its_token_ends_and_nothing_is_lost(script, scripted):
    frames = []

    def ends_unanswered(requests, context):
        frames.append(next(requests))
        context.abort(Code.UNAUTHENTICATED, "the token ended")
        yield

    def answers_all(requests, _context):
        for request in requests:
            frames.append(request)
            results = [
                queue_pb2.SendMessageResult(sent=queue_pb2.SentMessage(message_id=it.body.decode()))
                for it in request.entries
            ]
            yield queue_pb2.StreamSendMessagesResponse(sequence=request.sequence, results=results)

    script.answers["StreamSendMessages"] = [ends_unanswered, answers_all]

    with scripted.queue("jobs").send_stream() as stream:
        pending = [stream.send(str(number)) for number in range(5)]

    assert [it.message_id for it in pending] == ["0", "1", "2", "3", "4"]
    assert frames[1] == frames[0]
    assert frames[0].request_id
    assert script.tokens == 2


def test_receiving_stream_is_reopened_and_its_credits_are_granted_anew(script, scripted):
    grants = []

    def one_message(requests, context):
        next(requests)
        grants.append(next(requests).credits)
        yield queue_pb2.StreamReceiveMessagesResponse(
            messages=[queue_pb2.Message(message_id="1", receipt_handle="r1", body=b"a")]
        )
        context.abort(Code.UNAUTHENTICATED, "the token ended")

    def acknowledges(requests, _context):
        next(requests)
        for request in requests:
            grants.append(request.credits)
            if request.sequence:
                yield queue_pb2.StreamReceiveMessagesResponse(
                    ack_results=[queue_pb2.AckResult(sequence=request.sequence)]
                )

    script.answers["StreamReceiveMessages"] = [one_message, acknowledges]

    with scripted.queue("jobs").receive_stream(credits=10, visibility_timeout=30) as stream:
        with next(iter(stream)):
            pass
        while len(grants) < 2:
            time.sleep(0.01)

    assert grants[0] == 10
    assert sum(grants[1:]) == 10
