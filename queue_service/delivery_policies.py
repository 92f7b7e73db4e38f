"""Delivery policies: how often and when a message that an endpoint did not take is tried again.

Pure functions over SNS's JSON: check it in SNS's words, show what is in force, and say how long to wait after each
attempt. Sources: SNS developer guide, "Amazon SNS message delivery retries" and "Creating an HTTP/S delivery policy".
How a backoff function divides the way from the least delay to the greatest is not published; the four here keep the
order in which SNS draws them. Nor is how SNS adds jitter, only that it does ("full jitter", in its words, draws evenly
up to what would be the delay). So where a policy was given, the delays of its backoff phase are drawn evenly between
the least delay and what the function says: within the policy's bounds, and never longer in all than it allows. Where it
says nothing, delays are drawn evenly from half of SNS's own to one and a half: the time that an endpoint has in all
stays.
"""

import functools
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from cumulo.queue_service.topic_errors import INVALID_PARAMETER

DELIVERY_POLICY: Final = "DeliveryPolicy"
DELAY_S_MAX: Final = 3_600
RETRIES_MAX: Final = 100
RETRY_TIME_S_MAX: Final = 3_600
"""Of all delays of an HTTP endpoint's policy together: SNS's hard limit."""
CONTENT_TYPES: Final = (
    "application/atom+xml",
    "application/json",
    "application/octet-stream",
    "application/soap+xml",
    "application/x-www-form-urlencoded",
    "application/xhtml+xml",
    "application/xml",
    "text/css",
    "text/csv",
    "text/html",
    "text/plain",
    "text/xml",
)
"""What `headerContentType` may be, with or without a character set."""
_RETRIES: Final[dict[str, Any]] = {
    "minDelayTarget": 20,
    "maxDelayTarget": 20,
    "numRetries": 3,
    "numMaxDelayRetries": 0,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": 0,
    "backoffFunction": "linear",
}
_REQUEST: Final = {"headerContentType": "text/plain; charset=UTF-8"}
_PHASES = ("numNoDelayRetries", "numMinDelayRetries", "numMaxDelayRetries")
_BOUNDS: Final[Mapping[str, tuple[int, int | None]]] = {
    "minDelayTarget": (1, DELAY_S_MAX),
    "maxDelayTarget": (1, DELAY_S_MAX),
    "numRetries": (0, RETRIES_MAX),
    "numNoDelayRetries": (0, None),
    "numMinDelayRetries": (0, None),
    "numMaxDelayRetries": (0, None),
}
_MUST_BE_GIVEN = ("minDelayTarget", "maxDelayTarget", "numRetries")


def _linear(least: int, greatest: int, part: float) -> float:
    return least + (greatest - least) * part


def _arithmetic(least: int, greatest: int, part: float) -> float:
    return least + (greatest - least) * part * (1 + part) / 2


def _geometric(least: int, greatest: int, part: float) -> float:
    return float(least * (greatest / least) ** part)


def _exponential(least: int, greatest: int, part: float) -> float:
    return least + (greatest - least) * math.expm1(5 * part) / math.expm1(5)


_Backoff = Callable[[int, int, float], float]
"""Returns the delay at a part (0 to 1) of the way from the least to the greatest."""
BACKOFF: Final[Mapping[str, _Backoff]] = {
    "linear": _linear,
    "arithmetic": _arithmetic,
    "geometric": _geometric,
    "exponential": _exponential,
}


class RetryPolicy(msgspec.Struct, frozen=True):
    """Retries at once, then some after the least delay, then some by the backoff function, then some after the greatest
    delay; all delays in seconds.
    """

    no_delay: int
    min_delay: int
    backoff: int
    max_delay: int
    least_s: int
    greatest_s: int
    function: str
    max_per_s: int = 0
    """Attempts a second; 0 sets no limit."""
    content_type: str = _REQUEST["headerContentType"]
    is_given: bool = True
    """Whether somebody chose it; SNS's own else."""

    def drawn_delay_s(self, attempt: int, draw: float) -> int | None:
        """Return how long to wait after the failed attempt of that number, from 1; None where it was the last. `draw`
        is from 0 to below 1, by chance.
        """
        delay_s = self.delay_s(attempt)
        if not delay_s:
            return delay_s
        if not self.is_given:
            return max(1, round(delay_s * (0.5 + draw)))
        before = self.no_delay + self.min_delay
        if before < attempt <= before + self.backoff:
            return self.least_s + round((delay_s - self.least_s) * draw)
        return delay_s

    def delay_s(self, attempt: int) -> int | None:
        """Return the delay after that attempt without jitter."""
        retry = attempt
        if retry <= self.no_delay:
            return 0
        retry -= self.no_delay
        if retry <= self.min_delay:
            return self.least_s
        retry -= self.min_delay
        if retry <= self.backoff:
            part = (retry - 1) / (self.backoff - 1) if self.backoff > 1 else 0.0
            return round(BACKOFF[self.function](self.least_s, self.greatest_s, part))
        retry -= self.backoff
        return self.greatest_s if retry <= self.max_delay else None


