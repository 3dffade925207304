"""The routers on a way, as an agent without privilege sees them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .agents import Agent
from .world import World

Pair = Callable[..., Agent]


def test_the_router_then_the_target(pair: Pair):
    [sample] = pair().stream().probe("trace", "10.2.0.1", expect="pod/b@two")
    assert (sample["outcome"], sample["detail"]["hops"]) == ("reached", ["10.1.0.254", "10.2.0.1"])
    assert (sample["reply"]["server"], sample["reply"]["ttl"], sample["reply"]["nonce"]) == ("pod/b@two", 1, sample["nonce"])


def test_ipv6(pair: Pair):
    [sample] = pair(ipv6=True).stream().probe("trace", "fd02::1", expect="pod/b@two")
    assert (sample["outcome"], sample["detail"]["hops"]) == ("reached", ["fd01::fe", "fd02::1"])


def test_a_silent_router(world: World, pair: Pair):
    stream = pair().stream()
    world["router"].run("iptables", "-A", "OUTPUT", "-p", "icmp", "--icmp-type", "time-exceeded", "-j", "DROP")
    [sample] = stream.probe("trace", "10.2.0.1", expect="pod/b@two", timeout=0.2)
    assert (sample["outcome"], sample["detail"]["hops"]) == ("reached", ["", "10.2.0.1"])


def test_a_target_that_is_not_reached(world: World, pair: Pair):
    stream = pair().stream()
    world["router"].run("iptables", "-A", "FORWARD", "-p", "udp", "-j", "DROP")
    [sample] = stream.probe("trace", "10.2.0.1", hops=2, timeout=0.2)
    assert (sample["outcome"], sample["detail"]["hops"]) == ("timeout", ["10.1.0.254", ""])


def test_a_refusal_ends_it(world: World, pair: Pair):
    stream = pair().stream()
    world["router"].run("iptables", "-A", "FORWARD", "-p", "udp", "-j", "REJECT", "--reject-with", "icmp-admin-prohibited")
    [sample] = stream.probe("trace", "10.2.0.1")
    assert (sample["outcome"], sample["detail"]["icmp_from"]) == ("prohibited", "10.1.0.254")


@pytest.mark.parametrize("hops", [0, 31, "many"])
def test_a_number_of_hops_that_makes_no_sense(pair: Pair, hops):
    [sample] = pair().stream().probe("trace", "10.2.0.1", hops=hops)
    assert (sample["outcome"], "is not a whole number from 1 to 30" in sample["detail"]["error"]) == ("probe-error", True)
