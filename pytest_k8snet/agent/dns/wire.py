"""DNS messages, RFC 1035 section 4, with EDNS(0), RFC 6891. Anything malformed raises BadMessage, never something else."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import Any

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "TXT": 16, "AAAA": 28, "SRV": 33, "OPT": 41}
NAMES_OF_TYPES = {number: name for name, number in TYPES.items()}
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
CLASS_IN = 1
RESPONSE, TRUNCATED, RECURSION_DESIRED, AUTHORITATIVE = 0x8000, 0x0200, 0x0100, 0x0400
NAME_LIMIT = 255


class BadMessage(ValueError):
    """Not a DNS message, or a name that cannot be one."""


@dataclass(frozen=True)
class Record:
    """One resource record; `data` is an address, a name, or hex for types we do not read."""

    name: str
    type: str
    ttl: int
    data: str


@dataclass(frozen=True)
class Message:
    """Names end with a dot. `answers` is the answer section only."""

    id: int
    flags: int
    question: tuple[str, str] | None
    answers: tuple[Record, ...]

    @property
    def rcode(self) -> str:
        """For example NOERROR or NXDOMAIN."""
        return RCODES.get(self.flags & 15, f"RCODE{self.flags & 15}")

    @property
    def truncated(self) -> bool:
        """The TC bit."""
        return bool(self.flags & TRUNCATED)

    @property
    def response(self) -> bool:
        """The QR bit."""
        return bool(self.flags & RESPONSE)

    def addresses(self, kind: str) -> list[str]:
        """Data of the answers of one type."""
        return [record.data for record in self.answers if record.type == kind]


def encode_name(name: str) -> bytes:
    """Labels without compression. Raises BadMessage for empty or overlong labels."""
    encoded = b""
    for label in name.rstrip(".").split(".") if name.rstrip(".") else []:
        try:
            raw = label.encode("ascii")
        except UnicodeEncodeError:
            raise BadMessage(f"name {name!r} is not ASCII") from None
        if not 1 <= len(raw) <= 63:
            raise BadMessage(f"name {name!r} has a label of {len(raw)} bytes")
        encoded += bytes([len(raw)]) + raw
    if len(encoded) + 1 > NAME_LIMIT:
        raise BadMessage(f"name {name!r} is longer than {NAME_LIMIT} bytes")
    return encoded + b"\0"


def query(ident: int, name: str, kind: str, edns: int = 0) -> bytes:
    """A recursive question; `edns` = UDP size to announce, 0 = no OPT record."""
    if kind not in TYPES:
        raise BadMessage(f"type {kind!r} is none of {', '.join(TYPES)}")
    head = struct.pack("!6H", ident, RECURSION_DESIRED, 1, 0, 0, int(bool(edns)))
    option = b"\0" + struct.pack("!HHIH", TYPES["OPT"], edns, 0, 0) if edns else b""
    return head + encode_name(name) + struct.pack("!HH", TYPES[kind], CLASS_IN) + option


def reply(asked: Message, rcode: int, addresses: list[str], truncated: bool = False) -> bytes:
    """An authoritative answer to a question, with A or AAAA records of its name."""
    name, kind = asked.question or (".", "A")
    flags = RESPONSE | AUTHORITATIVE | (asked.flags & RECURSION_DESIRED) | (TRUNCATED if truncated else 0) | rcode
    head = struct.pack("!6H", asked.id, flags, 1, len(addresses), 0, 0)
    packed = [socket.inet_pton(socket.AF_INET6 if ":" in a else socket.AF_INET, a) for a in addresses]
    records = b"".join(struct.pack("!HHHIH", 0xC00C, TYPES[kind], CLASS_IN, 5, len(p)) + p for p in packed)
    return head + encode_name(name) + struct.pack("!HH", _number_of(kind), CLASS_IN) + records


def _number_of(kind: str) -> int:
    return TYPES[kind] if kind in TYPES else int(kind[len("TYPE") :])


def parse(data: bytes) -> Message:
    """The message in `data`. Raises BadMessage."""
    try:
        ident, flags, questions, answers, _, _ = struct.unpack_from("!6H", data)
        position, question = 12, None
        for _ in range(questions):
            name, position = _name(data, position)
            kind, _ = struct.unpack_from("!HH", data, position)
            position += 4
            question = question or (name, _type_name(kind))
        records = []
        for _ in range(answers):
            record, position = _record(data, position)
            records.append(record)
    except (struct.error, IndexError) as error:
        raise BadMessage(f"message of {len(data)} bytes ends too early ({error})") from None
    return Message(ident, flags, question, tuple(records))


def _type_name(number: int) -> str:
    return NAMES_OF_TYPES.get(number, f"TYPE{number}")


def _record(data: bytes, position: int) -> tuple[Record, int]:
    name, position = _name(data, position)
    kind, _, ttl, length = struct.unpack_from("!HHIH", data, position)
    start, end = position + 10, position + 10 + length
    if end > len(data):
        raise BadMessage("a record reaches over the end of the message")
    return Record(name, _type_name(kind), ttl, _data(data, kind, start, end)), end


def _data(data: bytes, kind: int, start: int, end: int) -> str:
    length = end - start
    if kind == TYPES["A"] and length == 4:
        return socket.inet_ntop(socket.AF_INET, data[start:end])
    if kind == TYPES["AAAA"] and length == 16:
        return socket.inet_ntop(socket.AF_INET6, data[start:end])
    if kind in (TYPES["CNAME"], TYPES["PTR"], TYPES["NS"]):
        return _name(data, start)[0]
    if kind == TYPES["SRV"] and length > 6:
        priority, weight, port = struct.unpack_from("!HHH", data, start)
        return f"{priority} {weight} {port} {_name(data, start + 6)[0]}"
    return data[start:end].hex()


def _name(data: bytes, position: int) -> tuple[str, int]:
    """(name, position behind it). Pointers may only point back, so that no loop is possible."""
    labels: list[str] = []
    behind, lowest, size = -1, position, 0
    while True:
        length = data[position]
        if length & 0xC0 == 0xC0:
            target = struct.unpack_from("!H", data, position)[0] & 0x3FFF
            behind = position + 2 if behind < 0 else behind
            if target >= lowest:
                raise BadMessage("a compressed name points forward")
            position = lowest = target
        elif length & 0xC0:
            raise BadMessage("a label of an unknown kind")
        else:
            label = data[position + 1 : position + 1 + length]
            position, size = position + 1 + length, size + 1 + length
            if len(label) < length or size > NAME_LIMIT:
                raise BadMessage("a name is cut off or too long")
            if not length:
                return ".".join(labels) + ".", position if behind < 0 else behind
            labels.append(label.decode("ascii", "backslashreplace").replace(".", "\\."))


def same_name(one: str, other: str) -> bool:
    """Names are compared without regard to case, RFC 4343."""
    return one.rstrip(".").lower() == other.rstrip(".").lower()


def summary(message: Message, kind: str, size: int) -> dict[str, Any]:
    """What a result says about a message; `size` in bytes."""
    return {
        "rcode": message.rcode, "tc": message.truncated, "count": len(message.answers), "size": size,
        "answers": message.addresses(kind),
    }  # fmt: skip
