"""Where the server may connect to in somebody else's name: which addresses, which ports.

Whoever may subscribe chooses a URL, and the server goes there from the inside of its network. So what only the inside
reaches is refused unless the operator allows it, and a few places always: what a machine learns about itself from its
cloud (link-local), nobody's address, everybody's (multicast), and ports where something listens that is no web server.
Pure decisions; does not resolve a name.
"""

import enum
import ipaddress
from typing import Final

# fmt: off
BAD_PORTS: Final = frozenset((
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104,
    109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526,
    530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045,
    4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
))
# fmt: on
"""Fetch Standard, "port blocking": where other protocols may take a line of a request for one of theirs."""
_EMBEDDING = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))
"""IPv6 networks whose last 32 bits are an IPv4 address (RFC 6052; RFC 4291, 2.5.5.1)."""
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class PrivateAddresses(enum.Enum):
    """Which addresses that are not the public internet's may be reached: none, this machine's own, or all."""

    DENY = "deny"
    LOOPBACK = "loopback"
    ALLOW = "allow"


def address_refusal(text: str, private: PrivateAddresses) -> str:
    """Return why an address is not connected to, an empty text where it may be."""
    address = _innermost(ipaddress.ip_address(text.partition("%")[0]))
    if address.is_unspecified or address.is_multicast or address.is_link_local:
        return f"the address {text} is never connected to"
    if address.is_global or private is PrivateAddresses.ALLOW:
        return ""
    if address.is_loopback and private is PrivateAddresses.LOOPBACK:
        return ""
    return f"the address {text} is not a public one; see the setting sns_http_private_addresses"


def port_refusal(port: int) -> str:
    """Return why a port is not connected to, an empty text where it may be."""
    return f"port {port} is not one of a web server" if port in BAD_PORTS else ""


def _innermost(address: _Address) -> _Address:
    """Return the IPv4 address inside of an IPv6 address that stands for one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    if inner is None and any(address in network for network in _EMBEDDING) and not address.is_loopback:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address if inner is None else inner
