"""CRC-64/NVME, the checksum that covers objects on their way; awscrt's, 50 GB/s."""

from cumulo.core.lazy import LazyModule

_checksums = LazyModule("awscrt.checksums")


def crc64nvme(data: bytes | bytearray | memoryview, previous: int = 0) -> int:
    """Return the checksum of `data` behind bytes whose checksum is `previous`."""
    crc: int = _checksums.crc64nvme(data, previous)
    return crc
