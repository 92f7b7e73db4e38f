"""Static websites: what a bucket's configuration may say, and where a visitor is led.

Decides; knows no HTTP beyond statuses and URLs. Promises that what leads a visitor elsewhere is fit for a header,
whatever a key or a rule has in it. Source: S3 user guide, "Hosting a static website using Amazon S3" and "(Optional)
Configuring a webpage redirect", and what S3 answers.
"""

import string
import urllib.parse
from typing import TYPE_CHECKING, Final

import msgspec

from cumulo.core.errors import ServiceError
from cumulo.object_store import configuration_model
from cumulo.object_store.errors import INVALID_REQUEST, MALFORMED_CONFIGURATION, REFUSED_ARGUMENT
from cumulo.object_store.naming import shown

if TYPE_CHECKING:
    from cumulo.object_store import aws_s3

PROTOCOLS: Final = ("http", "https")
MOVED: Final = 301
_KEY_SAFE: Final = "/!$&'()*+,;=:@~"
"""Of a key's characters, those that a path may hold as they are (RFC 3986, section 3.3)."""
_RULE_SAFE: Final = string.punctuation
"""What a rule's author wrote is a part of a URL: `#!/` stays what it is."""


class Place(msgspec.Struct, frozen=True):
    """Where a visitor is: the scheme and host that he asked, the key that his path means, and his query."""

    scheme: str
    host: str
    key: str
    query: str = ""


def check_website(_bucket: str, value: "aws_s3.WebsiteConfiguration") -> None:
    """Raise `InvalidArgument`, `InvalidRequest` or `MalformedXML` for a website that S3 refuses."""
    everywhere = value.RedirectAllRequestsTo
    if everywhere is not None:
        if value.IndexDocument is not None or value.ErrorDocument is not None or value.RoutingRules is not None:
            reason = "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules."
            raise REFUSED_ARGUMENT.error(reason=reason, parameter="RedirectAllRequestsTo", value="not null")
        if not everywhere.HostName:
            raise MALFORMED_CONFIGURATION.error(parameter="HostName")
        _check_protocol(everywhere.Protocol)
        return
    if value.IndexDocument is None:
        reason = "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty"
        raise REFUSED_ARGUMENT.error(reason=reason, parameter="IndexDocument", value="null")
    if not value.IndexDocument.Suffix or "/" in value.IndexDocument.Suffix:
        reason = "The IndexDocument Suffix is not well formed"
        raise REFUSED_ARGUMENT.error(reason=reason, parameter="IndexDocument", value=shown(value.IndexDocument.Suffix))
    if value.ErrorDocument is not None and not value.ErrorDocument.Key:
        raise MALFORMED_CONFIGURATION.error(parameter="Key")
    if value.RoutingRules is not None:
        _check_rules(value.RoutingRules)


def _check_rules(rules: "list[aws_s3.RoutingRule]") -> None:
    allowed = configuration_model.ROUTING_RULES_MAX
    if not rules:
        raise MALFORMED_CONFIGURATION.error(parameter="RoutingRules")
    if len(rules) > allowed:
        raise _refused(
            f"{len(rules)} routing rules provided, the number of routing rules in a website configuration is limited to"
            f" {allowed}."
        )
    for rule in rules:
        redirect, condition = rule.Redirect, rule.Condition
        if all(part is None for part in msgspec.structs.astuple(redirect)):
            raise MALFORMED_CONFIGURATION.error(parameter="Redirect")
        if redirect.ReplaceKeyPrefixWith is not None and redirect.ReplaceKeyWith is not None:
            raise _refused("You can only define ReplaceKeyPrefix or ReplaceKey but not both.")
        if condition is not None:
            if condition.KeyPrefixEquals is None and condition.HttpErrorCodeReturnedEquals is None:
                raise _refused(
                    "Condition cannot be empty. To redirect all requests without a condition, the condition element"
                    " shouldn't be present."
                )
            code = condition.HttpErrorCodeReturnedEquals
            if code is not None and not _is_status(code, "45"):
                raise _refused(
                    f"The provided HTTP error code ({shown(code)}) is not valid. Valid codes are 4XX or 5XX."
                )
        _check_protocol(redirect.Protocol)
        code = redirect.HttpRedirectCode
        if code is not None and (not _is_status(code, "3") or code == "300"):
            raise _refused(
                f"The provided HTTP redirect code ({shown(code)}) is not valid. Valid codes are 3XX except 300."
            )


def _is_status(code: str, classes: str) -> bool:
    return len(code) == 3 and code.isascii() and code.isdigit() and code[0] in classes


def _check_protocol(protocol: str | None) -> None:
    if protocol is not None and protocol not in PROTOCOLS:
        raise _refused(
            "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected"
            " automatically."
        )


def _refused(reason: str) -> ServiceError:
    return INVALID_REQUEST.error(reason=reason)


def find_redirect(site: "aws_s3.WebsiteConfiguration", key: str, status: int = 0) -> "aws_s3.RoutingRule | None":
    """Return the first routing rule for a key, before it is looked up, or, with a `status`, for what became of that."""
    return next((rule for rule in site.RoutingRules or () if _meets(rule.Condition, key, status)), None)


def _meets(condition: "aws_s3.Condition | None", key: str, status: int) -> bool:
    if condition is None:
        return not status
    code = condition.HttpErrorCodeReturnedEquals
    return key.startswith(condition.KeyPrefixEquals or "") and (code == str(status) if status else code is None)


def redirection(rule: "aws_s3.RoutingRule", place: Place) -> tuple[int, str]:
    """Return the status and the location with which a rule sends a visitor on."""
    redirect, condition = rule.Redirect, rule.Condition
    path = quoted_key(place.key)
    if redirect.ReplaceKeyWith is not None:
        path = _quoted(redirect.ReplaceKeyWith, _RULE_SAFE)
    elif redirect.ReplaceKeyPrefixWith is not None:
        prefix = "" if condition is None else condition.KeyPrefixEquals or ""
        path = _quoted(redirect.ReplaceKeyPrefixWith, _RULE_SAFE) + quoted_key(place.key.removeprefix(prefix))
    location = _location(redirect.Protocol, redirect.HostName, place, path)
    return int(redirect.HttpRedirectCode or MOVED), location


def redirection_of_all(everywhere: "aws_s3.RedirectAllRequestsTo", place: Place) -> tuple[int, str]:
    """Return the status and the location with which a bucket that is elsewhere sends every visitor on."""
    return MOVED, _location(everywhere.Protocol, everywhere.HostName, place, quoted_key(place.key))


def _location(protocol: str | None, host: str | None, place: Place, path: str) -> str:
    query = f"?{place.query}" if place.query and "?" not in path else ""
    named = _quoted(host, _RULE_SAFE) if host else place.host
    return f"{protocol or place.scheme}://{named}/{path}{query}"


def quoted_key(key: str) -> str:
    """Return a key as the path of a URL."""
    return _quoted(key, _KEY_SAFE)


def _quoted(text: str, safe: str) -> str:
    return urllib.parse.quote(text, safe=safe)


def index_of(site: "aws_s3.WebsiteConfiguration", key: str) -> str:
    """Return the key of the page that a path means: of a folder its index document."""
    if key and not key.endswith("/"):
        return key
    return key + (site.IndexDocument.Suffix if site.IndexDocument is not None else "")
