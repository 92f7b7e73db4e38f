"""kombu's SQS transport with fanout exchanges, which are topics."""

import pytest

pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]


def test_every_queue_of_a_fanout_exchange_gets_every_message(script, clients, new_name):
    printed = script("kombu_fanout.py", "fanout", new_name)

    assert printed.splitlines() == ["a [0, 1, 2]", "b [0, 1, 2]"]
    (topic,) = (it["TopicArn"] for it in clients("sns").list_topics()["Topics"])
    assert clients("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["TopicArn"].endswith(f"{new_name}-news")
