"""TTL and MSS of a saved SYN."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.agent.echo.headers import parse_syn


def tcp(options: bytes) -> bytes:
    options += b"\0" * (-len(options) % 4)
    return struct.pack("!HHIIBBHHH", 1, 2, 3, 0, (20 + len(options)) // 4 << 4, 2, 4, 5, 6) + options


def ipv4(payload: bytes, ttl: int = 63, options: bytes = b"") -> bytes:
    return bytes([0x40 | (20 + len(options)) // 4, 0, 0, 0, 0, 0, 0, 0, ttl, 6, 0, 0]) + bytes(8) + options + payload


MSS = b"\x02\x04\x05\xb4"


@pytest.mark.parametrize(
    ("packet", "ttl", "mss"),
    [
        (ipv4(tcp(MSS)), 63, 1460),
        (ipv4(tcp(b"\x01\x04\x02" + MSS), ttl=1), 1, 1460),
        (ipv4(tcp(MSS), options=b"\x01" * 4), 63, 1460),
        (ipv4(tcp(b"\x00" + MSS)), 63, None),
        (ipv4(tcp(b"\x04\x00" + MSS)), 63, None),
        (bytes([0x60, 0, 0, 0, 0, 0, 6, 62]) + bytes(32) + tcp(MSS), 62, 1460),
        (bytes([0x60, 0, 0, 0, 0, 0, 0, 62]) + bytes(32) + tcp(MSS), 62, None),
        (b"", None, None),
    ],
)
def test_syn(packet: bytes, ttl: int | None, mss: int | None):
    assert parse_syn(packet) == {"ttl": ttl, "mss": mss}


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(packet: bytes):
    assert set(parse_syn(packet)) == {"ttl", "mss"}