OF_MAIL: Final = RetryPolicy(0, 2, 10, 38, 10, 600, "exponential", is_given=False)
"""SNS's own policy for e-mail and SMS: 50 retries over six hours."""


def effective_of_topic(attributes: Mapping[str, str]) -> dict[str, Any]:
    """Return how messages to a topic's HTTP endpoints are retried: SNS's defaults under what was given."""
    given = json.loads(attributes.get(DELIVERY_POLICY) or "{}").get("http") or {}
    return {
        "http": {
            "defaultHealthyRetryPolicy": _RETRIES | (given.get("defaultHealthyRetryPolicy") or {}),
            **{name: given[name] for name in ("defaultSicklyRetryPolicy", "defaultThrottlePolicy") if given.get(name)},
            "disableSubscriptionOverrides": given.get("disableSubscriptionOverrides", False),
            "defaultRequestPolicy": _REQUEST | (given.get("defaultRequestPolicy") or {}),
        }
    }


def effective_of_subscription(attributes: Mapping[str, str]) -> dict[str, Any]:
    """Return how messages to one HTTP endpoint are retried, as its own policy has it."""
    given = json.loads(attributes.get(DELIVERY_POLICY) or "{}")
    return {
        "healthyRetryPolicy": _RETRIES | (given.get("healthyRetryPolicy") or {}),
        "sicklyRetryPolicy": given.get("sicklyRetryPolicy"),
        "throttlePolicy": given.get("throttlePolicy"),
        "requestPolicy": _REQUEST | (given.get("requestPolicy") or {}),
        "guaranteed": False,
    }


def in_force(topic: Mapping[str, str], subscription: Mapping[str, str]) -> RetryPolicy:
    """Return the policy of one HTTP endpoint: the subscription's own where it has one and the topic allows it, else the
    topic's. The arguments are the attributes of both.
    """
    return _in_force(topic.get(DELIVERY_POLICY, ""), subscription.get(DELIVERY_POLICY, ""))


@functools.lru_cache(maxsize=1024)
def _in_force(topic: str, subscription: str) -> RetryPolicy:
    of_topic = effective_of_topic({DELIVERY_POLICY: topic})["http"]
    is_given = bool((json.loads(topic or "{}").get("http") or {}).get("defaultHealthyRetryPolicy"))
    retries = of_topic["defaultHealthyRetryPolicy"]
    throttle = of_topic.get("defaultThrottlePolicy") or {}
    request = of_topic["defaultRequestPolicy"]
    if subscription and not of_topic["disableSubscriptionOverrides"]:
        own = json.loads(subscription)
        if own.get("healthyRetryPolicy"):
            retries = _RETRIES | own["healthyRetryPolicy"]
            is_given = True
        throttle = own.get("throttlePolicy") or throttle
        request = request | (own.get("requestPolicy") or {})
    no_delay, min_delay, max_delay = (retries[name] for name in _PHASES)
    return RetryPolicy(
        no_delay=no_delay,
        min_delay=min_delay,
        backoff=retries["numRetries"] - no_delay - min_delay - max_delay,
        max_delay=max_delay,
        least_s=retries["minDelayTarget"],
        greatest_s=retries["maxDelayTarget"],
        function=retries["backoffFunction"],
        max_per_s=throttle.get("maxReceivesPerSecond") or 0,
        content_type=request["headerContentType"],
        is_given=is_given,
    )


# Checks


