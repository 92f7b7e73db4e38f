"""What `cumulo serve` has imported when it is ready: each import costs every start time and memory.

Whoever needs one more names it here, and says in the commit what it costs (`bench/startup.py`); what only some call
needs goes through `core/lazy.py`.
"""

import json
import re
import subprocess
import sys

import pytest

SERVER_S = 30
PROGRAM = """
import json, os, pathlib, signal, sys, threading, time

before = set(sys.modules)
ready, listing = map(pathlib.Path, sys.argv[1:3])


def list_modules():
    while not ready.exists():
        time.sleep(0.005)
    listing.write_text(json.dumps(sorted(set(sys.modules) - before)))
    os.kill(os.getpid(), signal.SIGTERM)


threading.Thread(target=list_modules, daemon=True).start()
sys.argv[1:3] = []
from cumulo.server.main import main
main()
"""
THIRD_PARTIES = {
    "click",
    "cryptography",
    "cython_runtime",  # grpc's extension module brings it
    "google",
    "grpc",
    "grpc_health",
    "grpc_reflection",
    "grpc_tools",  # by grpc itself, where a developer has it
    "lmdb",
    "msgspec",
    "typing_extensions",
}
GOOGLE = {"google._upb", "google.protobuf", "google.rpc"}
ROOMS = {
    "api",
    "core",
    "gateway",
    "identity",
    "key_service",
    "object_store",
    "queue_service",
    "runner",
    "server",
    "storage",
}
WORKERS_OWN = {"attempt", "executor", "isolation", "process_executor", "sandbox", "staging", "templates", "worker"}
DEAR = {"asyncio.__main__", "concurrent.futures.process", "multiprocessing.pool", "sqlite3", "unittest", "xmlrpc"}
"""Modules of the standard library that only a detour would bring in."""
LATER = re.compile(
    r"""prometheus_client | http\.server | urllib\.request
    | cumulo\.api\.(queue\.v1\.(log|schedule) | topics\.v1\.topics | keys\.v1\.keys)_pb2
    | cumulo\.gateway\.outgoing_\w+
    | cumulo\.(identity|object_store|queue_service)\.(aws|edge_aws)(_\w+)?
    | cumulo\.\w+\.(\w+_)?invariants | cumulo\.storage\.check
    | cumulo\.server\.(check | edge_grpc_reflection | topic_wiring)
    | cumulo\.key_service\.(service | operations | resolving | materials | aliases | policies | ciphertexts)
    | cumulo\.key_service\.(rewraps | edge_\w+)
    | cumulo\.object_store\.rewraps
    | cumulo\.queue_service\.(census | edge_grpc_(logs|schedules|topics))
    | cumulo\.queue_service\.(log_\w+ | \w*_logs? | logs)
    | cumulo\.queue_service\.(topic_(?!signing)\w+ | \w+_topics | topics | publishing | filter_policies)
    | cumulo\.queue_service\.(json_tokens | own_queues | endpoint_delivery | delivery_\w+ | \w+_carrier)
    | cumulo\.queue_service\.(\w*native\w* | seeking | refills | pulled_messages)
    | cumulo\.queue_service\.((resolve_)?subscriptions | \w*short_messages | subscription_sources)
    """,
    re.VERBOSE,
)
"""What comes with the first call that needs it: the edges of AWS and their models, keys, logs, topics with all that
takes their messages out, the edge of schedules, what checks and counts, and the form of metrics.
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """The modules that a durable server has imported at the moment at which it is ready."""
    folder = tmp_path_factory.mktemp("imports")
    ready, listing = folder / "ready.json", folder / "modules.json"
    words = ["serve", "--data", folder / "data", "--port", "0", "--grpc-port", "0", "--ready-file", ready]
    command = [sys.executable, "-P", "-c", PROGRAM, ready, listing, *words]
    server = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SERVER_S, check=False)
    assert server.returncode == 0, server.stderr
    return set(json.loads(listing.read_text()))


def test_server_imports_no_library_that_is_not_listed(imported):
    tops = {name.split(".")[0] for name in imported if not name.startswith("_")}

    assert tops - sys.stdlib_module_names - {"cumulo"} <= THIRD_PARTIES
    assert {".".join(name.split(".")[:2]) for name in imported if name.startswith("google.")} <= GOOGLE


def test_server_imports_no_room_of_the_clients_and_nothing_of_the_workers(imported):
    of_cumulo = {tuple(name.split(".")[1:]) for name in imported if name.startswith("cumulo.")}

    assert {path[0] for path in of_cumulo} <= ROOMS
    assert {path[1] for path in of_cumulo if path[0] == "runner" and len(path) > 1} & WORKERS_OWN == set()


def test_server_imports_nothing_dear_of_the_standard_library(imported):
    assert imported & DEAR == set()


def test_server_imports_nothing_that_only_some_call_needs(imported):
    assert sorted(name for name in imported if LATER.fullmatch(name)) == []
