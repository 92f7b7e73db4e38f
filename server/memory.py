"""What becomes of memory that was freed: the C library keeps some of it, instead of giving each megabyte back at once.

Every megabyte of a body passes through blocks that live for a moment. By default glibc maps such a block afresh and
unmaps it again, and the kernel clears 256 pages in between: a fifth of a download's CPU. Knows nothing else.
"""

import ctypes

KEPT_BYTES_MAX = 32 * 1024 * 1024
"""Freed memory that stays with the process."""
MAPPED_ALONE_BYTES_MIN = 8 * 1024 * 1024
"""Blocks of this size and more come straight from the kernel: twice the largest gRPC message."""
GROWTH_BYTES = 4 * 1024 * 1024
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
"""The names of glibc's malloc.h."""


def keep_freed_memory() -> None:
    """Tell the C library; does nothing where it is not glibc."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return
    for option, size_bytes in (
        (_TRIM_THRESHOLD, KEPT_BYTES_MAX),
        (_TOP_PAD, GROWTH_BYTES),
        (_MMAP_THRESHOLD, MAPPED_ALONE_BYTES_MIN),
    ):
        mallopt(option, size_bytes)
