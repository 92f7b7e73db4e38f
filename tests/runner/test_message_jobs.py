"""Subscriptions whose messages become jobs: each message once, in the name of who subscribed."""

import asyncio
import json

import msgspec
import pytest

from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.ports import JobMessage
from cumulo.queue_service import native_model as native
from cumulo.queue_service import topic_model as topics
from cumulo.queue_service.message_model import MessageAttribute
from cumulo.queue_service.topic_service import TopicService
from cumulo.runner import invariants as runner_invariants
from cumulo.runner import message_jobs, model
from cumulo.runner.service import Service as Runner
from tests.queue_service.conftest import ACCOUNT, Stand, root_of
from tests.queue_service.test_native_subscriptions import Native
from tests.queue_service.test_topics import BASE_URL, NoSignature

TEMPLATE = {
    "queue": "work",
    "name": "greet",
    "command": ["echo", "{message}"],
    "environment": {"ABOUT": "{subject} {attributes} {topic}"},
    "outputs": [{"path": "out", "destination": "s3://results/{message_id}"}],
    "max_attempts": 1,
}


class Jobs(Native):
    """Topics beside a runner."""

    def __init__(self, it):
        self.it = it
        queues = it.service
        self.runner = Runner(
            it.engine,
            queues.authorizer,
            it.clock,
            it.randomness,
            sealer=it.sealer,
            queues=queues.delivery_target,
            queue_guard=queues.guard,
        )
        self.service = TopicService(
            it.engine,
            queues.authorizer,
            it.clock,
            it.randomness,
            it.sealer,
            queues.seals,
            NoSignature(),
            {},
            message_jobs.MessageJobs(self.runner),
        )
        self.service.base_url = BASE_URL
        for room in (self.service, self.runner):
            for kind, handler in room.due_handlers().items():
                it.pump.register(kind, handler)

    async def begin(self, **more):
        await self.create()
        await self.it.create("work")
        return await self.attach("greeter", job_template=json.dumps(TEMPLATE | more))

    async def settle(self, seconds=0):
        """Let time pass, and due work and deliveries be done."""
        self.it.clock.advance(int(seconds * 1000))
        while await self.it.pump.run_due():
            await self.service.endpoints.settle()

    async def jobs(self):
        request = model.ListJobs(account=ACCOUNT, region="us-east-1")
        return list((await self.runner.call(self.it.ctx, "ListJobs", request)).value.jobs)


@pytest.fixture
def run(tmp_path):
    """Run a scenario on LMDB; afterwards every invariant must hold."""

    def go(scenario):
        async def whole():
            it = Stand(tmp_path / "engine")
            await it.open()
            news = Jobs(it)
            try:
                await scenario(news)
                assert await news.problems() == []
                assert await it.problems() == []
                assert await it.engine.inspect(lambda txn, _: runner_invariants.check(txn), None) == []
            finally:
                await news.service.drain()
                await it.close()

        asyncio.run(whole())

    return go


def test_each_message_becomes_a_job_that_it_fills(run):
    async def scenario(news):
        made = await news.begin()

        kind = MessageAttribute("kind", "String", b"order")
        (sent,) = await news.publish("hello {message_id}", subject="greeting", attributes=(kind,))
        await news.settle()

        assert (made.job_template, made.message_count) == (json.dumps(TEMPLATE), 0)
        (job,) = await news.jobs()
        topic = "arn:aws:sns:us-east-1:000000000000:news"
        assert job.spec.command == ("echo", "hello {message_id}")
        assert job.spec.environment == {"ABOUT": f'greeting {{"kind": "order"}} {topic}'}
        assert job.spec.outputs == (model.Output("out", f"s3://results/{sent.message_id}"),)
        assert (job.queue, job.spec.max_attempts) == ("work", 1)
        (message,) = await news.it.receive(queue="work")
        assert json.loads(message.body) == {"cumulo_job": job.id}
        assert (await news.look("greeter")).message_count == 0

    run(scenario)


def test_message_that_is_delivered_twice_is_one_job_and_another_subscription_makes_another(run):
    async def scenario(news):
        await news.begin()
        await news.attach("second", job_template=json.dumps(TEMPLATE))
        message = JobMessage(
            message="m",
            message_id="i",
            subject="",
            topic="t",
            published="p",
            attributes="{}",
            deduplication_key="topic/i/s",
        )

        submitter = message_jobs.MessageJobs(news.runner)
        first = await submitter.submit(news.it.ctx, json.dumps(TEMPLATE), message)
        again = await submitter.submit(news.it.ctx, json.dumps(TEMPLATE), message)
        await news.publish("hello")
        await news.settle()

        assert first == again
        assert len(await news.jobs()) == 1 + 2
        assert len(await news.it.receive(queue="work")) == 3

    run(scenario)


