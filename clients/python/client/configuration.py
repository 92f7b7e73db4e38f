"""Where a client finds its server and its credentials.

Precedence: arguments > `CUMULO_*` variables > `cumulo.toml` > `AWS_*` variables > defaults. Promises that no secret is
ever part of a `repr`.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from cumulo.client.errors import Unauthenticated
from cumulo.core import settings

DEFAULT_TARGET = "127.0.0.1:4567"


class Configuration(msgspec.Struct, frozen=True):
    """What a client needs to know before its first call."""

    target: str
    region: str
    access_key_id: str
    secret_access_key: str
    tls_ca: str

    def __repr__(self) -> str:
        return f"Configuration(target={self.target!r}, region={self.region!r}, access_key_id={self.access_key_id!r})"


def configure(
    target: str | None = None,
    *,
    access_key_id: str | None = None,
    secret_access_key: str | None = None,
    region: str | None = None,
    tls_ca: str | None = None,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Configuration:
    """Resolve a client's configuration.

    `tls_ca` is the path of a PEM file; with it the connection is encrypted and the server's certificate checked.
    Raises `cumulo.core.settings.InvalidSetting` for a name that nobody knows, and `Unauthenticated` where no access key
    is to be found.
    """
    environment = os.environ if environment is None else environment
    flags = {
        "target": target,
        "region": region,
        "access_key_id": access_key_id,
        "secret_access_key": secret_access_key,
        "tls_ca": tls_ca,
    }
    values = settings.load(flags, environment, directory or Path.cwd())
    key_id, secret = values["access_key_id"], values["secret_access_key"]
    if not key_id and not secret:  # a pair is taken from one place: halves of two make no key
        key_id, secret = environment.get("AWS_ACCESS_KEY_ID", ""), environment.get("AWS_SECRET_ACCESS_KEY", "")
    if not key_id or not secret:
        raise Unauthenticated(
            "no access key: give access_key_id and secret_access_key, set CUMULO_ACCESS_KEY_ID and "
            'CUMULO_SECRET_ACCESS_KEY (or AWS_…), or run eval "$(cumulo env)"'
        )
    named_region = values["region"] if values.origins["region"] != "default" else environment.get("AWS_REGION", "")
    return Configuration(
        target=values["target"] or DEFAULT_TARGET,
        region=named_region or settings.BY_NAME["region"].default,
        access_key_id=key_id,
        secret_access_key=secret,
        tls_ca=values["tls_ca"],
    )
