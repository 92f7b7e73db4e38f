"""Named servers and keys of a person: `config.toml` and `credentials.toml` in `~/.config/cumulo`, a table a profile.

Promises: a secret stands in `credentials.toml` alone, which nobody but its owner may read; a name that nobody knows is
an error with what is allowed. Reads only; `cumulo iam login` writes.
"""

import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cumulo.core.settings import InvalidSetting

DEFAULT = "default"
"""The profile that fills in what nothing else says."""
CONFIG_FILE = "config.toml"
CREDENTIALS_FILE = "credentials.toml"
SECRET = "secret_access_key"  # noqa: S105 - a setting's name
NAMES = ("target", "url", "region", "tls_ca", "access_key_id")
"""What `config.toml` may say of a profile, by the settings' names."""


def folder(environment: Mapping[str, str]) -> Path:
    """Return where profiles are kept (XDG base directory specification)."""
    base = environment.get("XDG_CONFIG_HOME") or str(Path(environment.get("HOME") or Path.home()) / ".config")
    return Path(base) / "cumulo"


def read_profile(name: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return what is known of a profile, by the settings' names; nothing where there is none of that name.

    Raises `InvalidSetting` for a file that cannot be used, and for credentials that others may read.
    """
    here = folder(environment)
    found = _table(here / CONFIG_FILE, name, NAMES)
    credentials = here / CREDENTIALS_FILE
    secret = _table(credentials, name, (SECRET,))
    if secret and credentials.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InvalidSetting(f"{credentials} holds secrets and may be read by others: chmod 600 {credentials}")
    return found | secret


def _table(path: Path, name: str, allowed: tuple[str, ...]) -> dict[str, str]:
    try:
        tables: dict[str, Any] = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InvalidSetting(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSetting(f"{path}: not a TOML file: {error}") from error
    table = tables.get(name, {})
    for key, value in table.items() if isinstance(table, dict) else [(name, table)]:
        if key not in allowed or not isinstance(value, str):
            raise InvalidSetting(f"{key} of profile {name} in {path}: it may say {', '.join(allowed)}, each a text")
    return dict(table)
