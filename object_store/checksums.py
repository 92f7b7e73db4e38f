"""S3's checksums of objects in parts: which type an upload has, what its parts must bring, how they make the whole.

Promises: a full object's checksum is joined from its parts' without reading a byte; a composite one is the digest of
the parts' digests, which S3 writes with the number of parts behind it. Source: S3 user guide, "Checking object
integrity for data uploads in Amazon S3".
"""

from collections.abc import Collection, Mapping, Sequence

from cumulo.object_store.body_model import CHECKSUMS, COMPOSITE, FULL_OBJECT
from cumulo.object_store.errors import (
    BAD_CHECKSUM,
    BAD_PART_CHECKSUM,
    INVALID_CHECKSUM_VALUE,
    INVALID_PART,
    INVALID_REQUEST,
)
from cumulo.object_store.keys import PartRecord, UploadRecord
from cumulo.object_store.upload_model import CompletedPart
from cumulo.storage import digests

OWN = "crc64nvme"
"""The checksum that every object and part has, whatever its sender chose."""
LINEAR = ("crc32", "crc32c", "crc64nvme")
"""What can be joined; a hash cannot."""


def check_algorithm(name: str) -> None:
    """Raise `InvalidRequest` for an algorithm that S3 does not know; an empty name is none."""
    if name and name not in CHECKSUMS:
        raise INVALID_REQUEST.error(
            reason="Checksum algorithm provided is unsupported. Please try again with any of "
            f"the valid types: [{', '.join(CHECKSUMS).upper()}]"
        )


def check_type(asked: str) -> None:
    """Raise `InvalidRequest` for a type of checksums that S3 does not know; an empty text is none."""
    if asked not in ("", COMPOSITE, FULL_OBJECT):
        raise INVALID_CHECKSUM_VALUE.error(header="x-amz-checksum-type", place="header")


def upload_type(name: str, asked: str) -> str:
    """Return the type of an upload's checksums; raises `InvalidRequest` for one that its algorithm cannot have."""
    check_algorithm(name)
    check_type(asked)
    if not name:
        if asked:
            raise INVALID_REQUEST.error(
                reason="The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
            )
        return FULL_OBJECT
    if (asked == COMPOSITE and name == OWN) or (asked == FULL_OBJECT and name not in LINEAR):
        raise INVALID_REQUEST.error(
            reason=f"The {asked} checksum type cannot be used with the {name} checksum algorithm."
        )
    return asked or (FULL_OBJECT if name == OWN else COMPOSITE)


def check_part(upload: UploadRecord, given: Collection[str]) -> None:
    """Raise `InvalidRequest` where a part does not bring (`given`, names) the checksum of its upload but another one,
    or none where the parts' checksums make the object's. An upload without an algorithm takes any.
    """
    name = upload.checksum
    if not name or name in given or not (given or upload.is_composite):
        return
    raise INVALID_REQUEST.error(
        reason=f"Checksum Type mismatch occurred, expected checksum Type: {name}, "
        f"actual checksum Type: {next(iter(given), 'null')}"
    )


def check_completed(
    upload: UploadRecord, chosen: Sequence[PartRecord], wanted: Sequence[CompletedPart], *, etags_suffice: bool = False
) -> None:
    """Raise `InvalidRequest`, `BadDigest` or `InvalidPart` where a completion's list lacks its parts' checksums, unless
    `etags_suffice`, has them of another algorithm, or gives others.
    """
    for part, said in zip(chosen, wanted, strict=True):
        if upload.is_composite and not etags_suffice and upload.checksum not in said.checksums:
            raise INVALID_REQUEST.error(
                reason=f"The upload was created using a {upload.checksum} checksum. The complete request must include "
                f"the checksum for each part. It was missing for part {part.number} in the request."
            )
        stored = part_checksums(upload.checksum, part)
        for name, value in said.checksums.items():
            if name not in stored:
                raise BAD_PART_CHECKSUM.error(digest=name, number=part.number)
            if stored[name] != value:
                raise INVALID_PART.error(part_number=part.number, etag=said.etag)


def check_whole(upload: UploadRecord, found: Mapping[str, bytes], said: Mapping[str, bytes], said_type: str) -> None:
    """Raise `InvalidRequest` or `BadDigest` where a completion promised another checksum of the whole object."""
    check_type(said_type)
    kind = COMPOSITE if upload.is_composite else FULL_OBJECT
    if said_type not in ("", kind):
        raise INVALID_REQUEST.error(
            reason=f"The upload was created using the {kind} checksum mode. The complete request must use the same "
            "checksum mode."
        )
    for name, value in said.items():
        if name not in found:
            raise INVALID_REQUEST.error(
                reason=f"The upload was created using the {upload.checksum or OWN} checksum. The complete request must "
                "use the same checksum."
            )
        if found[name] != value:
            raise BAD_CHECKSUM.error(digest=name.upper(), calculated=found[name].hex())


def of_parts(upload: UploadRecord, parts: Sequence[PartRecord]) -> tuple[int, dict[str, bytes]]:
    """Return the CRC64NVME of an object in parts, and the checksum that its upload chose, if it is another one."""
    crc = joined(OWN, [(part.crc64nvme, part.size_bytes) for part in parts])
    name = upload.checksum
    if name in ("", OWN):
        return crc, {}
    if upload.is_composite:
        digester = digests.Digester((name,))
        digester.update(b"".join(part.checksum for part in parts))
        return crc, digester.finish()
    values = [(int.from_bytes(part.checksum, "big"), part.size_bytes) for part in parts]
    return crc, {name: digests.crc_bytes(name, joined(name, values))}


def joined(name: str, stretches: Sequence[tuple[int, int]]) -> int:
    """Return the CRC of stretches joined, from the CRC and the length of each; there is at least one."""
    value = stretches[0][0]
    for after, size_bytes in stretches[1:]:
        value = digests.combine(name, value, after, size_bytes)
    return value


def part_checksums(name: str, part: PartRecord) -> dict[str, bytes]:
    """Return the checksums of a part by name: its own, and that of its upload's algorithm."""
    own = {OWN: digests.crc_bytes(OWN, part.crc64nvme)}
    return own | {name: part.checksum} if part.checksum and name not in ("", OWN) else own
