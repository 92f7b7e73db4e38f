"""Which bytes of an object a read is about: all, a range, or one of its parts."""

from cumulo.object_store import keys, object_model
from cumulo.object_store.errors import INVALID_ARGUMENT, INVALID_PART_NUMBER, INVALID_RANGE, INVALID_REQUEST
from cumulo.object_store.keys import ObjectRecord, PartRecord
from cumulo.object_store.naming import check_part_number
from cumulo.storage.engine import Row


def check_asked(asked: object_model.ByteRange | None, part_number: int) -> None:
    """Raise `InvalidArgument` or `InvalidRequest` for what could be asked of no object."""
    if asked is not None and asked.last is not None and not 0 <= asked.first <= asked.last:
        raise INVALID_ARGUMENT.error(
            parameter="range", value=f"{asked.first}-{asked.last}", allowed="the last byte is not before the first"
        )
    if part_number:
        check_part_number(part_number)
        if asked is not None:
            raise INVALID_REQUEST.error(reason="Cannot specify both Range header and partNumber query parameter")


def resolve_range(size_bytes: int, asked: object_model.ByteRange | None) -> tuple[int, int]:
    """Return the offsets of a range's first byte and of the byte behind its last; raises `InvalidRange`."""
    if asked is None:
        return 0, size_bytes
    if asked.first < 0:
        if not size_bytes:
            raise INVALID_RANGE.error(range=str(asked.first), size=size_bytes)
        return max(0, size_bytes + asked.first), size_bytes
    if asked.first >= size_bytes:
        raise INVALID_RANGE.error(range=f"{asked.first}-", size=size_bytes)
    return asked.first, size_bytes if asked.last is None else min(asked.last + 1, size_bytes)


def resolve_part(record: ObjectRecord, manifest: tuple[Row, ...], part_number: int) -> tuple[int, int]:
    """Return the offsets of a part, as `resolve_range`; raises `InvalidPartNumber`.

    An object that was stored whole has one part.
    """
    if not record.part_count and part_number == 1:
        return 0, record.size_bytes
    found = find_part(manifest, part_number)
    if found is None:
        raise INVALID_PART_NUMBER.error(part_number=part_number, count=record.part_count or 1)
    part, offset = found
    return offset, offset + part.size_bytes


def find_part(manifest: tuple[Row, ...], part_number: int) -> tuple[PartRecord, int] | None:
    """Return a part of an object, and the offset of its first byte."""
    for row_key, value in manifest:
        offset = int.from_bytes(row_key[-8:], "big")
        for part in keys.decode_parts(value).parts:
            if part.number == part_number:
                return part, offset
            offset += part.size_bytes
    return None
