"""A healthy cluster has nothing wrong, and every comparison looked at something."""

import object_world
import pytest
from evidence_world import NODES, OF_A_RUN, RecordedWorld

from pytest_k8snet.evidence import flannel_nft, ipvs, node_cni, proxy_ipv6, rules_nft
from pytest_k8snet.evidence.cluster import ClusterEvidence
from pytest_k8snet.evidence.node import NodeEvidence
from pytest_k8snet.model.verdict import NotApplicable

OTHER_MODES = {*rules_nft.COMPARISONS, *ipvs.COMPARISONS, *flannel_nft.COMPARISONS}
ELSEWHERE = {"ipv6_prerequisites", "host_gw", "hairpin", "flannel_ipv6", "flannel_ipv6_rules"}  # of other clusters
ELSEWHERE |= {"docker_chains", "docker_bridge", "other_tunnel", *proxy_ipv6.COMPARISONS, *node_cni.COMPARISONS}


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("name", NodeEvidence.comparisons.keys() - ELSEWHERE - OTHER_MODES)
def test_node(world, node, name):
    if name in OF_A_RUN:
        world = RecordedWorld()
    else:
        object_world.place(world.recording)
    evidence = world.node(node)
    assert getattr(evidence, name) == getattr(evidence, f"expected_{name}"), evidence.explain(name)
    assert getattr(evidence, f"expected_{name}")
    assert evidence.evidence


@pytest.mark.parametrize("name", OTHER_MODES)
def test_what_belongs_to_another_mode_does_not_apply(world, name):
    with pytest.raises(NotApplicable, match=r"mode iptables, not|runs in iptables mode"):
        world.node().comparison(name)


@pytest.mark.parametrize("name", ClusterEvidence.comparisons.keys() - {"both_families"})
def test_cluster(world, name):
    evidence = world.cluster
    assert getattr(evidence, name) == getattr(evidence, f"expected_{name}"), evidence.explain(name)
    assert getattr(evidence, f"expected_{name}")


def test_an_unknown_comparison_is_an_error(world):
    with pytest.raises(AttributeError):
        world.node().expected_nonsense  # noqa: B018


def test_evidence_holds_what_was_read_and_no_more(world):
    node = world.node()
    node.fdb  # noqa: B018
    assert {entry["name"] for entry in node.evidence} == {"fdb"}
    assert all(len(entry["text"]) <= 4096 and entry["kind"] == "fact" for entry in node.evidence)
