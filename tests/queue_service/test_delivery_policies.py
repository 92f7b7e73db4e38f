"""Delivery policies: the delays that they mean, and what may be written."""

import json

import pytest

from cumulo.core.errors import ServiceError
from cumulo.queue_service import delivery_policies as policies
from cumulo.queue_service.topic_attributes import check_topic_attribute, subscription_attribute
from cumulo.queue_service.topic_model import TopicPlace

NEWS = TopicPlace("000000000000", "us-east-1", "news")
GOOD = {"minDelayTarget": 20, "maxDelayTarget": 20, "numRetries": 3}


def delays(**retries):
    policy = policies.in_force({}, {"DeliveryPolicy": json.dumps({"healthyRetryPolicy": GOOD | retries})})
    found: list[int] = []
    while (delay := policy.delay_s(len(found) + 1)) is not None:
        found.append(delay)
    return found


def test_default_policy_is_three_retries_20_seconds_apart():
    policy = policies.in_force({}, {})

    assert [policy.delay_s(attempt) for attempt in (1, 2, 3, 4)] == [20, 20, 20, None]


def test_delays_of_the_backoff_phase_are_drawn_between_the_least_and_what_the_function_says():
    retries = GOOD | {"minDelayTarget": 10, "maxDelayTarget": 110, "numRetries": 7, "numNoDelayRetries": 1}
    retries |= {"numMinDelayRetries": 1, "numMaxDelayRetries": 2}
    policy = policies.in_force({}, {"DeliveryPolicy": json.dumps({"healthyRetryPolicy": retries})})

    attempts = range(1, 9)

    assert [policy.delay_s(it) for it in attempts] == [0, 10, 10, 60, 110, 110, 110, None]
    assert [policy.drawn_delay_s(it, 0.0) for it in attempts] == [0, 10, 10, 10, 10, 110, 110, None]
    assert [policy.drawn_delay_s(it, 0.5) for it in attempts] == [0, 10, 10, 35, 60, 110, 110, None]
    assert [policy.drawn_delay_s(it, 0.999) for it in attempts] == [0, 10, 10, 60, 110, 110, 110, None]


@pytest.mark.parametrize(("draw", "delay_s"), [(0.0, 10), (0.5, 20), (0.9999, 30)])
def test_delays_that_nobody_chose_are_drawn_around_those_of_sns(draw, delay_s):
    throttled = json.dumps({"http": {"defaultThrottlePolicy": {"maxReceivesPerSecond": 1}}})

    for topic in ({}, {"DeliveryPolicy": throttled}):
        assert policies.in_force(topic, {}).drawn_delay_s(1, draw) == delay_s
    assert policies.OF_MAIL.drawn_delay_s(13, draw) == 30 * delay_s


def test_phases_follow_each_other():
    found = delays(
        minDelayTarget=1,
        maxDelayTarget=60,
        numRetries=12,
        numNoDelayRetries=3,
        numMinDelayRetries=2,
        numMaxDelayRetries=4,
    )

    assert found == [0, 0, 0, 1, 1, 1, 30, 60, 60, 60, 60, 60]


@pytest.mark.parametrize("function", policies.BACKOFF)
def test_backoff_rises_from_the_least_delay_to_the_greatest(function):
    found = delays(minDelayTarget=5, maxDelayTarget=260, numRetries=10, backoffFunction=function)

    assert found == sorted(found)
    assert (found[0], found[-1]) == (5, 260)


def test_backoff_functions_differ_as_they_are_drawn():
    middle = {
        name: delays(minDelayTarget=5, maxDelayTarget=260, numRetries=9, backoffFunction=name)[4]
        for name in policies.BACKOFF
    }

    assert middle["linear"] > middle["arithmetic"] > middle["geometric"] > middle["exponential"]


def test_topic_decides_where_it_forbids_overrides():
    topic = {"http": {"defaultHealthyRetryPolicy": GOOD | {"numRetries": 1}, "disableSubscriptionOverrides": True}}
    own = json.dumps({"healthyRetryPolicy": GOOD | {"numRetries": 9}, "throttlePolicy": {"maxReceivesPerSecond": 3}})

    forced = policies.in_force({"DeliveryPolicy": json.dumps(topic)}, {"DeliveryPolicy": own})
    topic["http"]["disableSubscriptionOverrides"] = False
    free = policies.in_force({"DeliveryPolicy": json.dumps(topic)}, {"DeliveryPolicy": own})

    assert (forced.backoff, forced.max_per_s) == (1, 0)
    assert (free.backoff, free.max_per_s) == (9, 3)


@pytest.mark.parametrize(
    ("retries", "complaint"),
    [
        ({"minDelayTarget": 0}, "minDelayTarget must be greater than or equal to 1"),
        ({"maxDelayTarget": 3601}, "maxDelayTarget must be less than or equal to 3600"),
        ({"minDelayTarget": 21}, "maxDelayTarget must be greater than or equal to minDelayTarget"),
        ({"numRetries": 101}, "numRetries must be less than or equal to 100"),
        ({"numRetries": -1}, "numRetries must be greater than or equal to 0"),
        ({"numRetries": "3"}, "numRetries must be an integer"),
        ({"numRetries": None}, "numRetries must be specified"),
        (
            {"numNoDelayRetries": 2, "numMaxDelayRetries": 2},
            "greater than or equal to total of numMinDelayRetries, numNoDelayRetries and numMaxDelayRetries",
        ),
        ({"backoffFunction": "sudden"}, "backoffFunction must be one of linear, arithmetic, geometric, exponential"),
        ({"other": 1}, "other is not known"),
        ({"minDelayTarget": 1000, "maxDelayTarget": 1000, "numRetries": 4}, "total retry time of more than 3600"),
    ],
)
def test_policy_beyond_the_limits_is_refused_in_sns_words(retries, complaint):
    policy = json.dumps({"healthyRetryPolicy": GOOD | retries})

    with pytest.raises(ServiceError) as refusal:
        subscription_attribute(
            NEWS, "http", "http://a/", "DeliveryPolicy", policy, scope="MessageBody", prefix="Attributes Reason: "
        )

    assert refusal.value.row.code == "InvalidParameter"
    assert refusal.value.message.startswith("Invalid parameter: Attributes Reason: DeliveryPolicy: healthyRetryPolicy")
    assert complaint in refusal.value.message


@pytest.mark.parametrize(
    "policy",
    [
        {"healthyRetryPolicy": 1},
        {"throttlePolicy": {"maxReceivesPerSecond": 0}},
        {"requestPolicy": {"headerContentType": "image/png"}},
        {"requestPolicy": {"headerContentType": "text/plain; charset=UTF-8\r\nX: y"}},
        {"http": {}},
    ],
)
def test_other_parts_of_a_policy_are_checked(policy):
    with pytest.raises(ServiceError, match="DeliveryPolicy"):
        subscription_attribute(NEWS, "http", "http://a/", "DeliveryPolicy", json.dumps(policy), scope="MessageBody")


def test_policy_of_a_topic_is_checked():
    check_topic_attribute(NEWS, "DeliveryPolicy", json.dumps({"http": {"defaultHealthyRetryPolicy": GOOD}}))

    with pytest.raises(ServiceError, match=r"http\.defaultHealthyRetryPolicy\.minDelayTarget must be specified"):
        check_topic_attribute(NEWS, "DeliveryPolicy", json.dumps({"http": {"defaultHealthyRetryPolicy": {}}}))
