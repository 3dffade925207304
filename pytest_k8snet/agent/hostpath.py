"""Paths below /host, where the node's root is mounted: an absolute symbolic link there means the node's root, not the container's."""

from __future__ import annotations

import errno
import fnmatch
import os

HOST = "/host"
LINK_LIMIT = 40  # as the kernel


def matches(pattern: str, host: str = HOST) -> list[str]:
    """Existing paths of a pattern, sorted; directories on the way are resolved inside their root. Without wildcards: the path itself."""
    if not any(character in pattern for character in "*?["):
        return [pattern]
    found = ["/"]
    for part in pattern.strip("/").split("/"):
        found = [os.path.join(base, name) for base in found for name in _names(base, part, host)]
    return sorted(found)


def _names(base: str, part: str, host: str) -> list[str]:
    if not any(character in part for character in "*?["):
        return [part]
    try:
        names = os.listdir(resolve(base, host))
    except OSError:
        return []
    return [name for name in fnmatch.filter(names, part) if not name.startswith(".") or part.startswith(".")]


def resolve(path: str, host: str = HOST) -> str:
    """The same file without symbolic links. Links of paths below `host` stay below it. Raises OSError for a loop of links."""
    root = host if path == host or path.startswith(host + "/") else ""
    waiting = [part for part in path[len(root) :].split("/") if part][::-1]
    done: list[str] = []
    links = 0
    while waiting:
        part = waiting.pop()
        if part in (".", ".."):
            del done[len(done) - (part == "..") :]
            continue
        here = root + "/" + "/".join([*done, part])
        target = _link(here)
        if target is None:
            done.append(part)
            continue
        links += 1
        if links > LINK_LIMIT:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        done = [] if target.startswith("/") else done
        waiting += [piece for piece in target.split("/") if piece][::-1]
    return root + "/" + "/".join(done)


def _link(path: str) -> str | None:
    # /proc links such as /proc/self are relative; magic ones (/proc/1/root) would leave the root: they are not followed
    if path.startswith("/proc/"):
        return None
    try:
        return os.readlink(path)
    except OSError:
        return None
