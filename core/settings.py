"""The one registry of configuration names, for server and clients.

Precedence: flags > `CUMULO_*` variables > `cumulo.toml` > defaults. Promises that a name nobody knows is an error with
a suggestion, never silently ignored: a mistyped switch must not leave something unprotected.
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

ENVIRONMENT_PREFIX = "CUMULO_"
_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*").fullmatch


class InvalidSetting(ValueError):
    """A configuration name or value that cannot be used; the message says which, where it stood and what is allowed."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text")
    return value


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off", ""):
        return False
    raise TypeError("true or false")


def _host_names(value: object) -> tuple[str, ...]:
    """Read host names set apart by commas; a list in `cumulo.toml` is one, too."""
    given = value if isinstance(value, list | tuple) else _text(value).split(",")
    names = tuple(_text(name).strip().lower() for name in given)
    if names == ("",):
        return ()
    if not all(_HOST_NAME(name) for name in names):
        raise TypeError("host names set apart by commas")
    return names


def _integer(low: int, high: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        allowed = f"an integer in {low}..{high}"
        try:
            number = int(str(value))
        except ValueError as error:
            raise TypeError(allowed) from error
        if isinstance(value, bool) or not low <= number <= high:
            raise TypeError(allowed)
        return number

    return parse


def _auto_or(parse_said: Callable[[object], int]) -> Callable[[object], int | None]:
    """Return the parser of a number that the server chooses, as None, where `auto` stands."""

    def parse(value: object) -> int | None:
        try:
            return None if value == "auto" else parse_said(value)
        except TypeError as error:
            raise TypeError(f"auto, or {error}") from error

    return parse


def _choice(*words: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if value not in words:
            raise TypeError("one of " + ", ".join(word or "''" for word in words))
        return str(value)

    return parse


class Setting(msgspec.Struct, frozen=True):
    """One configurable value: `name` is its key in `cumulo.toml`; its variable `CUMULO_` and that in capitals.

    In `cumulo.toml` names of one beginning may stand in a table of that name: `s3.domains` is `s3_domains`.
    """

    name: str
    default: Any
    parse: Callable[[object], Any]
    summary: str

    @property
    def variable(self) -> str:
        """The environment variable's name."""
        return ENVIRONMENT_PREFIX + self.name.upper()


SETTINGS = (
    Setting("config", "", _text, "path of the configuration file; default `cumulo.toml` in the working directory"),
    Setting("data", "", _text, "the data folder; default `$XDG_DATA_HOME/cumulo` or `~/.local/share/cumulo`"),
    Setting("ephemeral", "false", _flag, "keep everything in memory and forget it at exit; for tests"),
    Setting("host", "127.0.0.1", _text, "address to listen on; beyond loopback TLS is required, or `insecure_remote`"),
    Setting("port", 4566, _integer(0, 65535), "HTTP port; 0 picks a free one"),
    Setting(
        "s3_domains",
        "s3.localhost,localhost,s3.localhost.localstack.cloud",
        _host_names,
        "host names below which a bucket's name is the first label (`bucket.s3.localhost`), set apart by commas",
    ),
    Setting(
        "s3_website_hosts",
        "",
        _host_names,
        "host names that are websites of the buckets of the same names (`www.example.com`), set apart by commas",
    ),
    Setting(
        "s3_default_object_ownership",
        "BucketOwnerEnforced",
        _choice("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"),
        "who owns what others write into a new bucket that does not say; all but `BucketOwnerEnforced` let access"
        " control lists act. `ObjectWriter` makes buckets without ownership controls, as AWS did until 2023",
    ),
    Setting(
        "s3_default_public_access_block",
        "true",
        _flag,
        "whether a new bucket blocks public access; `false` makes buckets without a public access block, as AWS did"
        " until 2023",
    ),
    Setting(
        "s3_event_bus",
        "",
        _text,
        "ARN of the queue or topic, or URL, that gets EventBridge's events of buckets that send them; empty: nobody",
    ),
    Setting(
        "s3_version_2_signatures",
        "auto",
        _choice("auto", "off", "on"),
        "whether S3 takes requests and forms signed with version 2, as AWS does for buckets from before June 2020;"
        " `auto`: where `s3_default_object_ownership` is one of the older defaults",
    ),
    Setting(
        "s3_dialect",
        "auto",
        _choice("auto", "aws", "ceph"),
        "whose answers S3 gives where they differ: `ceph` has the codes of Ceph's gateway for some refusals; `auto`:"
        " `ceph` where new buckets are as open as there, by one of the older values of"
        " `s3_default_object_ownership` and `s3_default_public_access_block` of `false`, else `aws`",
    ),
    Setting(
        "s3_lifecycle_day_s",
        86_400,
        _integer(1, 86_400),
        "how many seconds a day of lifecycle rules lasts, for tests; a shorter one begins with the object, not at"
        " midnight",
    ),
    Setting(
        "s3_access_log_interval_s",
        300,
        _integer(0, 86_400),
        "seconds between deliveries of a bucket's server access log; 0 delivers once the lines are gathered",
    ),
    Setting(
        "s3_default_encryption",
        "AES256",
        _choice("AES256", ""),
        "how new buckets encrypt objects; empty: not at all, and they have no encryption configuration, as in S3 before"
        " 2023",
    ),
    Setting(
        "s3_transition_bytes_min",
        "auto",
        _auto_or(_integer(0, 1 << 50)),
        "objects below this size go to another storage class only by rules that name a size, and to an archive where"
        " the configuration lets small ones; `auto`: 128 KiB, and none in the dialect `ceph`",
    ),
    Setting(
        "s3_restore_delay_s",
        0,
        _integer(0, 172_800),
        "how many seconds the restore of an archived object takes; S3 takes minutes to two days",
    ),
    Setting("grpc_port", 4567, _integer(0, 65535), "gRPC port; 0 picks a free one"),
    Setting("ready_file", "", _text, "file that gets the endpoints as JSON once the server is ready"),
    Setting(
        "tls", "", _choice("", "dev"), "`dev` makes a certificate for localhost in the data folder, for both ports"
    ),
    Setting("tls_cert", "", _text, "PEM file of the server's certificate chain, for both ports"),
    Setting("tls_key", "", _text, "PEM file of the certificate's private key"),
    Setting("insecure_remote", "false", _flag, "allow listening beyond loopback without TLS"),
    Setting("log_level", "info", _choice("debug", "info", "warning", "error"), "least severity that is logged"),
    Setting("log_format", "auto", _choice("auto", "json", "text"), "form of log lines; auto is text on a terminal"),
    Setting(
        "free_space_reserve_bytes",
        256 * 1024 * 1024,
        _integer(0, 1 << 50),
        "below this much free disk, writes that grow are refused",
    ),
    Setting(
        "queue_in_flight_max",
        120_000,
        _integer(1, 1 << 40),
        "messages of one queue that may be received and not deleted at once; beyond it a receive answers `OverLimit`",
    ),
    Setting(
        "metrics_queues_max",
        0,
        _integer(0, 1_000),
        "of how many queues, the largest, the metrics page shows name and figures to everybody who can reach it;"
        " callers with `cumulo:ReadMetrics` always see 100 or more",
    ),
    Setting(
        "queue_fifo_calls_per_s",
        0,
        _integer(0, 1_000_000),
        "calls a second of each action that a FIFO queue takes whose throughput limit is `perQueue`, 300 in SQS; beyond"
        " it they answer `RequestThrottled`. 0 sets no limit",
    ),
    Setting(
        "sns_http_private_addresses",
        "auto",
        _choice("auto", "deny", "allow"),
        "whether messages of topics are posted to endpoints at private addresses; `auto`: to loopback alone, and only"
        " where `host` is loopback, too",
    ),
    Setting("smtp_host", "", _text, "server that e-mail of topics is handed to; empty: it is recorded alone"),
    Setting("smtp_port", 0, _integer(0, 65535), "its port; 0 takes the usual one: 587, with `tls` 465, with `none` 25"),
    Setting(
        "smtp_tls",
        "starttls",
        _choice("starttls", "tls", "none"),
        "how the connection to it is protected; `none` excludes `smtp_user`",
    ),
    Setting("smtp_user", "", _text, "user name for it; empty: none is given"),
    Setting("smtp_password_file", "", _text, "file that holds the user's password"),
    Setting("smtp_from", "", _text, "address that e-mail of topics is from"),
    Setting("failpoints", "", _text, "armed failpoints, for crash tests: `name=action;…`"),
    Setting("target", "", _text, "clients: host:port of the gRPC endpoint"),
    Setting("url", "", _text, "clients: URL of the HTTP endpoint; `AWS_ENDPOINT_URL` is read where this is empty"),
    Setting("profile", "", _text, "clients: profile of `$XDG_CONFIG_HOME/cumulo/config.toml` that says where and who"),
    Setting("region", "us-east-1", _text, "clients: region of queues"),
    Setting("tls_ca", "", _text, "clients: PEM file of the authority that signed the server's certificate"),
    Setting("access_key_id", "", _text, "clients: access key id; `AWS_ACCESS_KEY_ID` is read where this is empty"),
    Setting("secret_access_key", "", _text, "clients: its secret; `AWS_SECRET_ACCESS_KEY` is read where this is empty"),
)
BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}


class Settings(msgspec.Struct, frozen=True):
    """Resolved values and where each came from (`flag`, a variable's name, a file's path, or `default`)."""

    values: Mapping[str, Any]
    origins: Mapping[str, str]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def __repr__(self) -> str:
        return f"Settings({', '.join(sorted(self.values))})"


def load(flags: Mapping[str, object], environment: Mapping[str, str], directory: Path) -> Settings:
    """Resolve every setting; `flags` holds only what was given. `directory` is where `cumulo.toml` is looked for.

    Raises `InvalidSetting`.
    """
    given: dict[str, tuple[object, str]] = {}
    from_environment: dict[str, tuple[object, str]] = {}
    for variable, value in environment.items():
        if variable.startswith(ENVIRONMENT_PREFIX):
            name = _known(variable[len(ENVIRONMENT_PREFIX) :].lower(), variable, lambda known: known.variable)
            from_environment[name] = (value, variable)
    named = flags.get("config") or from_environment.get("config", ("", ""))[0]
    path = Path(str(named)) if named else directory / "cumulo.toml"
    if named or path.exists():
        given.update(_from_file(path))
    given.update(from_environment)
    given.update({name: (value, "flag") for name, value in flags.items() if value is not None})
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for setting in SETTINGS:
        value, origin = given.get(setting.name, (setting.default, "default"))
        try:
            values[setting.name] = setting.parse(value)
        except TypeError as allowed:
            shown = "its value" if "secret" in setting.name else repr(value)
            raise InvalidSetting(f"{setting.name} ({origin}): {shown} is not {allowed}") from None
        origins[setting.name] = origin
    return Settings(values, origins)


def _from_file(path: Path) -> dict[str, tuple[object, str]]:
    try:
        table = tomllib.loads(path.read_text())
    except OSError as error:
        raise InvalidSetting(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSetting(f"{path}: not a TOML file: {error}") from error
    named = {}
    for name, value in table.items():
        # `s3.default_object_ownership` is a table `s3` to TOML.
        inner = {f"{name}_{key}": one for key, one in value.items()} if isinstance(value, dict) else {name: value}
        named.update(inner)
    return {
        _known(name, f"{name} in {path}", lambda known: known.name): (value, str(path)) for name, value in named.items()
    }


def _known(name: str, shown: str, spelling: Callable[[Setting], str]) -> str:
    if name in BY_NAME:
        return name
    near = difflib.get_close_matches(name, BY_NAME, n=1)
    hint = (
        f"did you mean {spelling(BY_NAME[near[0]])}?" if near else "see `cumulo config show` for the names that exist"
    )
    raise InvalidSetting(f"unknown setting {shown}; {hint}")


def default_data_folder(environment: Mapping[str, str]) -> Path:
    """Return where data is kept when nothing is said (XDG base directory specification)."""
    base = environment.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "cumulo"
