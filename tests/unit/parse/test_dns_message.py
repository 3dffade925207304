"""Replies as they came over the wire: understood whole, or refused."""

from __future__ import annotations

import base64
import contextlib

import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.parse import ParseError
from pytest_k8snet.parse.dns_message import reply

SOA = dns.rrset.from_text("cluster.local.", 30, "IN", "SOA", "ns.dns.cluster.local. host.cluster.local. 1 2 3 4 5")


def packed(name: str, kind: str, *answer: dns.rrset.RRset, rcode: int = 0, authority: tuple[dns.rrset.RRset, ...] = ()) -> str:
    message = dns.message.make_response(dns.message.make_query(name, kind))
    message.answer, message.authority = list(answer), list(authority)
    message.set_rcode(rcode)
    return base64.b64encode(message.to_wire()).decode()


def test_addresses() -> None:
    found = reply(packed("Web.Shop.", "A", dns.rrset.from_text("Web.Shop.", 5, "IN", "A", "10.96.0.1", "10.96.0.2")))
    assert (found.name, found.kind, found.rcode) == ("web.shop.", "A", "NOERROR")
    assert (found.records, found.answers, found.authority) == ({"10.96.0.1", "10.96.0.2"}, 2, ())


def test_of_a_service_record_port_and_target_count() -> None:
    records = dns.rrset.from_text("_a._tcp.x.", 5, "IN", "SRV", "0 33 80 A-1.x.", "7 1 80 a-2.x.")
    assert reply(packed("_a._tcp.x.", "SRV", records)).records == {"80 a-1.x.", "80 a-2.x."}


def test_records_of_another_type_are_counted_only() -> None:
    alias = dns.rrset.from_text("x.", 5, "IN", "CNAME", "Y.example.")
    assert (reply(packed("x.", "A", alias)).records, reply(packed("x.", "A", alias)).answers) == (frozenset(), 1)
    assert reply(packed("x.", "CNAME", alias)).records == {"y.example."}


def test_a_name_that_is_not_there() -> None:
    found = reply(packed("x.", "A", rcode=dns.rcode.NXDOMAIN, authority=(SOA,)))
    assert (found.rcode, found.records, found.authority) == ("NXDOMAIN", frozenset(), ("SOA",))


def test_addresses_are_written_in_one_way() -> None:
    found = reply(packed("x.", "AAAA", dns.rrset.from_text("x.", 5, "IN", "AAAA", "2001:DB8:0:0::1")))
    assert found.records == {"2001:db8::1"}


@pytest.mark.parametrize("text", ["", "no base64", base64.b64encode(b"short").decode()])
def test_what_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(ParseError, match="DNS message"):
        reply(text)


def test_a_message_without_a_question_is_refused() -> None:
    with pytest.raises(ParseError, match="DNS message"):
        reply(base64.b64encode(dns.message.Message(id=1).to_wire()).decode())


@given(st.binary(max_size=200))
def test_nothing_but_a_parse_error_comes_of_garbage(data: bytes) -> None:
    with contextlib.suppress(ParseError):
        reply(base64.b64encode(data).decode())


@given(st.integers(0, 120), st.integers(0, 255))
def test_a_damaged_message_is_refused_or_a_reply(position: int, byte: int) -> None:
    data = bytearray(base64.b64decode(packed("web.shop.", "A", dns.rrset.from_text("web.shop.", 5, "IN", "A", "10.96.0.1"))))
    data[position % len(data)] = byte
    with contextlib.suppress(ParseError):
        assert reply(base64.b64encode(bytes(data)).decode()).kind
