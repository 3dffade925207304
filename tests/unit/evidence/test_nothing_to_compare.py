"""Nothing against nothing is no agreement: where the API objects name nothing to judge, nothing passes."""

import pytest
from evidence_world import NODES, WORKER1

from pytest_k8snet.model.verdict import Inconclusive, NotApplicable


def without_cidrs(world):
    for item in world.object("nodes")["items"]:
        item["spec"].pop("podCIDR", None)
        item["spec"].pop("podCIDRs", None)
    for node in NODES:
        world.write("bridge-nf", "0\n", node)


@pytest.mark.parametrize("name", ["forwarding_verdicts", "between_pods"])
def test_nodes_without_pod_cidrs(world, name):
    without_cidrs(world)
    with pytest.raises(Inconclusive, match=r"k8snet-worker1: .*: the API objects name nothing that could be compared"):
        world.node().comparison(name)


def test_no_node_has_a_pod_cidr_inside_the_network(world):
    without_cidrs(world)
    with pytest.raises(Inconclusive, match=r"cluster: .* name nothing that could be compared"):
        world.cluster.comparison("pod_network")


def test_what_is_there_and_should_not_be_stays_a_finding(world):
    world.object("nodes")["items"] = [world.api_node(WORKER1)]
    assert "peer_routes" in world.wrong()


def test_the_only_node_bridges_past_the_rules(world):
    world.object("nodes")["items"] = [world.api_node(WORKER1)]
    assert world.node().comparison("between_pods").expected
    world.write("bridge-nf", "0\n")
    with pytest.raises(NotApplicable, match="k8snet-worker1 is the only node"):
        world.node().comparison("between_pods")
