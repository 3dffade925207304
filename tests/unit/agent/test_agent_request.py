"""A request is checked before anything is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.agent.probing.request import BadRequest, parse

GOOD = {"action": "tcp", "address": "192.0.2.1", "port": 80, "nonce": "ab"}


def test_defaults():
    asked = parse(GOOD)
    assert (asked.samples, asked.warmup, asked.timeout, asked.until, asked.expect) == (3, 1, 2.0, 0, None)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"action": "smoke"}, "action 'smoke' is none of tcp, udp, icmp, bulk, tls, trace, resolve, query, lookups"),
        ({"family": "ipx"}, "family 'ipx' is neither ipv4 nor ipv6"),
        ({"address": "web"}, "address 'web' is no IP address"),
        ({"address": "::1"}, "address ::1 is not of family ipv4"),
        ({"port": 65536}, "port 65536 is not a whole number from 1 to 65535"),
        ({"samples": 0}, "samples 0 is not a whole number from 1 to 1000"),
        ({"timeout": 61}, "timeout 61 is not a number of seconds up to 60"),
        ({"nonce": "xyz"}, "nonce 'xyz' is not 2 to 48 hex digits"),
    ],
)
def test_reasons(change: dict, reason: str):
    with pytest.raises(BadRequest, match=f"^{reason}$"):
        parse({**GOOD, **change})


KEYS = [*GOOD, "family", "samples", "warmup", "timeout", "until", "max", "expect", "server"]
VALUES = st.none() | st.integers() | st.text() | st.floats() | st.booleans() | st.lists(st.integers(), max_size=2)


@given(st.dictionaries(st.sampled_from(KEYS), VALUES))
def test_any_values_are_a_request_or_bad(changes: dict):
    try:
        parse({**GOOD, **changes})
    except BadRequest:
        return
