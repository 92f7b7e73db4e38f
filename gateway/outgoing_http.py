"""Posts to URLs that others chose.

Promises: a name is resolved once for a connection, every address that it has is checked, and only those are connected
to, so that a name cannot change its mind in between; no redirect is followed, no proxy asked, no cookie kept; TLS
certificates are verified; an answer has 15 s, and its body is not read beyond a small bound. Knows no service.

The library is imported at the first post, in a thread: it costs 14 MB and a third of a second.
"""

import asyncio
import functools
import socket
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from cumulo.core.lazy import LazyModule
from cumulo.core.names import masked_url
from cumulo.gateway.outgoing_addresses import PrivateAddresses, address_refusal, port_refusal

ANSWER_S: Final = 15
"""SNS developer guide: an endpoint that does not answer within 15 seconds has failed."""
BODY_BYTES_MAX: Final = 64 * 1024
"""What is read of an answer, so that its connection can be used again; beyond it the connection is closed."""
CONNECTIONS_MAX: Final = 1_024
IDLE_S: Final = 15
RESOLVER_THREADS: Final = 96
"""As many as there are hosts that a server delivers to at once, so that none waits for another's name server."""
REFUSAL_S: Final = 5
_SCHEMES: Final = {"http": 80, "https": 443}
aiohttp: Any = LazyModule("aiohttp")
yarl: Any = LazyModule("yarl")


class Unreachable(Exception):
    """There was no answer; another attempt may fare better."""


class Forbidden(Exception):
    """The URL leads where the server does not go; nothing was sent."""


Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Returns the addresses of a name; raises OSError."""


class SystemResolver:
    """The system's resolver, in threads of its own: a name server that does not answer must not hold up whatever else
    the process does in threads, and a name that many ask for is asked for once at a time.
    """

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None
        self._asking: dict[tuple[str, int], asyncio.Task[list[str]]] = {}

    async def __call__(self, host: str, port: int) -> list[str]:
        """Return the addresses of a name."""
        asking = self._asking.get((host, port))
        if asking is None:
            asking = self._asking[host, port] = asyncio.create_task(self._ask(host, port), name="name look-up")
            asking.add_done_callback(functools.partial(self._asked, (host, port)))
        return await asyncio.shield(asking)

    def _asked(self, of: tuple[str, int], asking: "asyncio.Task[list[str]]") -> None:
        del self._asking[of]
        if not asking.cancelled():
            asking.exception()  # whoever asked may have gone meanwhile, and asyncio would complain

    async def _ask(self, host: str, port: int) -> list[str]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(RESOLVER_THREADS, "resolver")
        ask = functools.partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        return [str(address[0]) for *_, address in found]


class OutgoingHttp:
    """A client for `private` addresses or not. `tls` replaces the system's authorities (an `ssl.SSLContext`)."""

    def __init__(
        self,
        private: PrivateAddresses,
        resolve: Resolve | None = None,
        tls: Any = None,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._private = private
        self._resolve = resolve or SystemResolver()
        self._tls = tls
        self._answer_s = answer_s
        self._session: Any = None

    def __repr__(self) -> str:
        return f"OutgoingHttp({self._private.value})"

    async def refusal(self, url: str) -> str:
        """Return why the server does not go to a URL, as far as is known now; an empty text where it does."""
        try:
            target = await self._target(url)
            async with asyncio.timeout(REFUSAL_S):
                await self.addresses(target.raw_host, target.port)
        except Forbidden as reason:
            return str(reason)
        except OSError:  # a time-out is one, too
            return ""  # a name that leads nowhere yet may do so when there is something to send
        return ""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Return the status of the answer. Raises `Unreachable` and `Forbidden`."""
        target = await self._target(url)
        session = self._opened()
        try:
            async with session.post(target, data=body, headers=headers, allow_redirects=False) as answer:
                await _skip_body(answer)
                return int(answer.status)
        except aiohttp.ClientConnectorDNSError as error:
            if isinstance(error.os_error, _Refused):
                raise Forbidden(str(error.os_error)) from error
            raise Unreachable(f"its name {target.raw_host} is not known") from error
        except aiohttp.InvalidURL as error:
            raise Forbidden("it is no URL that can be posted to") from error
        except TimeoutError as error:
            raise Unreachable(f"it did not answer within {self._answer_s:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unreachable(f"{type(error).__name__}: {masked_url(str(error))}"[:300]) from error

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host, each of which may be connected to. Raises `Forbidden` and OSError."""
        found = await self._resolve(host, port)
        for address in found:
            if refusal := address_refusal(address, self._private):
                raise Forbidden(f"{host}: {refusal}")
        return found

    async def _target(self, url: str) -> Any:
        """Return a URL in parts, of which only the addresses of its name are not checked yet."""
        if self._session is None:
            await asyncio.to_thread(getattr, aiohttp, "ClientSession")  # the import
        try:
            target = yarl.URL(url)
        except ValueError as error:
            # What is wrong with it may be the password.
            raise Forbidden("it is no URL" if "@" in url else f"it is no URL: {error}") from None
        if target.scheme not in _SCHEMES or not target.raw_host:
            raise Forbidden("it is no URL of http or https with a host")
        if refusal := port_refusal(target.port):
            raise Forbidden(refusal)
        if _is_address(target.raw_host):  # the library asks no resolver about these
            await self.addresses(target.raw_host, target.port)
        return target

    def _opened(self) -> Any:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=_CheckedResolver(self),
                use_dns_cache=False,
                limit=CONNECTIONS_MAX,
                keepalive_timeout=IDLE_S,
                ssl=True if self._tls is None else self._tls,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._answer_s),
                auto_decompress=False,
                trust_env=False,
                skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
            )
        return self._session


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


class _Refused(OSError):
    """A checked name has an address that is not connected to."""


class _CheckedResolver:
    """The library's resolver: what it returns is what is connected to."""

    def __init__(self, outgoing: OutgoingHttp) -> None:
        self._outgoing = outgoing

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[dict[str, Any]]:
        """Return the checked addresses of a host."""
        del family
        try:
            found = await self._outgoing.addresses(host, port)
        except Forbidden as reason:
            raise _Refused(str(reason)) from reason
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in found
        ]

    async def close(self) -> None:
        """End; there is nothing to do."""


async def _skip_body(answer: Any) -> None:
    """Read a small body away. The status is known already: what comes after it, or does not, changes nothing."""
    size = 0
    try:
        async for piece in answer.content.iter_any():
            size += len(piece)
            if size > BODY_BYTES_MAX:
                break
        else:
            return
    except (aiohttp.ClientError, TimeoutError):
        pass
    answer.close()
