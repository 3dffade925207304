"""The names that the lab's internet knows: `example.test` and the reverse names of its hosts (RFC 1035).

Answers too long for UDP carry TC=1 and no records (RFC 2181 section 9); absent types are NODATA, absent names NXDOMAIN,
both with the SOA that sets their negative lifetime (RFC 2308).
"""

from __future__ import annotations

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.reversename
import dns.rrset

from lab import addresses

WWW4 = str(addresses.INTERNET_HOST)
WWW6 = str(addresses.INTERNET_HOST6)
LARGE = 60
TTL = 30
ORIGIN = dns.name.from_text("example.test.")
REVERSE4 = dns.name.from_text("100.51.198.in-addr.arpa.")
REVERSE6 = dns.name.from_text("1.5.0.0.8.9.1.0.8.b.d.0.1.0.0.2.ip6.arpa.")

Records = dict[dns.name.Name, dict[dns.rdatatype.RdataType, dns.rrset.RRset]]


def _soa(origin: dns.name.Name) -> dns.rrset.RRset:
    return dns.rrset.from_text(origin, TTL, "IN", "SOA", f"ns.example.test. hostmaster.example.test. 1 3600 600 86400 {TTL}")


def records() -> Records:
    """Every record set by owner name and type."""
    table = [
        ("www.example.test.", "A", [WWW4]),
        ("www.example.test.", "AAAA", [WWW6]),
        ("ns.example.test.", "A", [str(addresses.INTERNET_DNS)]),
        ("alias.example.test.", "CNAME", ["www.example.test."]),
        ("large.example.test.", "A", [f"198.51.100.{100 + number}" for number in range(LARGE)]),
        (dns.reversename.from_address(WWW4).to_text(), "PTR", ["www.example.test."]),
        (dns.reversename.from_address(WWW6).to_text(), "PTR", ["www.example.test."]),
        (dns.reversename.from_address(str(addresses.INTERNET_DNS)).to_text(), "PTR", ["ns.example.test."]),
    ]
    found: Records = {}
    for owner, kind, values in table:
        one = dns.rrset.from_text(owner, TTL, "IN", kind, *values)
        found.setdefault(one.name, {})[one.rdtype] = one
    for origin in (ORIGIN, REVERSE4, REVERSE6):
        found.setdefault(origin, {})[dns.rdatatype.SOA] = _soa(origin)
    return found


def answer(wire: bytes, zone: Records, *, over_udp: bool) -> bytes | None:
    """The answer to a query, as wire format; None if the bytes are no query."""
    try:
        query = dns.message.from_wire(wire)
    except dns.exception.DNSException:
        return None
    if query.flags & dns.flags.QR or len(query.question) != 1:
        return None
    response = dns.message.make_response(query)
    response.flags |= dns.flags.AA
    _fill(response, zone)
    return _to_wire(response, query.payload if query.edns >= 0 else 512, over_udp)


def _to_wire(response: dns.message.Message, limit: int, over_udp: bool) -> bytes:
    wire = response.to_wire(max_size=65535)
    if not over_udp or len(wire) <= max(limit, 512):
        return wire
    response.answer, response.authority = [], []
    response.flags |= dns.flags.TC
    return response.to_wire()


def _fill(response: dns.message.Message, zone: Records) -> None:
    name, kind = response.question[0].name, response.question[0].rdtype
    sets = zone.get(name)
    origin = next((one for one in (ORIGIN, REVERSE4, REVERSE6) if name.is_subdomain(one)), None)
    if origin is None:
        response.set_rcode(dns.rcode.REFUSED)
        return
    if sets and kind in sets:
        response.answer.append(sets[kind])
    elif sets and dns.rdatatype.CNAME in sets:
        _follow(response, sets[dns.rdatatype.CNAME], zone)
    else:
        response.set_rcode(dns.rcode.NOERROR if sets or _has_children(name, zone) else dns.rcode.NXDOMAIN)
        response.authority.append(_soa(origin))


def _follow(response: dns.message.Message, alias: dns.rrset.RRset, zone: Records) -> None:
    response.answer.append(alias)
    target = zone.get(alias[0].target, {}).get(response.question[0].rdtype)
    if target:
        response.answer.append(target)


def _has_children(name: dns.name.Name, zone: Records) -> bool:
    return any(one.is_subdomain(name) for one in zone)
