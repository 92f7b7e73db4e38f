"""Points in time in AWS's three spellings."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo.gateway import aws_timestamps as times

SECONDS = st.integers(times.MS_MIN // 1000, times.MS_MAX // 1000)


@given(SECONDS, st.integers(0, 999))
def test_iso_8601_is_read_as_it_is_written(second, rest_ms):
    moment_ms = second * 1000 + rest_ms

    assert times.parsed(times.iso8601(moment_ms)) == moment_ms
    assert times.parsed(times.iso8601_of_s3(moment_ms)) == second * 1000


@given(st.lists(SECONDS, min_size=1), st.integers(0, 999))
def test_a_column_is_written_as_its_values_are(seconds, rest_ms):
    moments_ms = [second * 1000 + rest_ms for second in seconds]

    assert times.iso8601_column_of_s3(moments_ms) == list(map(times.iso8601_of_s3, moments_ms))


@given(st.integers(0, times.MS_MAX // 1000))
def test_http_dates_are_what_datetime_says(second):
    moment = datetime.fromtimestamp(second, UTC)

    assert times.rfc822(second * 1000) == moment.strftime("%a, %d %b ") + f"{moment:%Y}".zfill(4) + moment.strftime(
        " %H:%M:%S GMT"
    )
    assert times.parsed(times.rfc822(second * 1000)) == second * 1000


@pytest.mark.parametrize(
    ("text", "moment_ms"),
    [
        ("0", 0),
        ("1.5", 1500),
        ("-1", -1000),
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01T01:00:01+01:00", 1000),
        ("1970-01-01T00:00:01", 1000),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 1000),
        ("Thu, 01 Jan 1970 00:00:01 -0000", 1000),
    ],
)
def test_each_spelling_is_read(text, moment_ms):
    assert times.parsed(text) == moment_ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1e3",
        "nan",
        "2026-13-01T00:00:00Z",
        "Foo, 32 Jan 1970",
        "9" * 15,
        "T",
        "\u0661",
        "Tue, 99999999999999999999 Jan 2024 03:04:05 GMT",
        "Tue, 02 Jan 2024 03:04:05 +99999999999999999999",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
    ],
)
def test_what_is_no_point_in_time_is_refused(text):
    with pytest.raises(ValueError):
        times.parsed(text)


@pytest.mark.parametrize(("moment_ms", "seconds"), [(0, 0), (1500, 1.5), (-500, -0.5), (2000, 2)])
def test_seconds_are_whole_where_they_can_be(moment_ms, seconds):
    assert times.unix_seconds(moment_ms) == seconds
    assert type(times.unix_seconds(moment_ms)) is type(seconds)
