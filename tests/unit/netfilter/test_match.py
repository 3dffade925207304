"""Each match: true, false, and unknown where the sample does not tell."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.netfilter.match import predicate
from pytest_k8snet.netfilter.packet import Packet
from pytest_k8snet.netfilter.truth import Place, every

from .rules import ruleset

TCP = Packet("10.1.0.1", "10.2.0.1", "tcp", 4000, 80, "cni0", "eth0", local=frozenset({"10.1.0.254"}))
UDP = replace(TCP, protocol="udp")
PING = Packet("10.1.0.1", "10.2.0.1", "icmp", in_iface="cni0", out_iface="eth0")
REPLY = replace(TCP, state="ESTABLISHED")
VAGUE = Packet("10.1.0.1", "10.2.0.1", "tcp", mark=None)
MARKED = replace(TCP, mark=0x4001)
NATTED = replace(TCP, translated=frozenset({"DNAT"}), original_dst="10.96.0.1", original_dport=443)
LOOSE = replace(TCP, state="UNTRACKED")
SETS = {
    "nodes": frozenset({"10.1.0.0/24", "10.9.0.1"}),
    "vips": frozenset({"10.2.0.1,tcp:80"}),
    "odd": frozenset({"x y"}),
    "ports": frozenset({"80"}),
}


def ask(text: str, packet: Packet, hook: str = "FORWARD") -> bool | None:
    """Truth of all matches of one rule."""
    (rule,) = ruleset(filter=f"FORWARD {text}").rules("filter", "FORWARD")
    return every([predicate(match)(packet, Place(hook, SETS)) for match in rule.matches])


@pytest.mark.parametrize(
    ("text", "packet", "truth"),
    [
        ("-s 10.1.0.0/24", TCP, True),
        ("! -s 10.1.0.0/24", TCP, False),
        ("-d 10.2.0.1", TCP, True),
        ("-d 10.2.0.2/32", TCP, False),
        ("-s 10.0.0.1/255.0.0.255", TCP, True),
        ("-s 10.0.0.2/255.0.0.255", TCP, False),
        ("-s fd00::/8", TCP, False),
        ("-s nonsense", TCP, None),
        ("-p tcp", TCP, True),
        ("-p 6", TCP, True),
        ("! -p tcp", UDP, True),
        ("-p all", UDP, True),
        ("-p strange", UDP, None),
        ("-i cni0", TCP, True),
        ("-i cni+", TCP, True),
        ("! -i cni+", TCP, False),
        ("-o cni+", TCP, False),
        ("-i cni0", VAGUE, None),
        ("! -o eth0", VAGUE, None),
        ("-f", TCP, False),
        ("! -f", TCP, True),
        ("-p tcp -m tcp --dport 80", TCP, True),
        ("-p tcp -m tcp --dport 81:", TCP, False),
        ("-p tcp -m tcp --dport 79:", TCP, True),
        ("-p tcp -m tcp ! --dport :79", TCP, True),
        ("-p tcp -m tcp --sport 4000", TCP, True),
        ("-p udp -m udp --sport 4000", TCP, False),
        ("-p tcp -m tcp --dport 80", VAGUE, None),
        ("-m tcp --dport 80", UDP, False),
        ("-p tcp -m tcp --tcp-flags SYN,RST SYN", TCP, True),
        ("-p tcp -m tcp --tcp-flags ALL NONE", TCP, False),
        ("-p tcp -m tcp --tcp-flags ALL NONE", REPLY, None),
        ("-p tcp -m tcp --syn", TCP, True),
        ("-p tcp -m tcp --syn", REPLY, None),
        ("-p tcp -m tcp --tcp-option 2", TCP, None),
        ("-p icmp -m icmp --icmp-type 8", PING, True),
        ("-p icmp -m icmp --icmp-type 8/1", PING, False),
        ("-p icmp -m icmp --icmp-type any", PING, True),
        ("-p icmp -m icmp --icmp-type 8", replace(PING, state="ESTABLISHED"), None),
        ("-p icmp -m icmp --icmp-type 0", PING.answer(), True),
        ("-p icmp -m icmp --icmp-type echo-request", PING, None),
        ("-p tcp -m multiport --dports 1:5,80", TCP, True),
        ("-p tcp -m multiport ! --dports 1:5,80", TCP, False),
        ("-p tcp -m multiport --sports 80", TCP, False),
        ("-p tcp -m multiport --ports 4000", TCP, True),
        ("-p tcp -m multiport --dports 80", VAGUE, None),
        ("-m iprange --src-range 10.1.0.0-10.1.0.9", TCP, True),
        ("-m iprange --dst-range 10.1.0.0-10.1.0.9", TCP, False),
        ("-m iprange ! --dst-range 10.2.0.1", TCP, False),
        ("-m mark --mark 0x4000/0x4000", MARKED, True),
        ("-m mark --mark 0x4000", MARKED, False),
        ("-m mark ! --mark 0x4000/0x4000", TCP, True),
        ("-m mark --mark 1", VAGUE, None),
        ("-m connmark --mark 0x0/0x1", TCP, True),
        ("-m conntrack --ctstate NEW", TCP, True),
        ("-m conntrack --ctstate RELATED,ESTABLISHED", TCP, False),
        ("-m conntrack --ctstate ESTABLISHED", REPLY, True),
        ("-m conntrack --ctstate DNAT", TCP, False),
        ("-m conntrack --ctstate DNAT", NATTED, True),
        ("-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT", NATTED, False),
        ("-m conntrack --ctstate DNAT", LOOSE, False),
        ("-m conntrack --ctstate INVALID,UNTRACKED --ctproto 17", LOOSE, True),
        ("-m conntrack --ctproto 6", LOOSE, False),
        ("-m conntrack ! --ctproto 6", LOOSE, False),
        ("-m conntrack --ctproto 6", TCP, True),
        ("-m conntrack --ctorigdst 10.96.0.1", NATTED, True),
        ("-m conntrack --ctorigdst 10.96.0.1", NATTED.answer(), True),
        ("-m conntrack --ctorigsrc 10.1.0.1", NATTED.answer(), True),
        ("-m conntrack --ctorigdst 10.2.0.1", TCP, True),
        ("-m conntrack --ctorigdstport 443", NATTED, True),
        ("-m conntrack --ctorigdstport 80", TCP, True),
        ("-m conntrack --ctorigdstport 80", PING, None),
        ("-m conntrack --ctdir REPLY", TCP.answer(), True),
        ("-m conntrack --ctdir REPLY", TCP, False),
        ("-m conntrack --ctstatus SEEN_REPLY", TCP, None),
        ("-m conntrack", TCP, None),
        ("-m state --state NEW", TCP, True),
        ("-m addrtype --dst-type LOCAL", TCP, False),
        ("-m addrtype --dst-type LOCAL", replace(TCP, dst="10.1.0.254"), True),
        ("-m addrtype --dst-type LOCAL", replace(VAGUE, dst="127.0.0.1"), True),
        ("-m addrtype --dst-type LOCAL", VAGUE, None),
        ("-m addrtype ! --dst-type LOCAL", VAGUE, None),
        ("-m addrtype --dst-type MULTICAST,LOCAL", replace(VAGUE, dst="224.0.0.251"), True),
        ("-m addrtype --dst-type BROADCAST", replace(TCP, dst="255.255.255.255"), True),
        ("-m addrtype --src-type LOCAL --dst-type UNICAST", TCP, False),
        ("-m addrtype --dst-type LOCAL --limit-iface-in", replace(TCP, dst="10.1.0.254"), None),
        ("-m addrtype --dst-type LOCAL --limit-iface-in", TCP, False),
        ("-m addrtype --other x", TCP, None),
        ("-m recent --name a --rcheck --seconds 60 --reap --rsource", TCP, False),
        ("-m recent --name a --rcheck --seconds 60 --reap --rsource", replace(TCP, recent=True), True),
        ("-m recent --name a --rcheck", replace(TCP, recent=None), None),
        ("-m recent --name a --rcheck --hitcount 3", replace(TCP, recent=True), None),
        ("-m recent --name a --set --rsource", TCP, True),
        ("-m recent ! --update --name a", TCP, True),
        ("-m recent --name a", TCP, None),
        ("-m pkttype --pkt-type unicast", TCP, True),
        ("-m pkttype --pkt-type broadcast", TCP, False),
        ("-m pkttype --pkt-type multicast", replace(TCP, dst="224.0.0.1"), None),
        ("-m physdev --physdev-is-in", TCP, None),
        ("-m physdev ! --physdev-is-in", replace(TCP, bridge_in=""), True),
        ("-m physdev --physdev-is-bridged", replace(TCP, bridge_in="veth1", bridge_out="veth2"), True),
        ("-m physdev --physdev-is-bridged", replace(TCP, bridge_in="veth1", bridge_out=""), False),
        ("-m physdev --physdev-in veth1", replace(TCP, bridge_in="veth1"), True),
        ("-m physdev --physdev-in veth1", TCP, None),
        ("-m owner --uid-owner 0", TCP, None),
        ("-m set --match-set nodes src", TCP, True),
        ("-m set ! --match-set nodes dst", TCP, True),
        ("-m set --match-set vips dst,dst", TCP, True),
        ("-m set --match-set vips dst,dst", UDP, False),
        ("-m set --match-set vips dst,dst", VAGUE, None),
        ("-m set --match-set ports dst", TCP, True),
        ("-m set --match-set odd src", TCP, None),
        ("-m set --match-set vips dst", TCP, None),
        ("-m set --match-set missing src", TCP, None),
        ("-m set --match-set nodes", TCP, None),
        ("-m nfacct --nfacct-name x", TCP, True),
        ("-m comment --comment x", TCP, True),
        ("-m limit --limit 1/sec", TCP, None),
        ("-m socket", TCP, None),
        ("-m something --strange", TCP, None),
        ("-m mark --mark 0x0 stray", TCP, None),
        ("-m addrtype --dst-type LOCAL x", TCP, None),
        ("-m mark", TCP, None),
        ("-m something --strange -s 10.9.9.9", TCP, False),
    ],
)
def test_truth(text: str, packet: Packet, truth: bool | None) -> None:
    assert ask(text, packet) is truth


@pytest.mark.parametrize(
    ("text", "hook", "truth"),
    [
        ("-o eth0", "PREROUTING", False),
        ("! -o eth0", "INPUT", True),
        ("-i cni0", "OUTPUT", False),
        ("-i cni0", "POSTROUTING", None),
        ("-o eth0", "POSTROUTING", True),
        ("-i cni0", "", True),
        ("-m owner --uid-owner 0", "POSTROUTING", False),
        ("-m owner ! --uid-owner 0", "POSTROUTING", True),
        ("-m owner --uid-owner 0", "OUTPUT", None),
    ],
)
def test_truth_depends_on_the_hook(text: str, hook: str, truth: bool | None) -> None:
    assert ask(text, TCP, hook) is truth


@given(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.from_regex(r"--[a-z]{1,8}", fullmatch=True))
def test_unknown_words_are_never_true(module: str, option: str) -> None:
    assert ask(f"-m x{module} {option} 1", TCP) is None
    assert ask(f"-m x{module} ! {option} 1", TCP) is None
    assert ask(f"-m mark --mark 0x0 {option}-x 1", TCP) is None
