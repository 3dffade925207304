"""Tables in the kernel's order, worlds beside each other, NAT once per connection."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_k8snet.netfilter.branch import Verdict
from pytest_k8snet.netfilter.hooks import Worlds, forward, input, output, postrouting, prerouting
from pytest_k8snet.netfilter.journey import journey
from pytest_k8snet.netfilter.packet import Packet
from pytest_k8snet.parse.iptables import parse_save
from pytest_k8snet.parse.nft import BaseChain, NftRule, NftRuleset, parse_json
from pytest_k8snet.parse.nft_expression import Plain

from .rules import DUMPS, dump, ruleset

PACKET = Packet("10.1.0.1", "10.2.0.1", "tcp", 4000, 80, "cni0", "eth0", local=frozenset({"10.1.0.254"}))


def native(*chains: BaseChain) -> NftRuleset:
    return NftRuleset((("inet", "t"),), chains)


def base(hook: str, policy: str = "accept", rules: int = 0, family: str = "inet", table: str = "t", kind: str = "filter") -> BaseChain:
    unread = tuple(NftRule("c", number, (Plain("queue", '{"num": 1}'),)) for number in range(1, rules + 1))
    return BaseChain(family, table, "c", unread, kind, hook, 0, policy)


def test_raw_mangle_nat_in_order() -> None:
    rules = ruleset(
        nat="PREROUTING -m mark --mark 0x3 -j DNAT --to-destination 10.3.0.1",
        mangle="PREROUTING -m mark --mark 0x1 -j MARK --or-mark 0x2",
        raw="PREROUTING -j MARK --set-mark 0x1",
    )
    (branch,) = prerouting(Worlds(nft=rules), PACKET)
    assert (branch.verdict, branch.packet.dst, branch.packet.mark) == (Verdict.DNAT, "10.3.0.1", 3)
    assert [step.table for step in branch.steps] == ["raw", "mangle", "nat"]
    assert str(branch.by) == "nft nat PREROUTING rule 1: -A PREROUTING -m mark --mark 0x3 -j DNAT --to-destination 10.3.0.1"


def test_output_filters_behind_nat() -> None:
    rules = ruleset(nat="OUTPUT -j DNAT --to-destination 10.3.0.1", filter="OUTPUT -d 10.3.0.1 -j REJECT")
    (branch,) = output(Worlds(legacy=rules), PACKET)
    assert (branch.verdict, branch.by and branch.by.world, branch.by and branch.by.table) == (Verdict.REJECT, "legacy", "filter")


def test_a_drop_in_any_world_is_final() -> None:
    accept, drop = ruleset(filter="FORWARD -j ACCEPT"), ruleset(filter="FORWARD -j DROP")
    for worlds in (Worlds(accept, drop), Worlds(drop, accept)):
        (branch,) = forward(worlds, PACKET)
        assert (branch.verdict, branch.uncertain) == (Verdict.DROP, False)


def test_accepted_by_rule_or_by_policy() -> None:
    ruled = forward(Worlds(ruleset(filter="FORWARD -j ACCEPT"), ruleset(filter="FORWARD -j LOG")), PACKET)
    assert [str(branch.by) for branch in ruled] == ["nft filter FORWARD rule 1: -A FORWARD -j ACCEPT"]
    assert [branch.by for branch in forward(Worlds(ruleset(filter="FORWARD -s 10.9.0.1 -j DROP")), PACKET)] == [None]
    assert [branch.by for branch in forward(Worlds(ruleset(mangle="FORWARD -j ACCEPT")), PACKET)] == [None]


def test_the_other_world_still_translates_after_accept() -> None:
    worlds = Worlds(ruleset(nat="POSTROUTING -j ACCEPT"), ruleset(nat="POSTROUTING -j MASQUERADE"))
    (branch,) = postrouting(worlds, PACKET)
    assert (branch.verdict, branch.uncertain) == (Verdict.MASQUERADE, False)


def test_two_worlds_that_translate_differently_are_uncertain() -> None:
    worlds = Worlds(
        ruleset(nat="PREROUTING -j DNAT --to-destination 10.3.0.1"), ruleset(nat="PREROUTING -j DNAT --to-destination 10.3.0.2")
    )
    assert {(branch.packet.dst, branch.uncertain) for branch in prerouting(worlds, PACKET)} == {("10.3.0.1", True), ("10.3.0.2", True)}
    marks = Worlds(ruleset(mangle="PREROUTING -j MARK --set-mark 1"), ruleset(mangle="PREROUTING -j MARK --set-mark 2"))
    assert {branch.packet.mark for branch in prerouting(marks, PACKET)} == {1, 2}
    same = Worlds(ruleset(nat="PREROUTING -j DNAT --to-destination 10.3.0.1"), ruleset(nat="PREROUTING -j DNAT --to-destination 10.3.0.1"))
    assert [branch.uncertain for branch in prerouting(same, PACKET)] == [False]


@pytest.mark.parametrize(
    ("packet", "translated"),
    [
        (PACKET, True),
        (replace(PACKET, state="ESTABLISHED"), False),
        (replace(PACKET, state="UNTRACKED"), False),
        (replace(PACKET, state="RELATED"), True),
        (replace(PACKET, state="RELATED", protocol="icmp"), False),
        (replace(PACKET, settled=frozenset({"dst"})), False),
    ],
)
def test_nat_sees_first_packets_only(packet: Packet, translated: bool) -> None:
    (branch,) = prerouting(Worlds(ruleset(nat="PREROUTING -j DNAT --to-destination 10.3.0.1")), packet)
    assert (branch.verdict is Verdict.DNAT) is translated


def test_notrack_keeps_out_of_nat() -> None:
    rules = ruleset(raw="PREROUTING -j CT --notrack", nat="PREROUTING -j DNAT --to-destination 10.3.0.1")
    assert [branch.verdict for branch in prerouting(Worlds(rules), PACKET)] == [Verdict.ACCEPT]


def test_raw_comes_before_connections() -> None:
    for match in ("-m conntrack --ctstate NEW", "-m connmark ! --mark 0x1", "-m conntrack --ctproto 6"):
        assert [b.verdict for b in prerouting(Worlds(ruleset(raw=f"PREROUTING {match} -j DROP")), PACKET)] == [Verdict.ACCEPT]
        assert [b.verdict for b in prerouting(Worlds(ruleset(mangle=f"PREROUTING {match} -j DROP")), PACKET)] == [Verdict.DROP]
    assert [b.verdict for b in prerouting(Worlds(ruleset(raw="PREROUTING -m conntrack --ctstate INVALID -j DROP")), PACKET)] == [
        Verdict.DROP
    ]


def test_input() -> None:
    rules = ruleset(filter="INPUT -p tcp --dport 80 -j DROP\nFORWARD -j REJECT")
    assert [branch.verdict for branch in input(Worlds(rules), PACKET)] == [Verdict.DROP]


def test_opaque_table_is_unknown() -> None:
    worlds = Worlds(parse_save("# Table `filter' is incompatible, use 'nft' tool.\n"))
    assert [(branch.verdict, branch.uncertain) for branch in forward(worlds, PACKET)] == [(Verdict.UNKNOWN, True)]


def test_native_policy_decides_without_rules() -> None:
    (branch,) = forward(Worlds(native=native(base("forward", "drop"))), PACKET)
    assert (branch.verdict, branch.uncertain, str(branch.by)) == (Verdict.DROP, False, "native inet t c (hook forward) policy drop")
    assert [b.verdict for b in forward(Worlds(native=native(base("forward"))), PACKET)] == [Verdict.ACCEPT]
    assert [b.verdict for b in forward(Worlds(native=native(base("input", "drop"), base("forward", "drop", family="ip6"))), PACKET)] == [
        Verdict.ACCEPT
    ]


@pytest.mark.parametrize("chain", [base("forward", rules=1), base("forward", "drop", rules=1), base("forward", rules=1, family="bridge")])
def test_what_is_not_understood_is_unknown(chain: BaseChain) -> None:
    branches = forward(Worlds(native=native(chain)), PACKET)
    assert all(branch.uncertain for branch in branches)
    assert Verdict.UNKNOWN in {branch.verdict for branch in branches}
    assert f'native {chain.family} t c rule 1: queue {{"num": 1}}' in {str(branch.by) for branch in branches}


def test_native_ingress_counts_as_prerouting() -> None:
    assert any(branch.uncertain for branch in prerouting(Worlds(native=native(base("ingress", rules=1, family="netdev"))), PACKET))


def test_the_tables_of_iptables_nft_are_not_native_rules() -> None:
    tables = parse_json((DUMPS / "lab" / "k8snet-worker1.nft.json").read_text())
    worlds = Worlds(nft=dump("lab/k8snet-worker1.iptables-save"), native=tables)
    packet = replace(PACKET, src="10.244.1.9", dst="10.244.3.9")
    assert [(b.verdict, b.uncertain) for b in journey(worlds, packet)] == [(Verdict.ACCEPT, False)]
    assert any(branch.uncertain for branch in journey(Worlds(native=tables), packet))


def test_journey_of_a_local_packet_to_the_node_itself() -> None:
    rules = ruleset(
        filter="INPUT -i lo -j DROP",
        nat="PREROUTING -j DNAT --to-destination 10.9.0.9\nPOSTROUTING -o lo -j MASQUERADE",
        mangle="INPUT -j LOG",
    )
    packet = replace(PACKET, src="10.1.0.254", dst="10.1.0.254", in_iface="", out_iface="lo")
    (branch,) = journey(Worlds(rules), packet, "output")
    assert [f"{step.table} {step.chain}" for step in branch.steps] == ["nat POSTROUTING", "mangle INPUT", "filter INPUT"]
    assert branch.verdict is Verdict.DROP


def test_journey_ends_at_the_node_or_passes_it() -> None:
    rules = ruleset(filter="INPUT -j DROP\nFORWARD -j REJECT")
    assert [b.verdict for b in journey(Worlds(rules), replace(PACKET, dst="10.1.0.254"))] == [Verdict.DROP]
    assert [b.verdict for b in journey(Worlds(rules), PACKET)] == [Verdict.REJECT]


def test_journey_asks_for_the_route_after_dnat() -> None:
    rules = ruleset(nat="PREROUTING -j DNAT --to-destination 10.3.0.1", filter="FORWARD -o third -j DROP")
    assert [b.verdict for b in journey(Worlds(rules), PACKET, route=lambda dst: "third" if dst == "10.3.0.1" else "eth0")] == [Verdict.DROP]
    assert [b.uncertain for b in journey(Worlds(rules), PACKET)] == [True, True]
