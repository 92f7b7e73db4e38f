"""Where a client finds its server and its credentials.

Precedence: arguments > the profile > `CUMULO_*` variables > `cumulo.toml` > `AWS_*` variables > defaults. The profile
is the one that is named, or `default` where neither arguments nor `CUMULO_*` nor `cumulo.toml` say a server or a key.
Promises that access key and secret of a profile or of `AWS_*` come together, and that no secret is part of a `repr`.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from cumulo.client import profiles
from cumulo.client.errors import Unauthenticated
from cumulo.core import settings
from cumulo.core.settings import InvalidSetting

DEFAULT_TARGET = "127.0.0.1:4567"
KEY = ("access_key_id", "secret_access_key")


class Configuration(msgspec.Struct, frozen=True):
    """What a client needs to know before its first call; `url` is empty where nobody said it."""

    target: str
    url: str
    region: str
    access_key_id: str
    secret_access_key: str
    tls_ca: str

    def __repr__(self) -> str:
        return f"Configuration(target={self.target!r}, region={self.region!r}, access_key_id={self.access_key_id!r})"


def configure(
    target: str | None = None,
    *,
    url: str | None = None,
    profile: str | None = None,
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
    given = {
        "target": target,
        "url": url,
        "profile": profile,
        "region": region,
        "access_key_id": access_key_id,
        "secret_access_key": secret_access_key,
        "tls_ca": tls_ca,
    }
    flags: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    directory = directory or Path.cwd()
    resolved = settings.load(flags, environment, directory)
    nobody_says = all(resolved.origins[name] == "default" for name in ("target", "url", *KEY))
    name = resolved["profile"] or (profiles.DEFAULT if nobody_says else "")
    chosen = profiles.read_profile(name, environment) if name else {}
    if resolved["profile"] and not chosen:
        raise InvalidSetting(
            f"there is no profile {name} in {profiles.folder(environment)}; `cumulo iam login` makes it"
        )
    if not _is_whole(chosen) or any(part in flags for part in KEY):  # halves of two pairs make no key
        chosen = {part: value for part, value in chosen.items() if part not in KEY}
    resolved = settings.load(chosen | flags, environment, directory)
    key = {part: resolved[part] for part in KEY}
    if not any(key.values()):
        key = {part: environment.get(f"AWS_{part.upper()}", "") for part in KEY}
    if not _is_whole(key):
        raise Unauthenticated(
            "no access key: give access_key_id and secret_access_key, set CUMULO_ACCESS_KEY_ID and "
            'CUMULO_SECRET_ACCESS_KEY (or AWS_…), run eval "$(cumulo env)", or `cumulo iam login`'
        )
    region = resolved["region"] if resolved.origins["region"] != "default" else environment.get("AWS_REGION", "")
    return Configuration(
        target=resolved["target"] or DEFAULT_TARGET,
        url=resolved["url"] or environment.get("AWS_ENDPOINT_URL", ""),
        region=region or settings.BY_NAME["region"].default,
        access_key_id=key["access_key_id"],
        secret_access_key=key["secret_access_key"],
        tls_ca=resolved["tls_ca"],
    )


def _is_whole(key: Mapping[str, str]) -> bool:
    return all(key.get(part) for part in KEY)
