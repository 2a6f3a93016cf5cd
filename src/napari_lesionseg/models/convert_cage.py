"""Lock the process one is in: it can still compute, read what it holds open and answer; nothing else.

A system-call filter (seccomp, an allow list) is what makes it so, see ``docs/decisions/0009-foreign-models.md``.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import sys
from collections.abc import Callable

# Number of each call that a locked process may make: (x86-64, ARM64), from the kernel's tables. No call that opens,
# creates, renames or removes a file, none that makes a socket, a process or a thread, none that sends a signal.
_ALLOWED = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "exit": (60, 93),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "futex": (202, 98),
    "sched_getaffinity": (204, 123),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "exit_group": (231, 94),
    "getrandom": (318, 278),
}
# Column of the table, the kernel's name of the machine (AUDIT_ARCH_…), and the number of the call seccomp itself.
_MACHINES = {"x86_64": (0, 0xC000003E, 317), "aarch64": (1, 0xC00000B7, 277)}

_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF: absolute load of a word, compare, return
_OFFSET_OF_CALL, _OFFSET_OF_MACHINE = 0, 4  # struct seccomp_data
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
_NO_NEW_PRIVILEGES, _DIE_WITH_PARENT, _KILL = 38, 1, 9  # prctl
_SET_FILTER, _ALL_THREADS = 1, 1  # seccomp

CPU_SECONDS = 60


class NoCage(Exception):
    """The system cannot lock a process, or did not."""


def can_lock() -> bool:
    """Whether this kind of system can lock a process; whether it does shows only when it is asked to."""
    return sys.platform == "linux" and platform.machine() in _MACHINES and sys.maxsize > 2**32


def lock(memory: int, answer: int) -> None:
    """Lock this process for good, with ``memory`` more bytes than it has now and files of at most ``answer`` bytes.

    Raises
    ------
    NoCage
        If the system cannot do it, or if something that should be refused is not.
    """
    if not can_lock():
        raise NoCage("no filter for system calls here")
    try:
        _limit(memory, answer)
        _filter()
    except (OSError, ValueError, KeyError) as error:
        raise NoCage(str(error)) from error
    _try_the_bars()


def _limit(memory: int, answer: int) -> None:
    import resource  # Not on Windows.

    with open("/proc/self/status", encoding="ascii") as file:
        held = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in file if line.startswith("Vm")}
    limits = {
        resource.RLIMIT_AS: held["VmSize"] + memory,
        resource.RLIMIT_DATA: held["VmData"] + memory,
        resource.RLIMIT_FSIZE: answer,
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_NOFILE: 0,
    }
    for limit, value in limits.items():
        hard = resource.getrlimit(limit)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))


class _Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("k", ctypes.c_uint32)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction))]


def _filter() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    column, machine, seccomp = _MACHINES[platform.machine()]
    calls = [numbers[column] for numbers in _ALLOWED.values()]
    instructions = [
        _Instruction(_LOAD, 0, 0, _OFFSET_OF_MACHINE),
        _Instruction(_JUMP_IF_EQUAL, 0, len(calls) + 1, machine),  # Calls of another machine's numbering: refused.
        _Instruction(_LOAD, 0, 0, _OFFSET_OF_CALL),
        *(_Instruction(_JUMP_IF_EQUAL, len(calls) - place, 0, call) for place, call in enumerate(calls)),
        _Instruction(_RETURN, 0, 0, _REFUSE),
        _Instruction(_RETURN, 0, 0, _ALLOW),
    ]
    program = _Program(len(instructions), (_Instruction * len(instructions))(*instructions))
    refused = libc.prctl(_DIE_WITH_PARENT, _KILL, 0, 0, 0) or libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    # Not 0 either where a thread cannot be locked: it is told by its number.
    if refused or libc.syscall(seccomp, _SET_FILTER, _ALL_THREADS, ctypes.byref(program)):
        raise OSError(ctypes.get_errno(), "the system refused to lock a process")


def _try_the_bars() -> None:
    """What a filter that is not in force would let pass."""
    attempts: dict[str, Callable[[], object]] = {
        "opened a file": lambda: os.open(os.devnull, os.O_RDONLY),
        "made a socket": socket.socket,
        "made a process": lambda: os.fork() or os._exit(0),
    }
    for what, attempt in attempts.items():
        try:
            attempt()
        except OSError:
            continue
        raise NoCage(f"a locked process {what}")
