"""Times as people write them."""

from datetime import datetime

import click


def time_of(text: str, option: str) -> datetime:
    """Return a time that a person wrote behind an option, in his own zone where he names none."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no time, as 2030-01-31T08:00", param_hint=option) from error
