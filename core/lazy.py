"""The only place of lazy imports: what a server needs on some call, but not to be ready.

A module is named by a `LazyModule`, and for the type checker imported beside it. What is made of such modules is a
`LazyPart`. Both load on the thread that asks, mostly the event loop, which stands still meanwhile: the longest such
call, SNS's first with all of topics, takes 20 ms on the two cores of a small machine. Keep it there.
"""

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class LazyModule:
    """Stands for a module and imports it at the first use of an attribute."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._module: ModuleType | None = None

    def __getattr__(self, attribute: str) -> Any:
        if self._module is None:
            self._module = importlib.import_module(self._name)
        value = getattr(self._module, attribute)
        setattr(self, attribute, value)  # the next use finds it without coming here
        return value


class LazyPart(Generic[T]):
    """Stands for a part of a server, which it makes when it is asked for."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self.made: T | None = None
        """The part; None before somebody asked for it."""

    def __call__(self) -> T:
        """Return the part."""
        if self.made is None:
            self.made = self._make()
        return self.made
