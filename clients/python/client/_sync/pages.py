# Generated from _async/pages.py by `make gen` (.ci/sync_twin.py). Do not edit.
"""Listings: iterate over items, or over the pages that the server answers."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from cumulo.client._threads import Method
from cumulo.client.model import Page

T_co = TypeVar("T_co", covariant=True)


class Pager(Generic[T_co]):
    """A listing that fetches its pages as they are reached; each iteration begins anew."""

    def __init__(self, fetch: Method[Page[T_co]]) -> None:
        self._fetch = fetch

    def pages(self, page_token: str = "") -> Iterator[Page[T_co]]:
        """Iterate over the pages, from the one that `page_token` leads to."""
        while True:
            page = self._fetch(page_token)
            yield page
            page_token = page.next_page_token
            if not page_token:
                return

    def __iter__(self) -> Iterator[T_co]:
        for page in self.pages():
            yield from page.items
