"""The names by which calls and due work find logs, schedules and topics.

A server knows these from its start, and loads what stands behind one when somebody first comes to it: so nothing of
that is imported here.
"""

LOG_SERVICE = "cumulo.api.queue.v1.LogService"
SCHEDULE_SERVICE = "cumulo.api.queue.v1.ScheduleService"
TOPIC_SERVICE = "cumulo.api.topics.v1.TopicService"

TRIM = "log.trim"
"""Due kind: the oldest records of a log reach a limit of its retention. Key: its partition. At most one per log."""
LOG_KINDS = (TRIM,)

FAN_OUT = "topic.fan_out"
"""Due kind: messages lie in a topic's outbox. Key: its partition."""
DELIVER = "topic.deliver"
"""Due kind: messages lie in a subscription's queue. Key: its partition; payload: `topic_keys.owner_of` it."""
FAREWELL = "topic.farewell"
"""Due kind: an endpoint is to be told that its subscription has ended; later, that cannot be undone any more. Key: the
topic's partition and the subscription's number; payload: `topic_keys.Farewell`.
"""
EXPIRE = "topic.expire"
"""Due kind: a subscription was not confirmed in time. Key: the topic's partition and the subscription's number."""
CLEAR_TOPIC = "topic.clear"
"""Due kind: a topic was deleted, and its rows are to go. Key: its partition."""
REFILL = "topic.refill"
"""Due kind: a native subscription was sought back, and is to get what its topic kept. Key: the partition of its queue;
payload: its topic's partition, and its number.
"""
REPLAY_DUE = "topic.replay"
"""Due kind: a queue of SQS is to get what its topic kept, by its subscription's policy. Key: `topic_keys.owner_of` the
subscription.
"""
TOPIC_KINDS = (FAN_OUT, DELIVER, FAREWELL, EXPIRE, CLEAR_TOPIC, REFILL, REPLAY_DUE)

CERTIFICATE_PREFIX = "/SimpleNotificationService-"
"""How the path begins under which the HTTP port serves the certificate of the signatures on messages of topics."""
