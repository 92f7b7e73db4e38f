"""Lines: which subscription's queue is visited next, so that no endpoint slows another.

Queues whose messages go to the same host stand in one line, and at most `VISITS_OF_LINE` of a line are visited at once.
Lines whose last delivery failed share a smaller number of places than the others: so hosts that answer nothing, however
many they are, never take the places of those that do. Pure bookkeeping: knows no time, no socket and no store.
"""

from collections import OrderedDict, deque
from typing import Final

VISITS_MAX: Final = 64
"""Visits at once to hosts that took what they were last sent, or were never sent anything."""
AILING_VISITS_MAX: Final = 32
"""Visits at once to hosts that did not."""
VISITS_OF_LINE: Final = 2
AILING_REMEMBERED_MAX: Final = 10_000


class _Line:
    __slots__ = ("is_offered", "visits", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[bytes] = deque()
        self.visits = 0
        self.is_offered = False


class _Places:
    """Places for visits, and the lines that may use the next one, in turn."""

    __slots__ = ("limit", "lines", "taken")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0
        self.lines: deque[str] = deque()


class Lines:
    """All lines of a server."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        self._healthy = _Places(VISITS_MAX)
        self._ailing = _Places(AILING_VISITS_MAX)
        self._ailing_names: OrderedDict[str, None] = OrderedDict()

    def add(self, name: str, queue: bytes) -> None:
        """Put a queue at the end of a line."""
        line = self._lines.setdefault(name, _Line())
        line.waiting.append(queue)
        self._offer(name, line)

    def take(self) -> "Visit | None":
        """Return the next visit to make, None where none is due or all places are taken."""
        for places in (self._healthy, self._ailing):
            while places.lines and places.taken < places.limit:
                name = places.lines.popleft()
                line = self._lines[name]
                line.is_offered = False
                if self._places_of(name) is not places:
                    self._offer(name, line)
                    continue
                line.visits += 1
                places.taken += 1
                visit = Visit(name, line.waiting.popleft(), places)
                self._offer(name, line)
                return visit
        return None

    def end(self, visit: "Visit") -> None:
        """Give back the place of a visit."""
        visit.places.taken -= 1
        line = self._lines[visit.line]
        line.visits -= 1
        if not line.waiting and not line.visits:
            del self._lines[visit.line]
        else:
            self._offer(visit.line, line)

    def is_ailing(self, name: str) -> bool:
        """Say whether the last delivery to a host failed."""
        return name in self._ailing_names

    def note(self, name: str, *, taken: bool) -> None:
        """Note whether a host took what it was sent."""
        if taken:
            self._ailing_names.pop(name, None)
            return
        self._ailing_names[name] = None
        self._ailing_names.move_to_end(name)
        if len(self._ailing_names) > AILING_REMEMBERED_MAX:
            self._ailing_names.popitem(last=False)

    def _places_of(self, name: str) -> _Places:
        return self._ailing if name in self._ailing_names else self._healthy

    def _offer(self, name: str, line: _Line) -> None:
        if line.waiting and line.visits < VISITS_OF_LINE and not line.is_offered:
            line.is_offered = True
            self._places_of(name).lines.append(name)


class Visit:
    """A visit to a queue that holds a place."""

    __slots__ = ("line", "places", "queue")

    def __init__(self, line: str, queue: bytes, places: _Places) -> None:
        self.line = line
        self.queue = queue
        self.places = places
