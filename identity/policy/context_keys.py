"""The condition keys of one request, ready to look up.

Owns the spelling of key names: AWS compares them without regard to case, so every name is folded once, here, and all
matching looks up folded names only. Folding touches ASCII letters alone: under Unicode's rules the Kelvin sign is a
`k`, and a tag key spelled with it could stand in for another one.
"""

import functools
import re
from collections.abc import Mapping
from typing import TypeAlias

KeyValue: TypeAlias = str | tuple[str, ...]
"""A `str` is a single-valued key. A `tuple` is a multi-valued key, also with one element; an empty one counts as
absent."""

NAMES_FOLDED_MAX = 1024
"""Key names whose folded form is kept: a server has some dozens, tags add what callers invent."""

_UPPER = re.compile("[A-Z]+")


class FoldedKeys(dict[str, KeyValue]):
    """Condition keys under their folded names. Callers that keep some from request to request fold those once."""


def fold(text: str) -> str:
    """Return `text` with its ASCII letters in lower case and all else untouched."""
    return text.lower() if text.isascii() else _UPPER.sub(lambda found: found[0].lower(), text)


_fold_name = functools.lru_cache(maxsize=NAMES_FOLDED_MAX)(fold)


def fold_keys(*sources: Mapping[str, KeyValue]) -> FoldedKeys:
    """Return all keys of `sources`.

    Raises `ValueError` for a name that comes twice: somebody would be able to shadow a key that the server sets.
    """
    folded = FoldedKeys()
    count = 0
    for source in sources:
        if isinstance(source, FoldedKeys):
            folded.update(source)
        else:
            folded.update({_fold_name(name): value for name, value in source.items()})
        count += len(source)
    if len(folded) != count:
        raise ValueError(f"a condition key is given twice: {sorted(name for source in sources for name in source)}")
    return folded
