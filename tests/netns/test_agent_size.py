"""Packet sizes: what fits, what is reported too big, and the black hole in which large segments vanish without a word."""

from __future__ import annotations

from collections.abc import Callable

from .agents import Agent
from .world import World

Pair = Callable[..., Agent]
SERVER = "10.2.0.1"


def test_packet_of_the_device_mtu_passes(pair: Pair):
    [sample] = pair().stream().probe("icmp", SERVER, size="mtu", df=True)
    assert (sample["outcome"], sample["detail"]["size"]) == ("reached", 1500)


def test_one_byte_more_is_refused_by_the_source(pair: Pair):
    [sample] = pair().stream().probe("icmp", SERVER, size="mtu+1", df=True)
    assert (sample["outcome"], sample["detail"]["errno"], sample["detail"]["size"]) == ("too-big", "EMSGSIZE", 1501)


def test_router_says_how_much_fits(pair: Pair):
    [sample] = pair(far_mtu=1300).stream().probe("icmp", SERVER, size="mtu", df=True)
    detail = {key: sample["detail"][key] for key in ("icmp_type", "icmp_code", "icmp_from", "mtu")}
    assert (sample["outcome"], detail) == ("too-big", {"icmp_type": 3, "icmp_code": 4, "icmp_from": "10.1.0.254", "mtu": 1300})


def test_earlier_messages_do_not_stand_in_for_the_packet(pair: Pair):
    stream = pair(far_mtu=1300).stream()
    first, second = stream.probe("icmp", SERVER, size="mtu", df=True, samples=2)
    assert first["detail"]["icmp_from"] == second["detail"]["icmp_from"] == "10.1.0.254"


def test_without_df_it_is_fragmented_and_arrives(pair: Pair):
    [sample] = pair(far_mtu=1300).stream().probe("icmp", SERVER, size=1500, df=False)
    assert sample["outcome"] == "reached"


def test_ipv6_too_big(pair: Pair):
    [sample] = pair(far_mtu=1300, ipv6=True).stream().probe("icmp", "fd02::1", size="mtu", df=True)
    assert (sample["outcome"], sample["detail"]["mtu"], sample["detail"]["icmp_type"]) == ("too-big", 1300, 2)


def test_result_tells_the_mtu_of_the_source(world: World, pair: Pair):
    stream = pair().stream()
    world["client"].ip("link set router mtu 1450")
    frame = stream.ask("probe", probes=[{"action": "tcp", "address": SERVER, "port": 7801, "nonce": "aa"}])[0]
    assert frame["mtu"] == 1450


def test_bulk_arrives_intact(pair: Pair):
    [sample] = pair().stream().probe("bulk", SERVER, bytes=1 << 20)
    assert sample["outcome"] == "reached"
    assert sample["reply"]["bytes"] == 1 << 20
    assert sample["detail"]["seconds_up"] > 0 < sample["detail"]["seconds_down"]


def test_bulk_stalls_in_a_black_hole(world: World, pair: Pair):
    stream = pair(far_mtu=1300).stream()
    world["server"].ip("link set router mtu 1500")  # so that the server announces an MSS that does not fit
    world["router"].run("iptables", "-A", "OUTPUT", "-p", "icmp", "-j", "DROP")
    assert stream.probe("tcp", SERVER)[0]["outcome"] == "reached"
    [sample] = stream.probe("bulk", SERVER, timeout=0.5)
    assert (sample["outcome"], sample["detail"]["phase"]) == ("timeout", "up")
    assert sample["detail"]["retransmits"] > 0
    assert 2.0 <= sample["seconds"] < 3.0


def test_bulk_stalls_on_the_way_back(world: World, pair: Pair):
    stream = pair().stream()
    world["router"].run("iptables", "-A", "FORWARD", "-s", SERVER, "-m", "length", "--length", "1000:", "-j", "DROP")
    [sample] = stream.probe("bulk", SERVER, timeout=0.5)
    assert (sample["outcome"], sample["detail"]["phase"]) == ("timeout", "down")
    assert sample["detail"]["received"] < 1 << 20
