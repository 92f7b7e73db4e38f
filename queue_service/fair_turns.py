"""Whose turn it is: the ready messages of a standard queue with groups, in the order in which receivers get them.

By priority; of one priority first those of quiet groups and those without a group, by number; then those of noisy
groups, each time of the group that has the fewest messages in flight. What a receive takes on its way counts, so that
one receive shares itself out among noisy groups, too.

Three rows of lines that are in this order on disk (r, q, n) meet one in memory, of the groups that this transaction has
opened and whose rows on disk are out of date. However many messages wait, and of however many groups: only those are
read that are taken, and of each opened group a few behind them.
"""

import heapq
from collections.abc import Callable, Iterator

from cumulo.queue_service.fair import GROUP_OPERATIONS, Groups, OpenGroup
from cumulo.queue_service.fair_keys import RANK_BYTES, FairLayout
from cumulo.queue_service.keys import base_of
from cumulo.storage.engine import ReadTxn, Row, Txn
from cumulo.storage.tuples import u64

OPERATIONS_MAX = 1_000
"""What one receive transaction spends on groups and messages in turn, what it sets aside included."""
MESSAGE_OPERATIONS = 4
PAGE_ROWS = 16
_GROUP_ROWS = 4
_GROUP_ROWS_MAX = 64
"""Messages of one group that are read ahead: the former at first, twice as many each further time."""
_LEASED_BYTES = 8 + RANK_BYTES
_NOISY_BYTES = 1 + _LEASED_BYTES
"""Of what a key under n ends in, without and with the base."""
_QUIET = b"\x00"
_NOISY = b"\x01"


class _Line:
    """Rows under one prefix, in their order."""

    def __init__(self, txn: Txn, prefix: bytes, wanted: Callable[[Row], bool]) -> None:
        self._txn = txn
        self._position = prefix
        self._end = prefix + b"\xff"
        self._wanted = wanted
        self._rows: list[Row] = []
        self._is_over = False

    def first(self) -> Row | None:
        """Return the first row that is wanted still, without taking it."""
        while True:
            while self._rows:
                if self._wanted(self._rows[-1]):
                    return self._rows[-1]
                self._rows.pop()
            if self._is_over:
                return None
            rows = self._txn.range(self._position, self._end, PAGE_ROWS)
            self._is_over = len(rows) < PAGE_ROWS
            if rows:
                self._position = rows[-1][0] + b"\x00"
            self._rows = rows[::-1]

    def take(self) -> Row:
        """Take what `first` returned."""
        return self._rows.pop()


class _Waiting:
    """The ready messages of one opened group."""

    def __init__(self, txn: Txn, start: bytes) -> None:
        self._txn = txn
        self._end = start + b"\xff" * (RANK_BYTES + 1)
        self._position = start
        self._limit = _GROUP_ROWS
        self._rows: list[Row] = []

    def first(self) -> Row:
        """Return the first; there must be one."""
        if not self._rows:
            rows = self._txn.range(self._position, self._end, self._limit)
            self._position = rows[-1][0] + b"\x00"
            self._limit = min(2 * self._limit, _GROUP_ROWS_MAX)
            self._rows = rows[::-1]
        return self._rows[-1]

    def take(self) -> None:
        """Take what `first` returned."""
        self._rows.pop()


class Turns:
    """One receive's way through the messages: iterate, and before the next is asked for, change the counts of the group
    of this one as what became of it says. `leased` tells how many messages of the queue are in flight by then.
    `operations` are what may still be spent.
    """

    def __init__(self, txn: Txn, groups: Groups, lanes: bytes, leased: Callable[[], int]) -> None:
        self.operations = OPERATIONS_MAX
        self._txn = txn
        self._groups = groups
        self._leased = leased
        opened, places = groups.opened, groups.places
        self._alone = _Line(txn, lanes, lambda _: True)
        self._quiet = _Line(txn, places.quiet, lambda row: row[1].decode() not in opened)
        self._noisy = _Line(txn, places.noisy, lambda row: row[1].decode() not in opened)
        self._lines = (self._alone, self._quiet, self._noisy)
        self._waiting: dict[str, _Waiting] = {}
        self._turns: list[tuple[bytes, str]] = []
        for group in opened.values():
            self.operations -= 1
            self._line_up(group)

    def __iter__(self) -> Iterator[Row]:
        """Go on while there are messages, and operations to spend."""
        while self.operations >= GROUP_OPERATIONS + MESSAGE_OPERATIONS:
            turn, line = self._first_of_lines()
            if self._turns and (line is None or self._turns[0][0] < turn):
                group = self._group_in_turn()
                if group is None:
                    continue
                waiting = self._waiting[group.name]
                row = waiting.first()
                waiting.take()
                self.operations -= MESSAGE_OPERATIONS
                yield row
                self._line_up(group)
            elif line is None:
                return
            elif line is self._alone:
                self.operations -= MESSAGE_OPERATIONS
                yield line.take()
            else:
                self.operations -= GROUP_OPERATIONS
                self._line_up(self._groups.open(line.take()[1].decode()))

    def _first_of_lines(self) -> "tuple[bytes, _Line | None]":
        """Return whose turn it is of those that are not opened, and where he stands."""
        heads = [(_turn_of_row(row[0], line is self._noisy), line) for line in self._lines if (row := line.first())]
        return min(heads, key=lambda head: head[0], default=(b"", None))

    def _group_in_turn(self) -> OpenGroup | None:
        """Take the opened group whose turn is first; None, and it is lined up anew, where it is not so after all."""
        turn, name = heapq.heappop(self._turns)
        group = self._groups.open(name)
        self._groups.judge(group, self._leased())
        if self._turn_of(group) == turn:
            return group
        self._line_up(group)
        return None

    def _line_up(self, group: OpenGroup) -> None:
        if group.ready:
            heapq.heappush(self._turns, (self._turn_of(group), group.name))

    def _turn_of(self, group: OpenGroup) -> bytes:
        waiting = self._waiting.get(group.name)
        if waiting is None:
            waiting = self._waiting[group.name] = _Waiting(self._txn, self._groups.places.order + group.part)
        rank = group.first = waiting.first()[0][-RANK_BYTES:]
        return base_of(rank) + _NOISY + u64(group.leased) + rank if group.noisy else _quiet_turn(rank)


def _quiet_turn(rank: bytes) -> bytes:
    return base_of(rank) + _QUIET + rank


def _turn_of_row(key: bytes, is_noisy: bool) -> bytes:  # noqa: FBT001 - both callers say what it is
    if is_noisy:
        return key[-_NOISY_BYTES:-_LEASED_BYTES] + _NOISY + key[-_LEASED_BYTES:]
    return _quiet_turn(key[-RANK_BYTES:])


def first_in_turn(txn: ReadTxn, lanes: bytes, places: FairLayout) -> bytes | None:
    """Return the number of the message that the next receive gets, unless its group is found to be noisy then."""
    turns = [
        _turn_of_row(key, line is places.noisy)
        for line in (lanes, places.quiet, places.noisy)
        for key, _ in txn.range(line, line + b"\xff", 1)
    ]
    return min(turns)[-8:] if turns else None
