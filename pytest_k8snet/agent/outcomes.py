"""How an attempt ended: the words of `Outcome` in the model, and which errno or ICMP message means which."""

from __future__ import annotations

import errno

REACHED = "reached"
TIMEOUT = "timeout"
REFUSED = "refused"
HOST_UNREACHABLE = "host-unreachable"
NET_UNREACHABLE = "net-unreachable"
PROHIBITED = "prohibited"
TOO_BIG = "too-big"
RESET = "reset"
WRONG_PEER = "wrong-peer"
TLS_ERROR = "tls-error"
DAMAGED = "damaged"
NAME_ERROR = "name-error"
NAME_FAILURE = "name-failure"
TRUNCATED = "truncated"
PROBE_ERROR = "probe-error"

_BY_ERRNO = {
    errno.ECONNREFUSED: REFUSED,
    errno.ENOPROTOOPT: REFUSED,  # ICMP protocol unreachable
    errno.EPROTO: REFUSED,
    errno.EHOSTUNREACH: HOST_UNREACHABLE,
    errno.EHOSTDOWN: HOST_UNREACHABLE,
    errno.ENONET: HOST_UNREACHABLE,
    errno.ENETUNREACH: NET_UNREACHABLE,
    errno.ENETDOWN: NET_UNREACHABLE,
    errno.EINVAL: NET_UNREACHABLE,  # what a blackhole route answers
    errno.EACCES: PROHIBITED,
    errno.EPERM: PROHIBITED,
    errno.EMSGSIZE: TOO_BIG,
    errno.ECONNRESET: RESET,
    errno.EPIPE: RESET,
    errno.ETIMEDOUT: TIMEOUT,
}

# Destination unreachable, RFC 792 and RFC 1812 section 5.2.7.1.
_UNREACHABLE_V4 = {
    0: NET_UNREACHABLE, 1: HOST_UNREACHABLE, 2: REFUSED, 3: REFUSED, 4: TOO_BIG, 5: HOST_UNREACHABLE, 6: NET_UNREACHABLE,
    7: HOST_UNREACHABLE, 9: PROHIBITED, 10: PROHIBITED, 11: NET_UNREACHABLE, 12: HOST_UNREACHABLE, 13: PROHIBITED,
}  # fmt: skip
# RFC 4443 section 3.1.
_UNREACHABLE_V6 = {0: NET_UNREACHABLE, 1: PROHIBITED, 3: HOST_UNREACHABLE, 4: REFUSED, 5: PROHIBITED, 6: PROHIBITED}


def of_errno(number: int) -> str:
    """Outcome of a system call that failed on a socket. What says nothing about the network is a probe error."""
    return _BY_ERRNO.get(number, PROBE_ERROR)


def of_icmp(kind: int, code: int, version: int) -> str | None:
    """Outcome of an ICMP (version 4) or ICMPv6 (version 6) error, or None when it is no error of a path."""
    if version == 4:
        return {3: _UNREACHABLE_V4.get(code), 11: HOST_UNREACHABLE, 12: HOST_UNREACHABLE}.get(kind)
    return {1: _UNREACHABLE_V6.get(code), 2: TOO_BIG, 3: HOST_UNREACHABLE, 4: HOST_UNREACHABLE}.get(kind)
