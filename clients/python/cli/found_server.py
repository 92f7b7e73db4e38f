"""Which server a command means that speaks to AWS's clients, and the variables with which they find it.

A server that is named (`--endpoint`, `--profile`, `CUMULO_*`, `AWS_ENDPOINT_URL`) wins; else it is the one that runs on
this machine's data folder. Keys of AWS that happen to be set are not taken for it.
"""

from cumulo.cli import env_command
from cumulo.cli.env_command import NoServer
from cumulo.cli.leaf import Session


def aws_variables(session: Session, data: str | None, endpoint: str | None) -> dict[str, str]:
    """Return the variables by name; raises `NoServer`, and what `configure` raises."""
    from cumulo.client.configuration import DEFAULT_TARGET, configure  # noqa: PLC0415 - a named data folder does without the SDK
    from cumulo.client.errors import Unauthenticated  # noqa: PLC0415

    target = ""
    if data is None:
        try:
            found = configure(session.target, url=endpoint, profile=session.profile, region=session.region)
        except Unauthenticated:
            if session.profile or endpoint:
                raise
        else:
            if found.url:
                return env_command.for_aws(
                    found.url, found.access_key_id, found.secret_access_key, found.region, found.tls_ca
                )
            if session.profile:
                raise NoServer(f"profile {session.profile} says no HTTP endpoint: `cumulo iam login --endpoint URL`")
            target = found.target
    known = env_command.variables(data, session.region)
    if target not in ("", DEFAULT_TARGET, known["CUMULO_TARGET"]):
        raise NoServer(f"the HTTP endpoint of {target} is not known: give --endpoint, or set CUMULO_URL")
    return {name: value for name, value in known.items() if name.startswith("AWS_")}
