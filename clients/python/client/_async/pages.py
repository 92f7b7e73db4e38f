"""Listings: iterate over items, or over the pages that the server answers."""

from collections.abc import AsyncIterator
from typing import Generic, TypeVar

from cumulo.client._tasks import Method
from cumulo.client.model import Page

T_co = TypeVar("T_co", covariant=True)


class AsyncPager(Generic[T_co]):
    """A listing that fetches its pages as they are reached; each iteration begins anew."""

    def __init__(self, fetch: Method[Page[T_co]]) -> None:
        self._fetch = fetch

    async def pages(self, page_token: str = "") -> AsyncIterator[Page[T_co]]:
        """Iterate over the pages, from the one that `page_token` leads to."""
        while True:
            page = await self._fetch(page_token)
            yield page
            page_token = page.next_page_token
            if not page_token:
                return

    async def __aiter__(self) -> AsyncIterator[T_co]:
        async for page in self.pages():
            for item in page.items:
                yield item
