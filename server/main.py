"""The console script `cumulo`: the client's commands, and those that need the server's rooms.

Each command's modules are imported when it is called: `cumulo serve` never loads what only the command line needs, nor
the other way round.
"""

import importlib
import sys
import time

_STARTED = time.perf_counter()
OWN_COMMANDS = {
    "serve": ("cumulo.server.commands:serve_command", "Run the server."),
    "check": ("cumulo.server.commands:check_command", "Check every fact that must hold in a data folder."),
    "outgoing": ("cumulo.server.commands:outgoing_command", "Show the e-mail and SMS that topics sent or recorded."),
    "worker": ("cumulo.server.commands:worker_command", "Take jobs from a queue and run them isolated."),
}
"""Commands of the server's rooms: where each stands, and what the client's group says of it in its help."""


def main() -> None:
    """Run the command line."""
    own = OWN_COMMANDS.get(sys.argv[1]) if len(sys.argv) > 1 else None
    if own is not None:
        module, _, attribute = own[0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        command.main(sys.argv[2:], prog_name=f"cumulo {sys.argv[1]}", obj=_STARTED)
    from cumulo.cli.main import cli  # noqa: PLC0415 - the server's commands start without the client's imports

    for name, (path, summary) in OWN_COMMANDS.items():
        cli.add_lazy(name, path, summary)
    cli()
