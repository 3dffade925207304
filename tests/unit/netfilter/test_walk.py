"""The walk through one table: order, jumps, marks, chance, doubt, and what ends it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.netfilter.branch import Branch, Verdict
from pytest_k8snet.netfilter.packet import Packet
from pytest_k8snet.netfilter.walk import walk
from pytest_k8snet.parse.iptables import parse_save

from .rules import ruleset

PACKET = Packet("10.1.0.1", "10.2.0.1", "tcp", 4000, 80, "cni0", "eth0", local=frozenset())
UNKNOWN = "-m string --string x"


def through(table: str, chain: str, text: str, packet: Packet = PACKET, policy: str = "ACCEPT") -> tuple[Branch, ...]:
    return walk(ruleset(policy, **{table: text}), table, chain, packet)


def only(table: str, chain: str, text: str, packet: Packet = PACKET, policy: str = "ACCEPT") -> Branch:
    (branch,) = through(table, chain, text, packet, policy)
    return branch


def numbers(branch: Branch) -> list[tuple[str, int]]:
    return [(step.chain, step.number) for step in branch.steps]


def test_first_match_decides() -> None:
    branch = only("filter", "FORWARD", "FORWARD -s 10.9.0.1 -j DROP\nFORWARD -s 10.1.0.1 -j ACCEPT\nFORWARD -j DROP")
    assert (branch.verdict, branch.uncertain, numbers(branch)) == (Verdict.ACCEPT, False, [("FORWARD", 2)])
    assert branch.by is branch.steps[0]
    assert str(branch.by) == "filter FORWARD rule 2: -A FORWARD -s 10.1.0.1 -j ACCEPT"


def test_policy() -> None:
    accepted = only("filter", "FORWARD", "FORWARD -s 10.9.0.1 -j DROP")
    assert (accepted.verdict, accepted.by, accepted.steps) == (Verdict.ACCEPT, None, ())
    dropped = only("filter", "FORWARD", "FORWARD -s 10.9.0.1 -j ACCEPT", policy="DROP")
    assert (dropped.verdict, str(dropped.by)) == (Verdict.DROP, "filter FORWARD policy DROP")
    assert only("filter", "FORWARD", "", policy="QUEUE").verdict is Verdict.UNKNOWN


def test_return_and_end_of_a_chain_go_on_behind_the_jump() -> None:
    text = "FORWARD -j U1\nFORWARD -j REJECT\nU1 -s 10.9.0.1 -j ACCEPT\nU1 -j U2\nU1 -j RETURN\nU1 -j DROP\nU2 -j LOG"
    branch = only("filter", "FORWARD", text)
    assert branch.verdict is Verdict.REJECT
    assert numbers(branch) == [("FORWARD", 1), ("U1", 2), ("U2", 1), ("U1", 3), ("FORWARD", 2)]


def test_goto_skips_the_rest_of_its_chain() -> None:
    text = "FORWARD -j U1\nFORWARD -j REJECT\nU1 -g U2\nU1 -j DROP\nU2 -j LOG"
    assert only("filter", "FORWARD", text).verdict is Verdict.REJECT
    assert only("filter", "FORWARD", "FORWARD -g U1\nFORWARD -j DROP\nU1 -j LOG").verdict is Verdict.ACCEPT
    assert only("filter", "FORWARD", "FORWARD -g U1\nFORWARD -j ACCEPT\nU1 -j RETURN", policy="DROP").verdict is Verdict.DROP


def test_return_in_a_base_chain_is_its_policy() -> None:
    assert only("filter", "FORWARD", "FORWARD -j RETURN\nFORWARD -j ACCEPT", policy="DROP").verdict is Verdict.DROP


def test_a_user_chain_by_itself() -> None:
    assert only("filter", "U1", "U1 -j LOG").verdict is Verdict.RETURN
    assert only("filter", "U1", "U1 -j DROP").verdict is Verdict.DROP


def test_what_does_not_exist_accepts_and_what_was_not_shown_is_unknown() -> None:
    assert [branch.verdict for branch in walk(ruleset(), "filter", "FORWARD", PACKET)] == [Verdict.ACCEPT]
    (branch,) = walk(parse_save("# Table `nat' is incompatible, use 'nft' tool.\n"), "nat", "POSTROUTING", PACKET, world="nft")
    assert (branch.verdict, branch.uncertain) == (Verdict.UNKNOWN, True)
    assert str(branch.by) == "nft nat POSTROUTING Table `nat' is incompatible, use 'nft' tool."


@pytest.mark.parametrize(
    ("target", "before", "after"),
    [
        ("MARK --set-xmark 0x4000/0x4000", 0x1, 0x4001),
        ("MARK --set-xmark 0x4000/0x0", 0x4001, 0x1),
        ("MARK --set-mark 0x2/0xf", 0xF5, 0xF2),
        ("MARK --set-mark 7", 0xF5, 7),
        ("MARK --or-mark 0x8000", 1, 0x8001),
        ("MARK --and-mark 0xff", 0x1FF, 0xFF),
        ("MARK --xor-mark 0x3", 0x1, 0x2),
        ("MARK --set-mark 7", None, 7),
        ("MARK --or-mark 1", None, None),
    ],
)
def test_mark(target: str, before: int | None, after: int | None) -> None:
    assert only("mangle", "PREROUTING", f"PREROUTING -j {target}", replace(PACKET, mark=before)).packet.mark == after


def test_connmark() -> None:
    packet = replace(PACKET, mark=0x12, connmark=0x300)
    assert only("mangle", "PREROUTING", "PREROUTING -j CONNMARK --save-mark --nfmask 0xf --ctmask 0xff", packet).packet.connmark == 0x302
    assert only("mangle", "PREROUTING", "PREROUTING -j CONNMARK --restore-mark", packet).packet.mark == 0x300
    assert only("mangle", "PREROUTING", "PREROUTING -j CONNMARK --set-xmark 0x1/0xff", packet).packet.connmark == 0x301
    assert only("mangle", "PREROUTING", "PREROUTING -j CONNMARK --restore-mark", replace(packet, connmark=None)).packet.mark is None
    assert only("mangle", "PREROUTING", "PREROUTING -j CONNMARK --restore-mark", replace(packet, state="UNTRACKED")).packet == replace(
        packet, state="UNTRACKED"
    )
    assert only("mangle", "PREROUTING", "PREROUTING -j CONNMARK --save-mark --mask 0xf", packet).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("target", "dst", "dport"),
    [
        ("DNAT --to-destination 10.3.0.1:8080", "10.3.0.1", 8080),
        ("DNAT --to-destination 10.3.0.1 --random --persistent", "10.3.0.1", 80),
        ("DNAT --to-destination :8080", "10.2.0.1", 8080),
        ("REDIRECT --to-ports 8080", "127.0.0.1", 8080),
    ],
)
def test_dnat(target: str, dst: str, dport: int) -> None:
    branch = only("nat", "OUTPUT", f"OUTPUT -p tcp -j {target}\nOUTPUT -j DNAT --to-destination 1.2.3.4")
    assert (branch.verdict, branch.packet.dst, branch.packet.dport) == (Verdict.DNAT, dst, dport)
    assert (branch.packet.original_dst, branch.packet.original_dport, branch.packet.translated) == ("10.2.0.1", 80, {"DNAT"})


def test_dnat_of_ipv6_and_to_itself() -> None:
    six = replace(PACKET, src="fd00::1", dst="fd00::2")
    assert only("nat", "PREROUTING", "PREROUTING -p tcp -j DNAT --to-destination [fd00::3]:81", six).packet.dport == 81
    assert only("nat", "PREROUTING", "PREROUTING -j DNAT --to-destination fd00::3", six).packet.dst == "fd00::3"
    assert only("nat", "OUTPUT", "OUTPUT -p tcp -j REDIRECT", six).packet.dst == "::1"
    assert only("nat", "PREROUTING", "PREROUTING -p tcp -j DNAT --to-destination 10.2.0.1:80").packet.translated == frozenset()


def test_snat() -> None:
    branch = only("nat", "POSTROUTING", "POSTROUTING -j SNAT --to-source 10.9.0.9")
    assert (branch.verdict, branch.packet.src, branch.packet.sport, branch.packet.translated) == (Verdict.SNAT, "10.9.0.9", 4000, {"SNAT"})
    assert only("nat", "POSTROUTING", "POSTROUTING -j SNAT --to-source 10.1.0.1").packet == PACKET
    assert only("nat", "POSTROUTING", "POSTROUTING -j MASQUERADE --random-fully").verdict is Verdict.MASQUERADE


@pytest.mark.parametrize(
    "target",
    [
        "DNAT --to-destination 10.3.0.1-10.3.0.2", "DNAT --to-destination 10.3.0.1:80-90",
        "DNAT --to-destination 1.1.1.1 --to-destination 2.2.2.2",
        "DNAT", "SNAT --to-source 10.9.0.1-10.9.0.2", "SNAT --to-source :80",
        "NFQUEUE --queue-num 1", "TPROXY --on-port 1", "NETMAP --to 10.0.0.0/8",
        "MARK --set-xmark x", "MARK --set-mark 1 2", "MARK --set-mark 1 --or-mark 2", "MASQUERADE --strange", "KUBE-GONE", "LOG x",
        "REDIRECT --to-ports 1",
    ],
)  # fmt: skip
def test_targets_that_are_not_known(target: str) -> None:
    branch = only("nat", "PREROUTING", f"PREROUTING -p tcp -j {target}")
    assert (branch.verdict, branch.uncertain, branch.packet) == (Verdict.UNKNOWN, True, PACKET)
    assert branch.by is branch.steps[-1]


def test_notrack() -> None:
    assert only("raw", "PREROUTING", "PREROUTING -j CT --notrack").packet.state == "UNTRACKED"
    assert only("raw", "PREROUTING", "PREROUTING -j NOTRACK").packet.state == "UNTRACKED"
    assert only("raw", "PREROUTING", "PREROUTING -p tcp -j CT --helper ftp").packet == PACKET


def test_chance_splits() -> None:
    text = "PREROUTING -m statistic --mode random --probability 0.25 -j DNAT --to-destination 10.3.0.1\n"
    text += "PREROUTING -m statistic --mode nth --every 3 --packet 0 -j DNAT --to-destination 10.3.0.2"
    found = {branch.packet.dst: branch.probability for branch in through("nat", "PREROUTING", text)}
    assert found == pytest.approx({"10.3.0.1": 0.25, "10.3.0.2": 0.25, "10.2.0.1": 0.5})
    assert [
        b.probability for b in through("filter", "FORWARD", "FORWARD -m statistic --mode random ! --probability 0.2 -j DROP")
    ] == pytest.approx([0.8, 0.2])


def test_chance_without_consequence_does_not_split() -> None:
    assert only("filter", "FORWARD", "FORWARD -m statistic --mode random --probability 0.5 -j LOG").probability == 1
    assert only("filter", "FORWARD", "FORWARD -m statistic --mode random --probability 0.5 -j ACCEPT").probability == 1
    assert only("filter", "FORWARD", "FORWARD -m statistic --mode random --probability 0 -j DROP").verdict is Verdict.ACCEPT
    assert only("filter", "FORWARD", "FORWARD -m statistic --mode random --probability 1 -j DROP").verdict is Verdict.DROP
    assert {b.uncertain for b in through("filter", "FORWARD", "FORWARD -m statistic --mode strange -j DROP")} == {True}


def test_unknown_is_tried_both_ways() -> None:
    branches = through("filter", "FORWARD", f"FORWARD {UNKNOWN} -j DROP\nFORWARD -j ACCEPT")
    assert {(branch.verdict, branch.uncertain) for branch in branches} == {(Verdict.DROP, True), (Verdict.ACCEPT, True)}
    (dropped,) = (branch for branch in branches if branch.verdict is Verdict.DROP)
    assert str(dropped.by) == "filter FORWARD rule 1 (may match): -A FORWARD -m string --string x -j DROP"


def test_unknown_without_consequence_is_certain() -> None:
    for text in (
        f"FORWARD {UNKNOWN} -j ACCEPT",
        f"FORWARD {UNKNOWN} -j U1\nU1 -j LOG\nU1 {UNKNOWN} -j RETURN",
        f"FORWARD {UNKNOWN} -j LOG",
    ):
        assert only("filter", "FORWARD", text).uncertain is False


def test_unknown_in_front_of_chance_keeps_the_shares() -> None:
    text = f"PREROUTING {UNKNOWN} -j U1\nU1 -j RETURN\n"
    text += "PREROUTING -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.3.0.1"
    assert [(branch.probability, branch.uncertain) for branch in through("nat", "PREROUTING", text)] == [(0.5, False), (0.5, False)]


def test_many_unknown_rules_stay_quick() -> None:
    marks = "\n".join(f"PREROUTING {UNKNOWN} -j MARK --or-mark {1 << bit}" for bit in range(30))
    (branch,) = through("mangle", "PREROUTING", marks)
    assert (branch.verdict, branch.uncertain) == (Verdict.UNKNOWN, True)
    assert "more ways through it than can be walked" in str(branch.by)
    drops = "\n".join(f"FORWARD {UNKNOWN} -j DROP" for _ in range(100))
    assert {branch.verdict for branch in through("filter", "FORWARD", drops)} == {Verdict.DROP, Verdict.ACCEPT}


@pytest.mark.parametrize("jump", ["-j", "-g"])
def test_a_loop_is_unknown(jump: str) -> None:
    (branch,) = through("filter", "FORWARD", f"FORWARD -j U1\nU1 {jump} U2\nU2 {jump} U1")
    assert branch.verdict is Verdict.UNKNOWN


def test_a_long_chain_is_walked() -> None:
    text = "\n".join(f"PREROUTING -d 10.96.{n // 250}.{n % 250 + 1} -j DNAT --to-destination 10.3.0.1" for n in range(5000))
    assert only("nat", "PREROUTING", text, replace(PACKET, dst="10.96.19.250")).steps[0].number == 5000
    spread = "\n".join(
        f"PREROUTING -m statistic --mode random --probability 0.001 -j DNAT --to-destination 10.9.{n // 250}.{n % 250 + 1}"
        for n in range(2000)
    )
    assert len(through("nat", "PREROUTING", spread)) == 2001


_RULES = st.lists(
    st.tuples(
        st.sampled_from(["FORWARD", "FORWARD", "U1"]),
        st.sampled_from(["", "-s 10.1.0.1", "! -s 10.1.0.1", "-p udp", UNKNOWN,
                         "-m statistic --mode random --probability 0.3", "-m mark --mark 0x1/0x1"]),
        st.sampled_from(["-j ACCEPT", "-j DROP", "-j RETURN", "-j LOG", "-j MARK --or-mark 0x1", "-j U2", "-g U2", "-j NFQUEUE"]),
    ),
    max_size=10,
)  # fmt: skip

_REST = f"\nFORWARD -j U1\nU2 {UNKNOWN} -j MARK --xor-mark 0x1\n"
_REST += "U2 -m statistic --mode random --probability 0.5 -j RETURN\nU2 -j MARK --or-mark 0x2"


@given(_RULES)
def test_shares_of_a_certain_walk_add_up(rules: list[tuple[str, str, str]]) -> None:
    branches = through("filter", "FORWARD", "\n".join(" ".join(rule) for rule in rules) + _REST)
    assert branches
    if not any(branch.uncertain for branch in branches):
        assert sum(branch.probability for branch in branches) == pytest.approx(1)
        assert Verdict.UNKNOWN not in {branch.verdict for branch in branches}


@given(_RULES, st.data())
def test_what_is_claimed_holds_however_the_unknown_turns_out(rules: list[tuple[str, str, str]], data: st.DataObject) -> None:
    """Replace each unknown match by one that is true or false: the branches of that world are among those that were told."""
    told = {(b.verdict, b.packet): b.uncertain for b in through("filter", "FORWARD", "\n".join(" ".join(rule) for rule in rules) + _REST)}
    known = [(c, data.draw(st.sampled_from(["-s 10.1.0.1", "-s 10.9.9.9"])) if m == UNKNOWN else m, t) for c, m, t in rules]
    real = through("filter", "FORWARD", "\n".join(" ".join(rule) for rule in known) + _REST)
    for branch in real:
        assert (branch.verdict, branch.packet) in told or (Verdict.UNKNOWN in {verdict for verdict, _ in told})
    if not any(told.values()):
        assert {(branch.verdict, branch.packet) for branch in real} == set(told)
