"""Receipts and leases: what a handle proves, and when a message comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo.core.errors import ServiceError
from cumulo.core.tokens import TokenKind, TokenSealer
from cumulo.queue_service import message_model, receipts


async def refusal(work):
    """Return code and message of a refusal."""
    with pytest.raises(ServiceError) as refused:
        await work
    return refused.value.row.code, refused.value.message


def test_handle_of_an_ended_lease_deletes_until_the_next_receive(run):
    async def scenario(it):
        await it.create(visibility_timeout_s=10)
        await it.send(b"a")
        handle = (await it.receive())[0].receipt_handle
        await it.advance(11)

        await it.delete(handle)

        assert await it.counts() == (0, 0, 0)

    run(scenario)


def test_later_receive_makes_the_older_handle_invalid(run):
    async def scenario(it):
        await it.create(visibility_timeout_s=10)
        await it.send(b"a")
        old = (await it.receive())[0].receipt_handle
        await it.advance(11)
        new = (await it.receive())[0].receipt_handle

        deleted = await refusal(it.delete(old))
        held = await refusal(it.hold(old, 60))
        await it.delete(new)
        await it.delete(old)

        assert deleted[0] == held[0] == "ReceiptHandleIsInvalid"
        assert "received again" in deleted[1]
        assert await it.counts() == (0, 0, 0)

    run(scenario)


def test_handle_stays_invalid_after_the_newer_lease_has_ended(run):
    async def scenario(it):
        await it.create(visibility_timeout_s=10)
        await it.send(b"a")
        old = (await it.receive())[0].receipt_handle
        await it.advance(11)
        await it.receive()
        await it.advance(11)

        assert (await refusal(it.delete(old)))[0] == "ReceiptHandleIsInvalid"

    run(scenario)


def test_handle_of_another_queue_is_invalid(run):
    async def scenario(it):
        await it.create("jobs")
        await it.create("other")
        await it.send(b"a")
        handle = (await it.receive())[0].receipt_handle

        code, message = await refusal(it.delete(handle, queue="other"))

        assert code == "ReceiptHandleIsInvalid"
        assert "another queue" in message

    run(scenario)


def test_extended_lease_holds_past_its_first_end_and_its_handle_stays_good(run):
    async def scenario(it):
        await it.create(visibility_timeout_s=10)
        await it.send(b"a")
        handle = (await it.receive())[0].receipt_handle

        await it.hold(handle, 60)
        await it.advance(30)
        hidden = await it.receive()
        await it.hold(handle, 60)
        await it.advance(59)
        hidden += await it.receive()
        await it.delete(handle)

        assert hidden == []
        assert await it.counts() == (0, 0, 0)

    run(scenario)


def test_shortened_lease_ends_early(run):
    async def scenario(it):
        await it.create(visibility_timeout_s=100)
        await it.send(b"a")
        handle = (await it.receive())[0].receipt_handle

        await it.hold(handle, 5)
        await it.advance(4.999)
        before = await it.counts()
        await it.advance(0.001)

        assert before == (0, 1, 0)
        assert await it.counts() == (1, 0, 0)

    run(scenario)


def test_lease_that_is_moved_back_and_forth_ends_when_the_last_change_says(run):
    async def scenario(it):
        await it.create(visibility_timeout_s=10)
        await it.send(b"a")
        handle = (await it.receive())[0].receipt_handle

        for seconds in (3, 20, 10, 10, 2, 7):
            await it.hold(handle, seconds)
        await it.advance(6.999)
        before = await it.counts()
        await it.advance(0.001)

        assert before == (0, 1, 0)
        assert await it.counts() == (1, 0, 0)

    run(scenario)


def test_visibility_of_zero_gives_the_message_back_at_once(run):
    async def scenario(it):
        await it.create()
        await it.send(b"a")
        handle = (await it.receive())[0].receipt_handle

        await it.hold(handle, 0)

        assert [message.receive_count for message in await it.receive()] == [2]

    run(scenario)


@pytest.mark.parametrize("timers_ran", [True, False])
def test_visibility_timeout_that_has_ended_is_set_anew_while_nobody_else_has_received(run, timers_ran):
    async def scenario(it):
        await it.create(visibility_timeout_s=10)
        await it.send(b"a")
        handle = (await it.receive())[0].receipt_handle
        await it.advance(10) if timers_ran else it.clock.advance(10_000)

        await it.hold(handle, 5)

        assert await it.receive() == []
        await it.hold(handle, 1)
        await it.advance(1)
        await it.hold(handle, 0)
        assert await it.counts() == (1, 0, 0)
        await it.hold(handle, 2)
        await it.advance(1)
        await it.hold(handle, 2)
        await it.delete(handle)
        assert await it.counts() == (0, 0, 0)

    run(scenario)


def test_visibility_cannot_be_changed_of_a_message_that_somebody_else_has_or_that_is_gone(run):
    async def scenario(it):
        await it.create(visibility_timeout_s=10)
        await it.send(b"a")
        handle = (await it.receive())[0].receipt_handle

        it.clock.advance(10_000)
        latest = (await it.receive())[0].receipt_handle
        lost = await refusal(it.hold(handle, 5))
        await it.delete(latest)
        gone = await refusal(it.hold(latest, 5))

        assert lost[0] == "ReceiptHandleIsInvalid"
        assert gone[0] == "InvalidParameterValue"
        assert "does not exist" in gone[1]

    run(scenario)


def test_visibility_timeout_ends_twelve_hours_after_the_receive_at_the_latest(run):
    async def scenario(it):
        await it.create(visibility_timeout_s=43_200)
        await it.send(b"a")
        handle = (await it.receive())[0].receipt_handle
        await it.advance(3_600)

        await it.hold(handle, 39_600)

        assert "43200" in (await refusal(it.hold(handle, 39_601)))[1]
        assert (await refusal(it.hold(handle, 43_201)))[0] == "InvalidParameterValue"

    run(scenario)


def test_bad_item_of_a_batch_is_refused_alone(run):
    async def scenario(it):
        await it.create()
        await it.send(b"a", b"b")
        first, second = [message.receipt_handle for message in await it.receive()]

        changed = await it.call(
            "BatchChangeMessageVisibility",
            message_model.ChangeVisibilities(
                queue="jobs",
                entries=(
                    message_model.VisibilityChange(first, 50),
                    message_model.VisibilityChange("bad", 50),
                    message_model.VisibilityChange(second, -1),
                ),
            ),
        )
        deleted = await it.call(
            "BatchDeleteMessages", message_model.DeleteMessages(queue="jobs", receipt_handles=("bad", first, second))
        )

        assert [error and error.code for error in changed] == [
            None,
            "ReceiptHandleIsInvalid",
            "InvalidParameterValue",
        ]
        assert [error and error.code for error in deleted] == ["ReceiptHandleIsInvalid", None, None]

    run(scenario)


def test_repeated_delete_with_a_request_id_answers_as_the_first(run):
    async def scenario(it):
        await it.create(visibility_timeout_s=10)
        await it.send(b"a")
        old = (await it.receive())[0].receipt_handle
        await it.advance(11)
        new = (await it.receive())[0].receipt_handle
        request = message_model.DeleteMessages(queue="jobs", receipt_handles=(old, new), request_id="r")

        first = await it.call("BatchDeleteMessages", request)
        again = await it.call("BatchDeleteMessages", request)

        assert first == again
        assert [error and error.code for error in first] == ["ReceiptHandleIsInvalid", None]

    run(scenario)


def test_more_leases_than_one_promotion_takes_come_back_all(run):
    async def scenario(it):
        await it.create(visibility_timeout_s=10)
        for _ in range(25):
            await it.send(*[b"x"] * 100)
        taken = [message for _ in range(25) for message in await it.receive(100)]
        for start in range(0, 2_500, 100):
            changes = tuple(
                message_model.VisibilityChange(message.receipt_handle, 20 if index % 3 else 5)
                for index, message in enumerate(taken[start : start + 100])
            )
            await it.call(
                "BatchChangeMessageVisibility", message_model.ChangeVisibilities(queue="jobs", entries=changes)
            )

        await it.advance(10)
        first = await it.counts()
        await it.advance(10)

        assert first == (850, 1_650, 0)
        assert await it.counts() == (2_500, 0, 0)

    run(scenario)


def test_receive_promotes_by_itself_when_the_timer_is_late(run):
    async def scenario(it):
        await it.create(visibility_timeout_s=10)
        for _ in range(12):
            await it.send(*[b"x"] * 100)
        for _ in range(12):
            await it.receive(100)
        it.clock.advance(10_000)

        again = [len(await it.receive(100, visibility_timeout_s=1_000)) for _ in range(13)]

        assert again == [100] * 12 + [0]

    run(scenario)


@pytest.mark.parametrize("kind", ["delay", "lease", "retention", "clearing", "shortened"])
def test_what_was_due_during_a_restart_happens_after_it(run, kind):
    async def scenario(it):
        await it.create(visibility_timeout_s=10, message_retention_s=60)
        await it.send(*[b"x"] * 3, delay_s=10 if kind == "delay" else 0)
        if kind in ("lease", "shortened"):
            for message in await it.receive():
                if kind == "shortened":
                    await it.hold(message.receipt_handle, 5)
        if kind == "clearing":
            await it.purge()

        it.clock.advance(60_000 if kind == "retention" else 10_000)
        await it.restart()
        entries_before = await it.engine.take_due(it.clock.deadline_ms(), 10)
        await it.advance(0)

        assert entries_before
        assert await it.counts() == {"retention": (0, 0, 0), "clearing": (0, 0, 0)}.get(kind, (3, 0, 0))
        assert await it.engine.take_due(it.clock.deadline_ms(), 10) == []

    run(scenario)


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_random_text_is_no_receipt(text):
    sealer = TokenSealer({1: b"k" * 32}, 1)

    with pytest.raises(ServiceError) as refused:
        receipts.parse(sealer, b"\0" * 8, 0, text)

    assert refused.value.row.code == "ReceiptHandleIsInvalid"


@given(st.binary(max_size=100), st.integers(0, 200))
def test_sealed_receipt_of_another_form_and_altered_receipt_are_refused(payload, place):
    sealer = TokenSealer({1: b"k" * 32}, 1)
    good = receipts.seal(sealer, b"\0" * 8, 1, 2, 3, b"t" * 16)
    place %= len(good)
    altered = good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]

    for handle in (sealer.seal(TokenKind.RECEIPT, payload), sealer.seal(TokenKind.PAGE, payload), altered):
        with pytest.raises(ServiceError) as refused:
            receipts.parse(sealer, b"\0" * 7 + b"\1", 0, handle)
        assert refused.value.row.code == "ReceiptHandleIsInvalid"

    assert receipts.parse(sealer, b"\0" * 8, 5, good) == receipts.Receipt(5, 1, 2, 3, b"t" * 16)