def check_of_topic(policy: Mapping[str, Any], prefix: str = "") -> None:
    """Raise where a topic may not have this policy; `prefix` goes before each complaint."""
    where = f"{prefix}DeliveryPolicy: "
    _known(policy, ("http",), where)
    http = _object(policy, "http", where)
    names = ("defaultHealthyRetryPolicy", "defaultSicklyRetryPolicy", "defaultThrottlePolicy", "defaultRequestPolicy")
    _known(http, (*names, "disableSubscriptionOverrides"), f"{where}http.")
    if not isinstance(http.get("disableSubscriptionOverrides", False), bool):
        raise _wrong(f"{where}http.disableSubscriptionOverrides must be a boolean")
    _check_parts(http, names, f"{where}http.")


def check_of_subscription(policy: Mapping[str, Any], prefix: str = "") -> None:
    """Raise where a subscription may not have this policy; `prefix` goes before each complaint."""
    where = f"{prefix}DeliveryPolicy: "
    names = ("healthyRetryPolicy", "sicklyRetryPolicy", "throttlePolicy", "requestPolicy")
    _known(policy, (*names, "guaranteed"), where)
    _check_parts(policy, names, where)


def _check_parts(policy: Mapping[str, Any], names: tuple[str, str, str, str], where: str) -> None:
    healthy, sickly, throttle, request = names
    for name in (healthy, sickly):
        if policy.get(name) is not None:
            _check_retries(_object(policy, name, where), f"{where}{name}.")
    if policy.get(throttle) is not None:
        given = _object(policy, throttle, where)
        _known(given, ("maxReceivesPerSecond",), f"{where}{throttle}.")
        if given.get("maxReceivesPerSecond") is not None:
            _check_number(given, "maxReceivesPerSecond", 1, None, f"{where}{throttle}.")
    if policy.get(request) is not None:
        given = _object(policy, request, where)
        _known(given, ("headerContentType",), f"{where}{request}.")
        value = given.get("headerContentType", CONTENT_TYPES[0])
        kind, _, charset = value.partition(";") if isinstance(value, str) else ("", "", "")
        if kind.strip() not in CONTENT_TYPES or not charset.isascii() or not charset.isprintable():
            raise _wrong(f"{where}{request}.headerContentType is not one of {', '.join(CONTENT_TYPES)}")


def _check_retries(given: Mapping[str, Any], where: str) -> None:
    _known(given, tuple(_RETRIES), where)
    for name in _MUST_BE_GIVEN:
        if given.get(name) is None:
            raise _wrong(f"{where}{name} must be specified")
    for name, (low, high) in _BOUNDS.items():
        if given.get(name) is not None:
            _check_number(given, name, low, high, where)
    policy = _RETRIES | {name: value for name, value in given.items() if value is not None}
    if policy["maxDelayTarget"] < policy["minDelayTarget"]:
        raise _wrong(f"{where}maxDelayTarget must be greater than or equal to minDelayTarget")
    if policy["numRetries"] < sum(policy[name] for name in _PHASES):
        raise _wrong(
            f"{where}numRetries must be greater than or equal to total of numMinDelayRetries, numNoDelayRetries and"
            " numMaxDelayRetries"
        )
    if policy["backoffFunction"] not in BACKOFF:
        raise _wrong(f"{where}backoffFunction must be one of {', '.join(BACKOFF)}")
    checked = _in_force("", json.dumps({"healthyRetryPolicy": policy}))
    if sum(checked.delay_s(attempt) or 0 for attempt in range(1, policy["numRetries"] + 1)) > RETRY_TIME_S_MAX:
        raise _wrong(f"{where[:-1]} has a total retry time of more than {RETRY_TIME_S_MAX} seconds")


def _known(given: Mapping[str, Any], names: tuple[str, ...], where: str) -> None:
    for name in given:
        if name not in names:
            raise _wrong(f"{where}{name[:80]} is not known")


def _object(given: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    value = given.get(name)
    if not isinstance(value, dict):
        raise _wrong(f"{where}{name} must be a JSON object")
    return value


def _check_number(given: Mapping[str, Any], name: str, low: int, high: int | None, where: str) -> None:
    value = given[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(f"{where}{name} must be an integer")
    if value < low:
        raise _wrong(f"{where}{name} must be greater than or equal to {low}")
    if high is not None and value > high:
        raise _wrong(f"{where}{name} must be less than or equal to {high}")


def _wrong(text: str) -> Exception:
    return INVALID_PARAMETER.error(text=text)