def test_filter_chooses_which_messages_become_jobs(run):
    async def scenario(news):
        await news.create()
        await news.it.create("work")
        wanted = json.dumps({"kind": ["order"]})
        await news.attach(
            "greeter", job_template=json.dumps(TEMPLATE), filter_policy=wanted, filter_scope="MessageBody"
        )

        await news.publish('{"kind": "order"}', '{"kind": "bill"}')
        await news.settle()

        assert [job.spec.command[1] for job in await news.jobs()] == ['{"kind": "order"}']

    run(scenario)


def test_message_whose_queue_is_gone_goes_to_the_dead_letter_queue(run):
    async def scenario(news):
        await news.create()
        await news.it.create("work")
        await news.it.create("dead")
        made = await news.attach("greeter", job_template=json.dumps(TEMPLATE), dead_letter_queue="dead")
        await news.it.remove("work")

        await news.publish("hello")
        await news.settle()

        assert made.dead_letter_queue.endswith("/queues/dead")
        (message,) = await news.it.receive(queue="dead")
        assert json.loads(message.body)["Message"] == "hello"
        assert await news.jobs() == []

    run(scenario)


def test_who_may_not_submit_jobs_to_a_queue_makes_no_subscription_that_does(run):
    async def scenario(news):
        await news.begin()
        stranger = CallContext(principal=root_of("111122223333"), request_id="test")
        foreign = TEMPLATE | {"queue": f"arn:aws:sqs:us-east-1:{ACCOUNT}:work"}

        with pytest.raises(ServiceError, match=r"AccessDenied.*batch:SubmitJob"):
            await news.service.desk.jobs.check(stranger, json.dumps(foreign))
        await news.service.desk.jobs.check(news.it.ctx, json.dumps(foreign))

    run(scenario)


WRONG = [
    ("{", "a JSON object"),
    (json.dumps(TEMPLATE | {"colour": "red"}), "colour"),
    (json.dumps({"queue": "work", "name": "a"}), "command"),
    (
        json.dumps(TEMPLATE | {"command": ["echo", "{colour}"]}),
        r"\{colour\} for job_template is invalid: fields of message",
    ),
    (json.dumps(TEMPLATE | {"name": "a b"}), "spec.name"),
    (json.dumps(TEMPLATE | {"queue": "none"}), "JobQueueNotFound"),
    (json.dumps(TEMPLATE | {"queue": "steps.fifo"}), "is a FIFO queue"),
    (" " * native.JOB_TEMPLATE_CHARACTERS_MAX + "{}", "at most 16384 characters"),
]


@pytest.mark.parametrize(("template", "says"), WRONG)
def test_wrong_template_is_refused_and_nothing_is_made(run, template, says):
    async def scenario(news):
        await news.create()
        await news.it.create("work")
        await news.it.create("steps.fifo")

        with pytest.raises(ServiceError, match=says):
            await news.attach("greeter", job_template=template)

        assert (await news.call(topics.ListSubscriptions())).subscriptions == ()

    run(scenario)


def test_settings_of_receivers_are_refused_and_a_fifo_topic_has_no_jobs(run):
    async def scenario(news):
        await news.begin()
        await news.create("moves.fifo")
        template = json.dumps(TEMPLATE)

        with pytest.raises(ServiceError, match="ack_deadline_s Reason"):
            await news.attach("other", job_template=template, ack_deadline_s=5)
        with pytest.raises(ServiceError, match="jobs keep no order"):
            await news.attach("other", topic="moves.fifo", job_template=template)
        with pytest.raises(ServiceError, match="its job_template is another"):
            await news.attach("greeter")
        with pytest.raises(ServiceError, match="NotFound"):
            await news.pull(name="greeter")
        with pytest.raises(ServiceError, match="NotFound"):
            await news.seek(native.Target.END, "greeter")
        await news.attach("reader")
        with pytest.raises(ServiceError, match="a native subscription gets none"):
            await news.change("reader", job_template=template)
        with pytest.raises(ServiceError, match="is not taken away"):
            await news.change("greeter", job_template="")

    run(scenario)


def test_template_can_be_changed_and_the_subscription_is_listed_and_ended(run):
    async def scenario(news):
        await news.begin()
        changed = json.dumps(TEMPLATE | {"name": "wave"})

        await news.change("greeter", job_template=changed)
        await news.publish("hello")
        await news.settle()
        (listed,) = (await news.call(topics.ListSubscriptions())).subscriptions
        await news.call(topics.Unsubscribe(subscription=listed.place.arn))
        await news.publish("nobody")
        await news.settle()

        assert (listed.protocol, listed.endpoint, listed.place.id) == ("job", "greeter", "greeter")
        assert [job.spec.name for job in await news.jobs()] == ["wave"]

    run(scenario)


def test_message_is_no_template():
    template = message_jobs.parse(json.dumps(TEMPLATE))
    texts = dict.fromkeys(("message", "message_id", "subject", "topic", "published", "attributes"), "{message}")

    spec = message_jobs.fill(template, JobMessage(deduplication_key="", **texts))

    assert spec.command == ("echo", "{message}")
    assert msgspec.structs.asdict(template)["timeout_s"] == model.TIMEOUT_S_DEFAULT
