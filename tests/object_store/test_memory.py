"""Bodies of any size pass through bounded memory."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cumulo.object_store import copy_model, object_model

MIB = 1024 * 1024


def test_64_mib_go_in_out_and_across_in_a_few_mib_of_memory(stand_in: Any, tmp_path: Path) -> None:
    async def whole() -> tuple[int, int, int]:
        stand = stand_in(tmp_path, durable=False)
        await stand.open()
        await stand.make()
        await stand.put("warm", bytes(2 * MIB))
        await stand.get("warm")

        async def body() -> AsyncIterator[memoryview]:
            piece = bytearray(MIB)
            for n in range(64):
                piece[:4] = n.to_bytes(4, "big")
                yield memoryview(piece)

        tracemalloc.start()
        await stand.call("PutObject", object_model.PutObject(bucket="inbox", key="k"), body())
        put_peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        result = await stand.service.call(stand.ctx, "GetObject", object_model.GetObject(bucket="inbox", key="k"))
        size = 0
        async for piece in result.body:
            assert piece[:4] == (size // MIB).to_bytes(4, "big")
            size += len(piece)
        get_peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        copy = copy_model.CopyObject(bucket="inbox", key="copy", source=copy_model.CopySource("inbox", "k"))
        await stand.call("CopyObject", copy)
        copy_peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        await stand.close()
        assert size == 64 * MIB
        return put_peak, get_peak, copy_peak

    put_peak, get_peak, copy_peak = asyncio.run(whole())

    assert put_peak < 5 * MIB
    assert get_peak < 5 * MIB
    assert copy_peak < 5 * MIB


@pytest.mark.parametrize("piece_bytes", [1, 1000])
def test_small_pieces_are_no_other_body(run: Any, pieces: Any, piece_bytes: int) -> None:
    async def scenario(stand: Any) -> None:
        data = bytes(range(256)) * (300 * piece_bytes)
        cut = [data[at : at + piece_bytes] for at in range(0, len(data), piece_bytes)]

        await stand.call("PutObject", object_model.PutObject(bucket="inbox", key="k"), pieces(cut))

        assert await stand.get("k") == data

    run(scenario)
