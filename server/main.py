"""The console script `cumulo`: the client's commands, and those that need the server's rooms.

Each command's modules are imported when it is called: `cumulo serve` never loads what only the command line needs, nor
the other way round.
"""

import sys
import time

_STARTED = time.perf_counter()


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["serve"]:
        from cumulo.server.commands import serve_command  # noqa: PLC0415 - the server starts without the client's imports

        serve_command.main(sys.argv[2:], prog_name="cumulo serve", obj=_STARTED)
        return
    from cumulo.cli.main import cli  # noqa: PLC0415 - as above

    cli.add_lazy("serve", "cumulo.server.commands:serve_command")
    cli.add_lazy("check", "cumulo.server.commands:check_command")
    cli.add_lazy("worker", "cumulo.server.commands:worker_command")
    cli()
