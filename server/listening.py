"""Where a server may listen: loopback, or elsewhere with TLS or by an explicit flag."""

import ipaddress

from cumulo.core.settings import InvalidSetting, Settings


def refuse_unprotected(settings: Settings) -> None:
    """Raise `InvalidSetting` where secrets would travel a network in the clear, or half of a certificate is given."""
    if bool(settings["tls_cert"]) != bool(settings["tls_key"]):
        raise InvalidSetting("tls_cert and tls_key belong together; one of them is missing")
    if settings["tls"] and settings["tls_cert"]:
        raise InvalidSetting("tls makes a certificate and tls_cert names one; only one of them can be used")
    if is_loopback(settings["host"]) or settings["tls"] or settings["tls_cert"] or settings["insecure_remote"]:
        return
    raise InvalidSetting(
        f"host {settings['host']!r} is not loopback: give --tls-cert and --tls-key, --tls dev, or --insecure-remote"
    )


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
