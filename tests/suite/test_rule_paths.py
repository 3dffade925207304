"""Rules are judged by what they do to packets: names do not matter, every rule on a packet's way does, unknown matches are no pass."""

from __future__ import annotations

import json
import re
import string
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from spoiling import Evidence
from walked import RECORDING, on_the_way

UNKNOWN = '-m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0"'
NODE = "w1"
NAMED = ("NET-NAT-010", "NET-PROXY-009", "NET-PROXY-015", "NET-PROXY-023")  # about names: a difference warns, and nothing more


QUICK = (Phase.reuse, Phase.generate)  # smaller random names explain nothing, and every try is a replay


@settings(max_examples=3, deadline=None, phases=QUICK, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(min_value=0))
def test_names_of_chains_only_warn(seed, recorded, judge, healthy):
    evidence, random = Evidence(recorded), Random(seed)
    for node in evidence.nodes:
        _rename_chains(evidence, node, random)
    assert judge(evidence).differs(healthy) == {f"{id} {node}": "warning" for id in NAMED for node in evidence.nodes}


def _rename_chains(evidence, node, random):
    (dump,) = evidence.facts(node, "iptables")
    chains = set(re.findall(r"^:(\S+) -", dump["text"], re.MULTILINE))
    assert len(chains) > 30
    names = {chain: "".join(random.choices(string.ascii_uppercase, k=random.randint(3, 28))) for chain in sorted(chains)}
    assert len(set(names.values())) == len(names)
    evidence.fact(
        node, "iptables", lambda text: re.sub(r"(^:|-[Ajg] )(\S+)", lambda m: m[1] + names.get(m[2], m[2]), text, flags=re.MULTILINE)
    )
    evidence.fact(node, "nft", lambda text: re.sub(r'"([A-Z0-9-]+)"', lambda m: json.dumps(names.get(m[1], m[1])), text))


@pytest.mark.parametrize("rule", on_the_way(NODE), ids=lambda rule: f"{rule.chain} {rule.number}")
def test_every_rule_on_the_way_of_a_service_packet_counts(rule, judge, healthy):
    """A pod's packet to the ClusterIP of `web`, from PREROUTING to POSTROUTING: each rule that matched it, deleted alone."""
    evidence = Evidence(RECORDING)
    evidence.delete_rule(NODE, rule.raw)
    changed = judge(evidence).differs(healthy)
    assert "failed" in changed.values(), changed
    assert {item.partition(" ")[2] for item in changed} == {NODE}


@pytest.mark.parametrize(
    ("before", "rule", "doubtful"),
    [
        (
            ("web:tcp cluster IP", "-A KUBE-SVC-"),
            f"-A {{chain}} {UNKNOWN} -j RETURN",
            {f"NET-PROXY-0{number}" for number in ("07", "10", "16", "17", "18", "19", "20", "21", "23")},
        ),
        (
            ("-A FORWARD", "-j FLANNEL-FWD"),
            f"-A {{chain}} {UNKNOWN} -j DROP",
            {"NET-NODE-007", "NET-FLANNEL-021"},
        ),
        (
            ("-A POSTROUTING", "-j FLANNEL-POSTRTG"),
            f"-A {{chain}} {UNKNOWN} -j MASQUERADE",
            {"NET-NAT-009", "NET-NAT-008", "NET-FLANNEL-020", "NET-PROXY-011"},
        ),
    ],
    ids=["nat of a Service", "filter FORWARD", "nat POSTROUTING"],
)
def test_an_unknown_match_leaves_in_doubt_what_hangs_on_it(before, rule, doubtful, evidence, judge, healthy):
    (chain,) = {line.split()[2] for line in evidence.facts(NODE, "iptables")[0]["text"].split("\n") if all(part in line for part in before)}
    evidence.rule_before(NODE, rule.format(chain=chain), *before)
    judged = judge(evidence)
    assert judged.differs(healthy) == {f"{id} {NODE}": "inconclusive" for id in doubtful}
    assert all("-m bpf" in judged.message(f"{id} {NODE}") for id in doubtful)


def test_an_unknown_match_that_decides_nothing_is_no_doubt(evidence, judge, healthy):
    evidence.rule_before(NODE, f"-A FORWARD {UNKNOWN} -j ACCEPT", "-A FORWARD", "-j FLANNEL-FWD")
    assert judge(evidence).differs(healthy) == {}
