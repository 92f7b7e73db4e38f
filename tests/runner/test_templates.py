"""Templates: what a worker makes of messages that are not a job's own."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cumulo.client import _wire
from cumulo.runner import templates
from cumulo.runner.templates import Template, TemplateError

TEXT = """
name = "thumbnail"
command = ["convert", "in/{file}", "{stem}", "{bucket}/{key}"]
memory_bytes = 1000000

[environment]
MESSAGE = "{message}"

[[inputs]]
source = "s3://{bucket}/{key}"
path = "in/{file}"

[[outputs]]
path = "out/**"
destination = "s3://made/{key}/"
"""


def notification(key, *, event="ObjectCreated:Put", source="aws:s3", bucket="inbox"):
    described = {"bucket": {"name": bucket}, "object": {"key": key}}
    return {"eventSource": source, "eventName": event, "s3": described}


def body(*records):
    return json.dumps({"Records": records}).encode()


def test_a_template_is_filled_with_what_the_notification_says(tmp_path):
    path = tmp_path / "job.toml"
    path.write_text(TEXT)
    events = templates.events_of(body(notification("a/b+c%C3%BC.tar.gz")), "m1")
    assert events is not None

    spec = templates.fill(templates.load(path), events[0], "m1")

    assert spec.command == ("convert", "in/b cü.tar.gz", "a/b cü.tar", "inbox/a/b cü.tar.gz")
    assert spec.environment == {"MESSAGE": "m1"}
    assert (spec.inputs[0].source, spec.inputs[0].path) == ("s3://inbox/a/b cü.tar.gz", "in/b cü.tar.gz")
    assert spec.outputs[0].destination == "s3://made/a/b cü.tar.gz/"
    assert (spec.isolation, spec.memory_bytes, spec.timeout_s) == ("sandbox", 1000000, None)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("{message}", "{massage}"), "unknown field {massage}"),
        (("memory_bytes", "memory"), "unknown field `memory`"),
        (('name = "thumbnail"', ""), "missing required field `name`"),
        (("1000000", '"much"'), "memory_bytes"),
        (("[environment]", "[environment"), "line"),
    ],
)
def test_a_template_that_cannot_be_used_says_where(tmp_path, change, says):
    path = tmp_path / "job.toml"
    path.write_text(TEXT.replace(*change))

    with pytest.raises(TemplateError) as caught:
        templates.load(path)

    assert says in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_template_that_is_not_there_or_not_text_says_so(tmp_path):
    with pytest.raises(TemplateError, match="No such file"):
        templates.load(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(TemplateError, match="decode"):
        templates.load(tmp_path / "binary.toml")


@pytest.mark.parametrize(
    ("message", "keys"),
    [
        (body(notification("a"), notification("b+b")), ["a", "b b"]),
        (body(notification("a", event="s3:ObjectCreated:CompleteMultipartUpload")), ["a"]),
        (body(notification("a", event="ObjectRemoved:Delete"), notification("b")), ["b"]),
        (body(notification("a", source="aws:sqs")), []),
        (b'{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "inbox"}', []),
        (body(), []),
        (b"not JSON", None),
        (b"", None),
        (b"[]", None),
        (b"{}", None),
        (b'{"Records": 1}', None),
        (b'{"Records": {"a": 1}}', None),
        (b'{"Records": [{"eventSource": "aws:s3", "eventName": 7}]}', None),
        (body(notification(["a"])), None),
        (body(notification("a", bucket={"x": 1})), None),
        (body(notification("%ff")), None),
        (body(notification("\ud800")), None),
        (b"[" * 100_000, None),
        (b"9" * 100_000, None),
    ],
)
def test_what_a_message_tells_of(message, keys):
    events = templates.events_of(message, "m1")

    assert (None if events is None else [event.key for event in events]) == keys


def test_each_object_of_a_message_has_a_deduplication_key_of_its_own():
    message = body(notification("a", event="ObjectRemoved:Delete"), notification("b"), notification("b"))

    assert [event.deduplication_key for event in templates.events_of(message, "m1") or ()] == ["m1/1", "m1/2"]


@pytest.mark.parametrize(
    ("message", "job"),
    [
        (b'{"cumulo_job": "7f"}', "7f"),
        (b'{"cumulo_job": 7}', ""),
        (b'{"cumulo_job": "\\ud800"}', ""),
        (b'["cumulo_job"]', ""),
        (b"\x80", ""),
    ],
)
def test_a_jobs_own_message_names_it(message, job):
    assert templates.job_of(message) == job


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Records", "eventSource", "eventName", "s3", "object", "bucket", "key", "name", "cumulo_job"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.binary(max_size=200)
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.builds(lambda key, name: body(notification(key, bucket=name)), json_values, json_values)
)
@example(body(notification("\udfff", bucket="\ud800")))
@example(json.dumps({"cumulo_job": "\ud800"}).encode())
def test_no_message_breaks_the_parser_and_what_it_finds_can_be_sent(message):
    template = Template(name="t", command=("{bucket}", "{key}", "{file}", "{stem}"))

    templates.job_of(message).encode()
    for event in templates.events_of(message, "m1") or ():
        _wire.job_spec_message(templates.fill(template, event, "m1")).SerializeToString()
