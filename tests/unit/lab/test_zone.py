"""What the lab's DNS server answers."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.hosts import zone

RECORDS = zone.records()


def ask(name: str, kind: str, *, over_udp: bool = True, payload: int | None = None) -> dns.message.Message:
    query = dns.message.make_query(name, kind, use_edns=payload is not None, payload=payload or 0)
    wire = zone.answer(query.to_wire(), RECORDS, over_udp=over_udp)
    assert wire is not None
    answer = dns.message.from_wire(wire)
    assert query.is_response(answer)
    return answer


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("www.example.test", "A", "198.51.100.10"),
        ("WWW.Example.TEST", "A", "198.51.100.10"),
        ("www.example.test", "AAAA", "2001:db8:198:51::10"),
        ("10.100.51.198.in-addr.arpa", "PTR", "www.example.test."),
        ("0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.5.0.0.8.9.1.0.8.b.d.0.1.0.0.2.ip6.arpa", "PTR", "www.example.test."),
    ],
)
def test_known_names(name: str, kind: str, value: str) -> None:
    answer = ask(name, kind)
    assert [str(one) for one in answer.answer[0]] == [value]
    assert answer.flags & dns.flags.AA


def test_alias_brings_its_target() -> None:
    assert [one.rdtype for one in ask("alias.example.test", "A").answer] == [dns.rdatatype.CNAME, dns.rdatatype.A]


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("www.example.test", "TXT", dns.rcode.NOERROR),
        ("example.test", "A", dns.rcode.NOERROR),
        ("absent.example.test", "A", dns.rcode.NXDOMAIN),
        ("99.100.51.198.in-addr.arpa", "PTR", dns.rcode.NXDOMAIN),
        ("www.example.com", "A", dns.rcode.REFUSED),
    ],
)
def test_absent(name: str, kind: str, code: dns.rcode.Rcode) -> None:
    answer = ask(name, kind)
    assert (answer.rcode(), answer.answer) == (code, [])
    assert [one.rdtype for one in answer.authority] == ([] if code == dns.rcode.REFUSED else [dns.rdatatype.SOA])


def test_large_answer_truncates_over_udp_and_is_whole_over_tcp() -> None:
    short = ask("large.example.test", "A")
    assert short.flags & dns.flags.TC
    assert short.answer == []
    whole = ask("large.example.test", "A", over_udp=False)
    assert not whole.flags & dns.flags.TC
    assert len(whole.answer[0]) == zone.LARGE


@pytest.mark.parametrize(("payload", "fits"), [(512, False), (1232, True), (4096, True)])
def test_edns_size_is_kept(payload: int, fits: bool) -> None:
    assert bool(ask("large.example.test", "A", payload=payload).answer) is fits


@given(st.binary(max_size=64))
def test_garbage_gets_no_answer_or_a_message(wire: bytes) -> None:
    answer = zone.answer(wire, RECORDS, over_udp=True)
    assert answer is None or answer[:2] == wire[:2]


def test_an_answer_is_no_query() -> None:
    query = dns.message.make_query("www.example.test", "A")
    query.flags |= dns.flags.QR
    assert zone.answer(query.to_wire(), RECORDS, over_udp=True) is None
