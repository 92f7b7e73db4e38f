"""The system calls that a sandboxed job may not make: a program for the kernel's filter (seccomp(2)), built by hand.

Owns the list and the few instructions it takes. A denied call fails with EPERM, as it does for a user without the
right. Denied is what a job has no use for and what has let programs out of sandboxes: mounts and namespaces, kernel
keys, tracing, loading code into the kernel, whole interfaces that are young and wide. What is denied because of its
flags is `clone` with a new namespace; `clone3`, whose flags a filter cannot see, is reported as missing, so that the
C library takes `clone`. Knows nothing of bubblewrap, which installs the program as its last act.
"""

import platform
import struct

from msgspec import Struct

_LOAD, _JUMP_EQUAL, _JUMP_GREATER_OR_EQUAL, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _PROCESSOR_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
"""Offsets in `struct seccomp_data`; the argument's lower half on a little-endian processor."""
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_NEW_NAMESPACES = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET; NEWTIME is clone3's and unshare's alone."""
_X32_BIT = 0x40000000


class _Processor(Struct, frozen=True):
    audit: int
    """AUDIT_ARCH_*: which table of calls the number belongs to."""
    column: int
    """Of `_DENIED`."""
    clone: int
    has_x32: bool = False


_PROCESSORS = {"x86_64": _Processor(0xC000003E, 0, 56, has_x32=True), "aarch64": _Processor(0xC00000B7, 1, 220)}
_CLONE3 = 435
_DENIED: dict[str, tuple[int, int]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioperm": (173, -1),
    "iopl": (172, -1),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "lookup_dcookie": (212, 18),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
}
"""Numbers of x86_64 and of aarch64, -1 where there is no such call."""


def denied(machine: str = "") -> dict[str, int]:
    """Return the numbers of the calls that are denied whatever their arguments; empty for an unknown processor."""
    processor = _PROCESSORS.get(machine or platform.machine())
    if processor is None:
        return {}
    return {name: numbers[processor.column] for name, numbers in _DENIED.items() if numbers[processor.column] >= 0}


def program(machine: str = "") -> bytes:
    """Return the filter as an array of `struct sock_filter`; empty for a processor whose calls are not known here."""
    processor = _PROCESSORS.get(machine or platform.machine())
    if processor is None:
        return b""
    # Jumps are relative and name the ends by their distance, which is known once all tests stand.
    tests: list[tuple[int, int, str]] = [(_JUMP_EQUAL, _CLONE3, "missing")]
    if processor.has_x32:
        tests.insert(0, (_JUMP_GREATER_OR_EQUAL, _X32_BIT, "refuse"))
    tests += [(_JUMP_EQUAL, number, "refuse") for number in denied(machine).values()]
    ends = {"allow": _ALLOW, "refuse": _ERROR | _EPERM, "missing": _ERROR | _ENOSYS, "kill": _KILL}
    last = 3 + len(tests) + 3
    at = {name: last + place for place, name in enumerate(ends)}
    lines = [
        (_LOAD, 0, 0, _PROCESSOR_AT),
        # Calls by another processor's table (32-bit programs) have other numbers.
        (_JUMP_EQUAL, 0, at["kill"] - 2, processor.audit),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    for place, (test, value, end) in enumerate(tests, len(lines)):
        lines.append((test, at[end] - place - 1, 0, value))
    lines += [
        (_JUMP_EQUAL, 0, 2, processor.clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        (_JUMP_ANY_BIT, 1, 0, _NEW_NAMESPACES),
        *((_RETURN, 0, 0, value) for value in ends.values()),
    ]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
