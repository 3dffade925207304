"""DNS replies as they came over the wire (RFC 1035)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import dns.exception
import dns.message
import dns.rcode
import dns.rdata
import dns.rdatatype
from dns.rdtypes.IN.SRV import SRV

from .errors import ParseError

WHAT = "DNS message"


@dataclass(frozen=True, slots=True)
class Reply:
    """`records` are those of the answer section that have the type that was asked for, each in the words of `_text`."""

    name: str  # that was asked for, in small letters, with a dot at its end
    kind: str
    rcode: str
    records: frozenset[str]
    answers: int  # records of any type in the answer section
    authority: tuple[str, ...]  # types of the records there


def reply(encoded: str) -> Reply:
    """A message in base64. Raises ParseError for what is no reply to one question."""
    try:
        message = dns.message.from_wire(base64.b64decode(encoded, validate=True))
        (question,) = message.question
    except (dns.exception.DNSException, binascii.Error, ValueError) as error:
        raise ParseError(f"{WHAT}: {error or type(error).__name__}", 1, encoded[:80]) from error
    records = frozenset(_text(record) for rrset in message.answer if rrset.rdtype == question.rdtype for record in rrset)
    kinds = tuple(dns.rdatatype.to_text(rrset.rdtype) for rrset in message.authority)
    asked = (question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype))
    return Reply(*asked, dns.rcode.to_text(message.rcode()), records, sum(len(rrset) for rrset in message.answer), kinds)


def _text(record: dns.rdata.Rdata) -> str:
    """Data of a record; of a SRV record port and target: weight and priority are the server's own affair."""
    if isinstance(record, SRV):
        return f"{record.port} {str(record.target).lower()}"
    return record.to_text().lower()
