"""Cuts processes off from the network, as far as the system lets a user do that. No TensorFlow."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # CLONE_NEWUSER and CLONE_NEWNET in linux/sched.h
_GET_FLAGS, _SET_FLAGS = 0x8913, 0x8914  # SIOCGIFFLAGS and SIOCSIFFLAGS in linux/sockios.h
_UP = 1  # IFF_UP in linux/if.h
_REQUEST = struct.Struct("16sH22x")  # struct ifreq: the name of a device, and its flags


def obstacle_to_isolation() -> str:
    """Why `isolate` would fail here; empty if it would not. A process of its own tries it, as some systems refuse only
    the last of its steps."""
    if not sys.platform.startswith("linux"):
        return "only Linux has network namespaces"
    end, other_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            isolate()
        except BaseException as error:
            os.write(other_end, (getattr(error, "strerror", None) or repr(error)).encode())
        os._exit(0)
    os.close(other_end)
    with os.fdopen(end) as answer:
        reason = answer.read()
    os.waitpid(pid, 0)
    return reason


def isolate() -> None:
    """Moves this process, and all that it starts from now on, into a network of their own, which has a loopback device
    and nothing else: they reach each other, and neither can reach other machines nor be reached by other processes.

    The process must have one thread. Its user and its rights to files stay as they are.

    Raises:
        OSError: the system does not allow it. The process may then be cut off without a loopback device; see
            `obstacle_to_isolation`.
    """
    user, group = os.geteuid(), os.getegid()
    try:
        _unshare(_NEW_NETWORK)
    except PermissionError:
        if user == 0:  # who would lose the rights to other users' files
            raise
        _unshare(_NEW_USER | _NEW_NETWORK)
        for name, line in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(line)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        answer = fcntl.ioctl(any_socket, _GET_FLAGS, _REQUEST.pack(b"lo", 0))
        fcntl.ioctl(any_socket, _SET_FLAGS, _REQUEST.pack(b"lo", _REQUEST.unpack(answer)[1] | _UP))


def _unshare(namespaces: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)  # Python 3.12 has os.unshare
    if libc.unshare(namespaces) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
