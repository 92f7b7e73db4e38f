"""Lines: whose turn it is, and that nobody's failure costs another his turn."""

from cumulo.queue_service.delivery_lines import AILING_VISITS_MAX, VISITS_MAX, VISITS_OF_LINE, Lines


def taken(lines):
    found = []
    while (visit := lines.take()) is not None:
        found.append(visit)
    return found


def test_line_has_few_visits_at_once_and_the_others_wait():
    lines = Lines()
    for number in range(5):
        lines.add("a", b"%d" % number)

    first = taken(lines)
    lines.end(first[0])
    second = taken(lines)

    assert [visit.queue for visit in first] == [b"0", b"1"]
    assert len(first) == VISITS_OF_LINE
    assert [visit.queue for visit in second] == [b"2"]


def test_lines_take_turns():
    lines = Lines()
    for name in "ab":
        for number in range(2):
            lines.add(name, f"{name}{number}".encode())

    assert [visit.queue for visit in taken(lines)] == [b"a0", b"b0", b"a1", b"b1"]


def test_hosts_that_failed_do_not_take_the_places_of_the_others():
    lines = Lines()
    for number in range(1_000):
        lines.note(f"dead{number}", taken=False)
        lines.add(f"dead{number}", b"dead")
    dead = taken(lines)
    for number in range(1_000):
        lines.add(f"live{number}", b"live")

    live = taken(lines)

    assert len(dead) == AILING_VISITS_MAX
    assert len(live) == VISITS_MAX
    assert {visit.queue for visit in live} == {b"live"}


def test_line_that_fails_while_it_waits_changes_its_places():
    lines = Lines()
    for name in ("a", "b"):
        lines.add(name, name.encode())
    lines.note("a", taken=False)

    visits = {visit.line: visit for visit in taken(lines)}
    lines.note("a", taken=True)
    for visit in visits.values():
        lines.end(visit)
    for name in ("a", "b"):
        lines.add(name, name.encode())

    assert visits["a"].places is not visits["b"].places
    again = {visit.line: visit for visit in taken(lines)}
    assert again["a"].places is again["b"].places


def test_nothing_is_kept_of_lines_that_are_empty():
    lines = Lines()
    for number in range(100):
        lines.add(f"{number}", b"queue")
    while visits := taken(lines):
        for visit in visits:
            lines.end(visit)

    assert lines._lines == {}
