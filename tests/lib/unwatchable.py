"""Run a command for which the kernel has no room to watch one descriptor: epoll_ctl(2) says ENOSPC.

Usage: unwatchable.py DESCRIPTOR COMMAND [ARGUMENT]...
"""
import ctypes
import errno
import os
import platform
import struct
import sys

EPOLL_CTL = {'x86_64': 233, 'aarch64': 21}[platform.machine()]
NUMBER, DESCRIPTOR = 0, 32  # offsets in struct seccomp_data: nr, args[2]
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # linux/bpf_common.h
ALLOW, ERRNO = 0x7FFF0000, 0x00050000  # linux/seccomp.h
NO_NEW_PRIVS, SET_SECCOMP, FILTER = 38, 22, 2  # linux/prctl.h

rules = [
    (LOAD, 0, 0, NUMBER),
    (EQUAL, 0, 3, EPOLL_CTL),
    (LOAD, 0, 0, DESCRIPTOR),
    (EQUAL, 0, 1, int(sys.argv[1])),
    (RETURN, 0, 0, ERRNO | errno.ENOSPC),
    (RETURN, 0, 0, ALLOW),
]
code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *rule) for rule in rules))
program = ctypes.create_string_buffer(struct.pack('HP', len(rules), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
for arguments in ((NO_NEW_PRIVS, 1, 0, 0, 0), (SET_SECCOMP, FILTER, ctypes.addressof(program), 0, 0)):
    if libc.prctl(*(ctypes.c_ulong(argument) for argument in arguments)):
        raise OSError(ctypes.get_errno(), 'prctl')
os.execvp(sys.argv[2], sys.argv[2:])
