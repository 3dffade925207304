"""Names in an X.509 certificate (RFC 5280), read from DER without verifying anything."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

SUBJECT_ALT_NAME = bytes((0x55, 0x1D, 0x11))  # 2.5.29.17
ATTRIBUTES = {bytes((0x55, 4, 3)): "CN", bytes((0x55, 4, 6)): "C", bytes((0x55, 4, 10)): "O", bytes((0x55, 4, 11)): "OU"}
DNS_NAME, IP_ADDRESS = 0x82, 0x87  # context tags of GeneralName


def parse(der: bytes) -> dict[str, Any]:
    """{"sans": [names and addresses], "issuer": "O=…,CN=…"}; nothing is there when the bytes are no certificate."""
    try:
        fields = _children(_children(_children(der)[0][1])[0][1])
        fields = fields[1:] if fields[0][0] == 0xA0 else fields  # without [0] version
        return {"sans": list(_alternative_names(fields)), "issuer": _name(fields[2][1])}
    except (IndexError, ValueError):
        return {"sans": [], "issuer": ""}


def _children(data: bytes) -> list[tuple[int, bytes]]:
    """(tag, content) of each element in `data`. Raises ValueError when one reaches over the end."""
    found, position = [], 0
    while position < len(data):
        tag, start, end = _element(data, position)
        found.append((tag, data[start:end]))
        position = end
    return found


def _element(data: bytes, position: int) -> tuple[int, int, int]:
    tag, length, start = data[position], data[position + 1], position + 2
    if length & 0x80:
        count = length & 0x7F
        length, start = int.from_bytes(data[start : start + count], "big"), start + count
    if start + length > len(data):
        raise ValueError("DER element reaches over the end")
    return tag, start, start + length


def _alternative_names(fields: list[tuple[int, bytes]]) -> Iterator[str]:
    extensions = next((content for tag, content in fields if tag == 0xA3), b"")
    for _, extension in _children(_children(extensions)[0][1]) if extensions else []:
        parts = _children(extension)
        if parts[0][1] == SUBJECT_ALT_NAME:
            yield from map(_general_name, _children(_children(parts[-1][1])[0][1]))


def _general_name(element: tuple[int, bytes]) -> str:
    tag, content = element
    if tag == IP_ADDRESS:
        return str(ipaddress.ip_address(content))
    return content.decode("ascii", "replace") if tag == DNS_NAME else f"[{tag & 0x1F}]"


def _name(content: bytes) -> str:
    pairs = []
    for _, relative in _children(content):
        for _, attribute in _children(relative):
            (_, kind), (_, value) = _children(attribute)
            pairs.append(f"{ATTRIBUTES.get(kind, kind.hex())}={value.decode('utf-8', 'replace')}")
    return ",".join(pairs)
