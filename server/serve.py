"""The life of a server process: open the data folder, wire the rooms, listen, wait, drain, close.

Promises: the ready file and the folder's `endpoints.json` appear only once every port answers; SIGTERM and SIGINT
finish what was taken on and exit 0; a second of them, and a storage engine that cannot go on, end the process at once
with one clear line. SIGHUP reads the certificate's files again.
"""

import asyncio
import contextlib
import datetime as dt
import gc
import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from cumulo.core.settings import Settings, default_data_folder
from cumulo.gateway.http1 import HttpListener
from cumulo.server.banner import show_banner
from cumulo.server.certificate import ServedCertificate
from cumulo.server.endpoints import ENDPOINTS_FILE, Endpoints
from cumulo.server.grpc_listener import GrpcListener, PortTaken
from cumulo.server.listening import refuse_unprotected
from cumulo.server.memory import keep_freed_memory
from cumulo.server.wiring import House, open_house
from cumulo.storage import digests

if TYPE_CHECKING:
    from cumulo.server.tls import DevCertificate

DRAIN_S = 30
SWITCH_INTERVAL_S = 0.001
"""The interpreter's thread switch interval: the storage thread must not wait 5 ms for its turn, and each hand-over in
the middle of somebody's work costs two context switches (docs/decisions/0012).
"""
WARM_AFTER_S = 1.0
"""When the first body's imports are made, in a thread: once ready, and behind the first calls of who waited for it."""
EXIT_ENGINE_FAILED = 70
"""EX_SOFTWARE of sysexits.h: restart me."""
EXIT_SECOND_SIGNAL = 130

_log = logging.getLogger("cumulo.server")


async def serve(settings: Settings, started: float, version: str) -> None:
    """Run a server until a signal ends it. `started` is `time.perf_counter()` at the process's first line.

    Raises `InvalidSetting`, `DataFolderRefused` and `PortTaken` before anything listens.
    """
    refuse_unprotected(settings)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    keep_freed_memory()
    async with _data_path(settings) as path, open_house(settings, path, _fail_stop, version) as house:
        await _listen(settings, house, path, started, version)


@contextlib.asynccontextmanager
async def _data_path(settings: Settings) -> AsyncIterator[Path]:
    """Give the data folder's path: the named one, the user's, or one that goes away with the server."""
    if settings["ephemeral"]:
        with tempfile.TemporaryDirectory(prefix="cumulo-") as folder:
            yield Path(folder)
    else:
        # Absolute, for whoever reads it in the ready file from another folder.
        yield (Path(settings["data"]) if settings["data"] else default_data_folder(os.environ)).absolute()


async def _listen(settings: Settings, house: House, path: Path, started: float, version: str) -> None:
    made = _dev_certificate(path) if settings["tls"] else None
    certificate = (
        ServedCertificate(Path(settings["tls_cert"]), Path(settings["tls_key"])) if settings["tls_cert"] else None
    )
    if made:
        certificate = ServedCertificate(made.chain, made.key)
    host = settings["host"]
    grpc_listener = GrpcListener(house.rpc_handlers, house.rpc_service_names)
    http_listener = HttpListener(house.pages.answer)
    http_port = await http_listener.start(host, settings["port"], certificate.context if certificate else None)
    try:
        grpc_port = await grpc_listener.start(host, settings["grpc_port"], certificate)
    except PortTaken:
        await http_listener.stop()
        raise
    shown_host = f"[{host}]" if ":" in host else host
    endpoints = Endpoints(
        grpc=f"{shown_host}:{grpc_port}",
        http=f"{'https' if certificate else 'http'}://{shown_host}:{http_port}",
        data=str(path),
        pid=os.getpid(),
        access_key_id=house.root_access_key_id,
        tls=certificate is not None,
        tls_ca=str(made.chain) if made else "",
        version=version,
    )
    house.reached_at(endpoints.http)
    pump = asyncio.create_task(house.pump.run(), name="due pump")
    stop = _stop_on_signal()
    if certificate:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, certificate.reload)
    house.pages.ready = True
    endpoints.write(path / ENDPOINTS_FILE)
    if settings["ready_file"]:
        endpoints.write(Path(settings["ready_file"]))
    show_banner(
        endpoints, house.new_root_secret, settings, time.perf_counter() - started, made.fingerprint if made else ""
    )
    gc.collect()
    gc.freeze()
    gc.enable()  # off since the command began, `commands.serve_command`
    loop = asyncio.get_running_loop()
    warming = loop.call_later(WARM_AFTER_S, loop.run_in_executor, None, digests.warm)
    await asyncio.wait((asyncio.create_task(stop.wait()), pump), return_when=asyncio.FIRST_COMPLETED)
    if pump.done():
        _log.critical("the due pump ended; stopping", exc_info=pump.exception())
        _fail_stop()
    warming.cancel()
    _log.info("draining", extra={"limit_s": DRAIN_S})
    house.pages.ready = False
    (path / ENDPOINTS_FILE).unlink(missing_ok=True)
    await grpc_listener.not_serving()
    await house.drain()
    await asyncio.gather(grpc_listener.stop(DRAIN_S), http_listener.stop(DRAIN_S))
    pump.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await pump
    _log.info("stopped")


def _dev_certificate(path: Path) -> "DevCertificate":
    from cumulo.server.tls import dev_certificate  # noqa: PLC0415 - only `--tls dev` needs X.509

    return dev_certificate(path / "secrets", dt.datetime.now(dt.UTC))


def _stop_on_signal() -> asyncio.Event:
    """Return an event that the first SIGTERM or SIGINT sets; the second one ends the process."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def received() -> None:
        if stop.is_set():
            os._exit(EXIT_SECOND_SIGNAL)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, received)
    return stop


def _fail_stop() -> None:
    """End the process: after a failed sync nothing that this process believes about its data can be trusted."""
    logging.shutdown()
    os._exit(EXIT_ENGINE_FAILED)
