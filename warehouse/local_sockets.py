"""Sockets between processes of one user on one machine. Light to import: the shortest way to an answer goes through."""

from __future__ import annotations

import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST_PATH = 100  # of a unix socket, by every system's limit


@contextmanager
def listening(path: Path, tick_seconds: float) -> Iterator[socket.socket]:
    """Whoever listens holds a lock, so what lies at this path is nobody's: it is left over from one that was killed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, reachable(path) as name:
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            listener.bind(name)
        finally:
            os.umask(before)
        listener.listen(16)
        listener.settimeout(tick_seconds)
        yield listener


@contextmanager
def reachable(path: Path) -> Iterator[str]:
    """A name of the socket that is short enough: the system takes about a hundred characters."""
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def peer_of(connection: socket.socket) -> int:
    """The user at the other end; of a system that does not tell it, the permissions of the folder must do."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return os.geteuid()
    _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i")))
    return int(user)


def is_ours(path: Path) -> bool:
    """A socket of our own in a folder of our own, which nobody else may write to."""
    try:
        about, around = path.lstat(), path.parent.stat()
    except OSError:
        return False
    return (
        stat.S_ISSOCK(about.st_mode)
        and about.st_uid == around.st_uid == os.geteuid()
        and not around.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    )


def is_still(path: Path, inode: int) -> bool:
    try:
        return path.stat().st_ino == inode
    except OSError:
        return False


def answers(path: Path) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, reachable(path) as name:
            connection.connect(name)
    except OSError:
        return False
    return True
