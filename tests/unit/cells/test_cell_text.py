"""The failure text is the product: one line that says who, whom, where, what happened, and what is documented by whom."""

from __future__ import annotations

from dataclasses import replace

from pytest_k8snet.model.probe import Family


def test_no_answer(world):
    world.alter("NET-REACH-005", outcome="timeout", seconds=1.0)
    assert world.judge("NET-REACH-005")[1] == (
        "pod/a@n1 (10.4.1.7) > pod/a@n2 at 10.4.2.7:7801 tcp: 0 of 3 samples reached, 3 timeout (1.00 s); "
        "documented: reached - pods reach pods of every other node at their pod IPs (Kubernetes conformance)"
    )


def test_wrong_source(world):
    world.alter("NET-NAT-002", reply_peer="10.4.1.0")
    assert world.judge("NET-NAT-002")[1] == (
        "pod/a@n1 (10.4.1.7) > pod/a@n2 at 10.4.2.7:7801 tcp: 3 of 3 samples reached, source seen 10.4.1.0; "
        "documented: reached, source 10.4.1.7 (the client's own address) - no address translation between pods (Kubernetes network model)"
    )


def test_wrong_ttl(world):
    world.alter("NET-PATH-002", reply_ttl=61)
    assert "pod/a@n2 at 10.4.2.7" in world.judge("NET-PATH-002")[1]
    assert ", TTL 61; documented: reached, TTL 62 - " in world.judge("NET-PATH-002")[1]


def test_who_sent_the_error(world):
    world.alter("NET-MTU-003", outcome="too-big", detail={"icmp_from": "10.4.1.1", "mtu": 1400})
    assert "icmp df-mtu: 0 of 3 samples reached, 3 too-big from 10.4.1.1 with MTU 1400 (0.00 s)" in world.judge("NET-MTU-003")[1]


def test_who_answered_instead(world):
    world.alter("NET-REACH-013", outcome="wrong-peer", reply_server="host@n3")
    assert "3 wrong-peer: host@n3 answered" in world.judge("NET-REACH-013")[1]


def test_different_failures_are_counted_apart(world):
    world.alter("NET-REACH-005", outcome="timeout", seconds=1.0)
    world.samples("NET-REACH-005")[3] |= {"outcome": "refused", "seconds": 0.25}
    assert "0 of 3 samples reached, 2 timeout (1.00 s), 1 refused (0.25 s)" in world.judge("NET-REACH-005")[1]


def test_addresses_of_ipv6_stand_in_brackets(world):
    world.alter("NET-REACH-005", outcome="timeout")
    world.frames["tcp4:pod/a@n1>pod/a@n2"]["request"]["address"] = "fd00::7"
    world.frames["tcp4:pod/a@n1>pod/a@n2"]["id"] = "tcp6:pod/a@n1>pod/a@n2"
    next(entry for entry in world.recording.streams["fleet"] if entry["endpoint"] == "pod/a@n2")["ips"] = ["10.4.2.9", "fd00::7"]
    plan = world.plans["NET-REACH-005"][0]
    assert "at [fd00::7]:7801 tcp" in world.judge_plan(replace(plan, probe=replace(plan.probe, family=Family.IPV6)))[1]


def test_hairpin_names_both_allowed_addresses(world):
    world.alter("NET-SERVICE-006", reply_peer="10.4.1.7")
    assert "source 10.4.1.1, 172.30.0.11 (its node's bridge or its node's address)" in world.judge("NET-SERVICE-006")[1]


def test_every_text_is_one_line(world):
    for requirement, plans in world.plans.items():
        world.alter(requirement, outcome="reset", seconds=0.5)
        for number in range(len(plans)):
            assert "\n" not in world.judge(requirement, number)[1]
