"""DNS messages: what we write others read and the other way round; garbage is BadMessage and nothing else."""

from __future__ import annotations

import ipaddress

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.agent.dns import server, wire

labels = st.text(st.sampled_from("abcxyzABC012-_"), min_size=1, max_size=20)
names = st.lists(labels, min_size=1, max_size=6).map(lambda parts: ".".join(parts) + ".")
idents = st.integers(0, 65535)


@given(idents, names, st.sampled_from(["A", "AAAA", "SRV", "TXT"]), st.sampled_from([0, 512, 1232, 4096]))
def test_questions_are_understood_by_dnspython(ident: int, name: str, kind: str, edns: int):
    message = dns.message.from_wire(wire.query(ident, name, kind, edns))
    [question] = message.question
    assert (message.id, question.name.to_text(), dns.rdatatype.to_text(question.rdtype)) == (ident, name, kind)
    assert message.flags == dns.flags.RD
    assert (message.edns, message.payload) == ((0, edns) if edns else (-1, 0))


@given(idents, names, st.lists(st.ip_addresses(v=4).map(str), max_size=5))
def test_answers_of_dnspython_are_understood(ident: int, name: str, addresses: list[str]):
    question = dns.message.make_query(name, "A", id=ident)
    reply = dns.message.make_response(question)
    alias = "alias." + name if len(name) < 200 else name
    if addresses:
        reply.answer.append(dns.rrset.from_text(name, 5, "IN", "CNAME", alias))
        reply.answer.append(dns.rrset.from_text(alias, 5, "IN", "A", *addresses))
    message = wire.parse(reply.to_wire())
    assert (message.id, message.question, message.rcode, message.response) == (ident, (name, "A"), "NOERROR", True)
    assert sorted(message.addresses("A")) == sorted(set(addresses))
    assert message.addresses("CNAME") == ([alias] if addresses else [])


@given(idents, names, st.lists(st.ip_addresses(v=6).map(str), max_size=5))
def test_own_answers_round_trip(ident: int, name: str, addresses: list[str]):
    asked = wire.parse(wire.query(ident, name, "AAAA"))
    data = wire.reply(asked, 0, addresses)
    assert [ipaddress.ip_address(a) for a in wire.parse(data).addresses("AAAA")] == [ipaddress.ip_address(a) for a in addresses]
    assert dns.message.from_wire(data).rcode() == dns.rcode.NOERROR


@given(st.binary(max_size=600))
def test_garbage_is_a_bad_message_at_worst(data: bytes):
    try:
        wire.parse(data)
    except wire.BadMessage:
        return


@given(st.data(), idents, names)
def test_damaged_answers_are_a_bad_message_at_worst(data: st.DataObject, ident: int, name: str):
    reply = bytearray(wire.reply(wire.parse(wire.query(ident, name, "A")), 0, ["192.0.2.1", "192.0.2.2"]))
    for _ in range(3):
        reply[data.draw(st.integers(0, len(reply) - 1))] = data.draw(st.integers(0, 255))
    try:
        wire.parse(bytes(reply[: data.draw(st.integers(0, len(reply)))]))
    except wire.BadMessage:
        return


def test_pointer_loops_are_refused():
    head = bytes.fromhex("000084000001000000000000")
    for name in ("c00c", "c00e", "0161c00c"):
        with pytest.raises(wire.BadMessage, match=r"points forward|too long"):
            wire.parse(head + bytes.fromhex(name) + b"\0\1\0\1" * 4)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a..b", "has a label of 0 bytes"),
        ("a" * 64, "has a label of 64 bytes"),
        ("bücher", "is not ASCII"),
        ("a." * 130, "is longer than 255 bytes"),
    ],
)
def test_names_that_cannot_be_asked(name: str, reason: str):
    with pytest.raises(wire.BadMessage, match=reason):
        wire.query(1, name, "A")


def test_flags_are_read():
    message = dns.message.make_response(dns.message.make_query("a.", "A"))
    message.set_rcode(dns.rcode.NXDOMAIN)
    message.flags |= dns.flags.TC
    parsed = wire.parse(message.to_wire())
    assert (parsed.rcode, parsed.truncated) == ("NXDOMAIN", True)


@pytest.mark.parametrize(
    ("name", "kind", "rcode", "answers"),
    [("who.k8snet.test", "A", "NOERROR", ["192.0.2.53"]), ("WHO.k8snet.TEST", "A", "NOERROR", ["192.0.2.53"]),
     ("who.k8snet.test", "AAAA", "NOERROR", []), ("who", "A", "NXDOMAIN", []), ("kubernetes.default", "A", "NXDOMAIN", [])],
)  # fmt: skip
def test_the_private_server(name: str, kind: str, rcode: str, answers: list[str]):
    reply = wire.parse(server.answer(wire.query(7, name, kind)) or b"")
    assert (reply.id, reply.rcode, reply.addresses(kind)) == (7, rcode, answers)


@given(st.binary(max_size=100))
def test_the_private_server_survives_garbage(data: bytes):
    reply = server.answer(data)
    assert reply is None or wire.parse(reply).response


def test_the_private_server_keeps_quiet_to_answers():
    assert server.answer(wire.reply(wire.parse(wire.query(1, "a", "A")), 0, [])) is None
