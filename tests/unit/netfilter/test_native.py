"""Native nftables rules: what each kind of match and statement does to a packet, and whole rule sets of real nodes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pytest_k8snet.netfilter.branch import Branch, Verdict
from pytest_k8snet.netfilter.hooks import Worlds, forward, output, postrouting, prerouting
from pytest_k8snet.netfilter.packet import Packet
from pytest_k8snet.netfilter.service import endpoints
from pytest_k8snet.netfilter.source import translation
from pytest_k8snet.parse.nft import NftRuleset, parse_json

from .rules import DUMPS, dump, ruleset

LOCAL = frozenset({"10.1.0.254", "10.2.0.254"})
PACKET = Packet("10.1.0.1", "10.2.0.1", "tcp", 4000, 80, "cni0", "eth0", local=LOCAL)
DROP, ACCEPT, RETURN = {"drop": None}, {"accept": None}, {"return": None}


def payload(name: str) -> dict[str, Any]:
    protocol, field = name.split()
    return {"payload": {"protocol": protocol, "field": field}}


def meta(key: str) -> dict[str, Any]:
    return {"meta": {"key": key}}


def ct(key: str, **more: str) -> dict[str, Any]:
    return {"ct": {"key": key, **more}}


def match(left: Any, right: Any, operator: str = "==") -> dict[str, Any]:
    return {"match": {"op": operator, "left": left, "right": right}}


def marked(value: Any) -> dict[str, Any]:
    return {"mangle": {"key": meta("mark"), "value": value}}


def table(*chains: dict[str, Any], sets: tuple[dict[str, Any], ...] = (), family: str = "ip") -> NftRuleset:
    """Each chain: name, rules, and hook with its priority if it has one."""
    place = {"family": family, "table": "t"}
    entries: list[dict[str, Any]] = [{"table": {"family": family, "name": "t"}}]
    entries += [{kind: {**place, **body}} for one in sets for kind, body in one.items()]
    for chain in chains:
        entries.append({"chain": {**place, **{key: value for key, value in chain.items() if key != "rules"}}})
        entries += [{"rule": {**place, "chain": chain["name"], "expr": rule}} for rule in chain["rules"]]
    return parse_json(json.dumps({"nftables": entries}))


def base(hook: str, *rules: list[Any], kind: str = "filter", prio: int = 0, policy: str = "accept", name: str = "base") -> dict[str, Any]:
    return {"name": name, "rules": rules, "type": kind, "hook": hook, "prio": prio, "policy": policy}


def user(name: str, *rules: list[Any]) -> dict[str, Any]:
    return {"name": name, "rules": rules}


def asked(ruleset: NftRuleset, packet: Packet = PACKET) -> tuple[Branch, ...]:
    return forward(Worlds(native=ruleset), packet)


MATCHES = [
    (match(payload("ip saddr"), "10.1.0.1"), True),
    (match(payload("ip saddr"), "10.1.0.1", "!="), False),
    (match(payload("ip daddr"), {"prefix": {"addr": "10.2.0.0", "len": 16}}), True),
    (match(payload("ip daddr"), {"range": ["10.2.0.2", "10.2.0.9"]}), False),
    (match(payload("ip daddr"), {"set": ["10.9.0.1", {"prefix": {"addr": "10.2.0.0", "len": 24}}]}), True),
    (match(payload("ip daddr"), {"set": ["10.9.0.1"]}, "!="), True),
    (match({"&": [payload("ip daddr"), "255.0.0.255"]}, "10.0.0.1"), True),
    (match(payload("ip6 saddr"), "fd00::1", "!="), False),
    (match(payload("tcp dport"), 80), True),
    (match(payload("tcp dport"), {"set": [53, {"range": [70, 90]}]}), True),
    (match(payload("tcp dport"), 80, "<"), False),
    (match(payload("tcp dport"), 80, ">="), True),
    (match(payload("udp dport"), 80, "!="), False),
    (match(payload("th dport"), 80), True),
    (match(meta("l4proto"), "tcp"), True),
    (match(meta("l4proto"), {"set": ["udp", 6]}), True),
    (match(payload("ip protocol"), "udp"), False),
    (match(meta("nfproto"), "ipv4"), True),
    (match(meta("protocol"), "ip6"), False),
    (match(meta("mark"), 0), True),
    (match({"&": [meta("mark"), 16384]}, 0, "!="), False),
    (match(meta("iifname"), "cni0"), True),
    (match(meta("iifname"), "cn*"), True),
    (match(meta("iif"), "lo"), False),
    (match(meta("oifname"), {"set": ["eth1", "eth*"]}), True),
    (match(meta("pkttype"), "host"), True),
    (match(meta("skuid"), 0, "!="), False),
    (match(ct("state"), "new", "in"), True),
    (match(ct("state"), ["established", "related"], "in"), False),
    (match(ct("state"), {"set": ["new", "related"]}), True),
    (match(ct("state"), "invalid", "!="), True),
    (match(ct("status"), "dnat", "in"), False),
    (match(ct("direction"), "original"), True),
    (match(ct("mark"), 1), False),
    (match(ct("ip daddr", dir="original"), "10.2.0.1"), True),
    (match(ct("proto-dst", dir="original"), 80), True),
    (match({"fib": {"result": "type", "flags": ["daddr"]}}, "local"), False),
    (match({"fib": {"result": "type", "flags": ["daddr"]}}, {"set": ["unicast", "broadcast"]}), True),
    (match(payload("tcp flags"), "syn", "in"), True),
    (match({"&": [payload("tcp flags"), ["fin", "syn", "rst", "ack"]]}, "syn"), True),
    (match({"&": [payload("tcp flags"), {"|": ["syn", "ack"]}]}, "ack"), False),
    (match(payload("icmp type"), "echo-request"), False),
    (match({"concat": [payload("ip daddr"), payload("th dport")]}, {"concat": ["10.2.0.1", 80]}), True),
    (match({"concat": [payload("ip daddr"), meta("l4proto")]}, {"set": [{"concat": ["10.2.0.1", "udp"]}]}), False),
    (match(payload("ip daddr"), "@members"), True),
    (match(payload("ip daddr"), "@members", "!="), False),
    (match(payload("ip ttl"), 3), None),
    (match(meta("length"), {"range": [0, 100]}), None),
    (match(payload("ip daddr"), "@nowhere"), None),
    (match(ct("status"), "assured", "in"), None),
    (match({"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, False), None),
    (match(payload("ip daddr"), "not-an-address"), None),
    (match({"jhash": {"mod": 2}}, 1), None),
    ({"limit": {"rate": 1, "per": "second"}}, None),
    ({"xt": {"type": "match", "name": "bpf"}}, None),
    ({"xt": {"type": "match", "name": "comment"}}, True),
    ({"counter": None}, True),
    ({"log": {"prefix": "x"}}, True),
    ({"set": {"op": "update", "elem": payload("ip saddr"), "set": "@members"}}, True),
]  # fmt: skip
MEMBERS = ({"set": {"name": "members", "type": "ipv4_addr", "elem": ["10.2.0.1", {"elem": {"val": "10.3.0.1", "comment": "x"}}]}},)


@pytest.mark.parametrize(("statement", "truth"), MATCHES, ids=lambda value: json.dumps(value) if isinstance(value, dict) else None)
def test_matches(statement: dict[str, Any], truth: bool | None) -> None:
    branches = asked(table(base("forward", [statement, DROP]), sets=MEMBERS))
    expected = {True: {(Verdict.DROP, False)}, False: {(Verdict.ACCEPT, False)}, None: {(Verdict.DROP, True), (Verdict.ACCEPT, True)}}
    assert {(branch.verdict, branch.uncertain) for branch in branches} == expected[truth]


def test_a_packet_without_connection_matches_no_field_of_one() -> None:
    for statement in (match(ct("mark"), 1, "!="), match(ct("direction"), "reply", "!="), match(ct("status"), "dnat", "in")):
        assert [b.verdict for b in asked(table(base("forward", [statement, DROP])), replace(PACKET, state="UNTRACKED"))] == [Verdict.ACCEPT]
    for prio, verdict in ((-300, Verdict.ACCEPT), (-150, Verdict.DROP)):
        rules = Worlds(native=table(base("prerouting", [match(ct("state"), "new", "in"), DROP], prio=prio)))
        assert [b.verdict for b in prerouting(rules, PACKET)] == [verdict]


def test_notrack_works_before_connection_tracking_only() -> None:
    for prio, verdict in ((-300, Verdict.DROP), (-150, Verdict.ACCEPT)):
        chains = (
            base("prerouting", [{"notrack": None}], prio=prio),
            base("prerouting", [match(ct("state"), "untracked"), DROP], name="later"),
        )
        assert [b.verdict for b in prerouting(Worlds(native=table(*chains)), PACKET)] == [verdict]


def test_marks_are_set_in_order_of_statements() -> None:
    rules = table(base("forward", [marked({"|": [meta("mark"), 4]}), match(meta("mark"), 4), marked({"^": [meta("mark"), 5]}), DROP]))
    (branch,) = asked(rules)
    assert (branch.verdict, branch.packet.mark, len(branch.steps)) == (Verdict.DROP, 1, 1)
    saved = table(base("forward", [{"mangle": {"key": ct("mark"), "value": meta("mark")}}], [marked(ct("mark"))]))
    assert [b.packet.connmark for b in asked(saved, replace(PACKET, mark=7))] == [7]


def test_a_mark_stays_although_the_rule_goes_no_further() -> None:
    (branch,) = asked(table(base("forward", [marked(1), match(payload("ip saddr"), "10.9.9.9"), DROP])))
    assert (branch.verdict, branch.packet.mark) == (Verdict.ACCEPT, 1)


def test_a_mark_from_a_connection_that_is_not_there_ends_the_rule() -> None:
    (branch,) = asked(table(base("forward", [marked(ct("mark")), DROP])), replace(PACKET, state="UNTRACKED"))
    assert branch.verdict is Verdict.ACCEPT


def test_jump_goto_return() -> None:
    def rules(how: str) -> NftRuleset:
        return table(base("forward", [{how: {"target": "u"}}], [DROP]), user("u", [RETURN], [ACCEPT]))

    assert [b.verdict for b in asked(rules("jump"))] == [Verdict.DROP]
    assert [b.verdict for b in asked(rules("goto"))] == [Verdict.ACCEPT]


def test_accept_ends_its_base_chain_only_and_drop_is_final() -> None:
    two = table(base("forward", [ACCEPT], prio=-1), base("forward", [DROP], name="later"))
    assert [b.verdict for b in asked(two)] == [Verdict.DROP]
    assert [
        b.verdict for b in forward(Worlds(ruleset(filter="FORWARD -j ACCEPT"), native=table(base("forward", [DROP], prio=5))), PACKET)
    ] == [Verdict.DROP]
    assert [b.verdict for b in asked(table(base("forward", [ACCEPT], policy="drop")))] == [Verdict.ACCEPT]


def test_priorities_decide_who_sees_which_address() -> None:
    natted = base("prerouting", [{"dnat": {"addr": "10.3.0.1", "port": 7801}}], kind="nat", prio=-100, name="nat")
    for prio, verdict in ((-110, Verdict.DNAT), (-90, Verdict.DROP)):
        watch = base("prerouting", [match(payload("ip daddr"), "10.3.0.1"), DROP], prio=prio)
        assert [b.verdict for b in prerouting(Worlds(native=table(natted, watch)), PACKET)] == [verdict]


def test_nat_chains_run_when_nat_runs_whatever_their_priority() -> None:
    """Their own priority orders them among each other only; a filter chain at -50 sees the new address."""
    natted = base("prerouting", [{"dnat": {"addr": "10.3.0.1"}}], kind="nat", prio=10, name="nat")
    watch = base("prerouting", [match(payload("ip daddr"), "10.3.0.1"), DROP], prio=-50)
    assert [b.verdict for b in prerouting(Worlds(native=table(natted, watch)), PACKET)] == [Verdict.DROP]


def test_the_first_nat_rule_wins() -> None:
    first = base("prerouting", [{"dnat": {"addr": "10.3.0.1"}}], kind="nat", prio=-101, name="first")
    second = base("prerouting", [{"dnat": {"addr": "10.3.0.2"}}], kind="nat", prio=-100, name="second")
    iptables = ruleset(nat="PREROUTING -j DNAT --to-destination 10.3.0.3")
    assert [b.packet.dst for b in prerouting(Worlds(iptables, native=table(second, first)), PACKET)] == ["10.3.0.1"]
    both = prerouting(Worlds(iptables, native=table(second)), PACKET)
    assert {(b.packet.dst, b.uncertain) for b in both} == {("10.3.0.2", True), ("10.3.0.3", True)}


def test_numbers_drawn() -> None:
    drawn = {"numgen": {"mode": "random", "mod": 4, "offset": 0}}
    chosen = asked(table(base("forward", [{"vmap": {"key": drawn, "data": {"set": [[0, DROP], [{"range": [1, 2]}, {"reject": None}]]}}}])))
    assert {(b.verdict, b.probability) for b in chosen if b.verdict is not Verdict.UNKNOWN} == {
        (Verdict.DROP, 0.25),
        (Verdict.ACCEPT, 0.25),
    }
    assert {(b.verdict, b.probability) for b in asked(table(base("forward", [match(drawn, 3, "<"), DROP])))} == {
        (Verdict.DROP, 0.75), (Verdict.ACCEPT, 0.25),
    }  # fmt: skip
    assert {b.uncertain for b in asked(table(base("forward", [match(drawn, "@nowhere"), DROP])))} == {True}


@pytest.mark.parametrize(
    ("statement", "end"),
    [
        ({"dnat": {"addr": "10.3.0.1", "port": 53}}, ("10.3.0.1", 53)),
        ({"dnat": {"family": "ip", "addr": {"concat": ["10.3.0.1", 53]}}}, ("10.3.0.1", 53)),
        ({"dnat": {"addr": {"map": {"key": payload("ip daddr"), "data": {"set": [["10.2.0.1", "10.3.0.9"]]}}}}}, ("10.3.0.9", 80)),
        ({"dnat": {"addr": {"map": {"key": payload("ip daddr"), "data": {"set": [["10.2.0.2", "10.3.0.9"]]}}}}}, ("10.2.0.1", 80)),
        ({"dnat": {"addr": {"map": {"key": payload("ip daddr"), "data": "@ends"}}}}, ("10.3.0.8", 80)),
        ({"dnat": {"addr": {"range": ["10.3.0.1", "10.3.0.4"]}}}, None),
        ({"redirect": {"port": 53}}, None),
        ({"tproxy": {"port": 53}}, None),
    ],
)  # fmt: skip
def test_destinations(statement: dict[str, Any], end: tuple[str, int] | None) -> None:
    ends = ({"map": {"name": "ends", "type": "ipv4_addr", "map": "ipv4_addr", "elem": [["10.2.0.1", "10.3.0.8"]]}},)
    branches = prerouting(Worlds(native=table(base("prerouting", [statement], kind="nat", prio=-100), sets=ends)), PACKET)
    assert {b.uncertain for b in branches} == {end is None}
    if end is not None:
        assert {(b.packet.dst, b.packet.dport) for b in branches} == {end}


def test_redirect_of_a_local_packet() -> None:
    (branch,) = output(
        Worlds(native=table(base("output", [{"redirect": {"port": 53}}], kind="nat", prio=-100))), replace(PACKET, in_iface="")
    )
    assert (branch.packet.dst, branch.packet.dport) == ("127.0.0.1", 53)


def test_a_key_that_is_not_known_leaves_every_way_open() -> None:
    ways = {"set": [[{"concat": ["10.2.0.1", 3]}, DROP], [{"concat": ["10.9.0.1", 3]}, {"jump": {"target": "nowhere"}}]]}
    rules = table(base("forward", [{"vmap": {"key": {"concat": [payload("ip daddr"), payload("ip ttl")]}, "data": ways}}]))
    assert {(b.verdict, b.uncertain) for b in asked(rules)} == {(Verdict.DROP, True), (Verdict.ACCEPT, True)}


def test_an_unknown_rule_silences_only_packets_that_it_may_concern() -> None:
    rules = table(base("forward", [match(payload("tcp dport"), 443), {"queue": {"num": 1}}], [ACCEPT], policy="drop"))
    assert [(b.verdict, b.uncertain) for b in asked(rules)] == [(Verdict.ACCEPT, False)]
    assert Verdict.UNKNOWN in {b.verdict for b in asked(rules, replace(PACKET, dport=443))}


def test_a_device_chain_sees_its_devices_only() -> None:
    chain = {**base("ingress", [DROP]), "dev": "eth9"}
    assert [b.verdict for b in prerouting(Worlds(native=table(chain, family="netdev")), PACKET)] == [Verdict.ACCEPT]
    chain = {**base("ingress", [DROP]), "dev": ["cni0"]}
    assert [(b.verdict, b.uncertain) for b in prerouting(Worlds(native=table(chain, family="netdev")), PACKET)] == [(Verdict.DROP, False)]


PROXY = Worlds(dump("nftables/proxy.iptables-save"), native=parse_json((DUMPS / "nftables/proxy.nft.json").read_text()))
BOTH = Worlds(dump("nftables/both.iptables-save"), native=parse_json((DUMPS / "nftables/both.nft.json").read_text()))
NODE = frozenset({"172.30.0.12", "10.244.2.1", "10.244.2.0", "127.0.0.1"})
POD = Packet("10.244.2.200", "10.96.0.10", "udp", 40000, 53, "cni0", local=NODE)


def out(address: str) -> str:
    return "cni0" if address.startswith("10.244.2.") else "flannel.1" if address.startswith("10.244.") else "eth0"


@pytest.mark.parametrize("worlds", [PROXY, BOTH], ids=["proxy", "both"])
def test_a_service_of_kube_proxy(worlds: Worlds) -> None:
    assert endpoints(worlds, POD, route=out) == {("10.244.1.2", 53): 0.5, ("10.244.2.2", 53): 0.5}
    assert endpoints(worlds, replace(POD, src="172.30.0.12", in_iface="", out_iface="eth0"), "output", out) == {
        ("10.244.1.2", 53): 0.5, ("10.244.2.2", 53): 0.5,
    }  # fmt: skip
    assert endpoints(worlds, replace(POD, dport=54), route=out) == {}, "other ports of a ClusterIP are refused"
    assert endpoints(worlds, replace(POD, dst="10.96.9.9"), route=out) == {}, "addresses of nobody are dropped"


@pytest.mark.parametrize("worlds", [PROXY, BOTH], ids=["proxy", "both"])
def test_who_is_masqueraded(worlds: Worlds) -> None:
    def kinds(packet: Packet) -> set[str]:
        return {branch.verdict.value for branch in postrouting(worlds, packet)}

    away = replace(POD, dst="10.244.1.9", dport=80, out_iface="flannel.1")
    assert kinds(away) == {"accept"}
    assert kinds(replace(away, mark=0x4000)) == {"masquerade"}
    assert {b.packet.mark for b in postrouting(worlds, replace(away, mark=0x4000))} == {0}
    assert kinds(replace(away, dst="198.51.100.7", out_iface="eth0")) == {"masquerade"}
    hairpin = replace(POD, src="10.244.2.2", dst="10.244.2.2", out_iface="cni0", translated=frozenset({"DNAT"}), settled=frozenset({"dst"}))
    assert kinds(hairpin) == {"masquerade"}
    assert translation(worlds, replace(POD, dst="224.0.0.251", dport=5353), route=out).kind == "none"


def test_flannel_in_nftables_mode_leaves_foreign_traffic_to_remote_pods_alone() -> None:
    """iptables mode masquerades it; the nftables rules return first (their fourth rule names the node's subnet, not the network)."""
    foreign = Packet("198.51.100.7", "10.244.1.9", "tcp", 40000, 80, "eth0", "flannel.1", local=NODE)
    assert translation(PROXY, foreign, route=out).kind == "masquerade"
    assert translation(BOTH, foreign, route=out).kind == "none"


def test_rules_of_iptables_that_nft_cannot_show_are_no_doubt_where_iptables_shows_them() -> None:
    branches = forward(PROXY, replace(POD, dst="10.244.1.9", out_iface="flannel.1"))
    assert [(b.verdict, b.uncertain) for b in branches] == [(Verdict.ACCEPT, False)]
