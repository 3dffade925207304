"""Docker's chains and bridge on a node that runs docker."""

import json

import pytest
from evidence_world import WORKER1

from pytest_k8snet.model.verdict import Inconclusive, NotApplicable

CHAINS = """:DOCKER - [0:0]
:DOCKER-USER - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
[0:0] -A DOCKER ! -i docker0 -o docker0 -j DROP
[0:0] -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j RETURN
[0:0] -A DOCKER-USER -j RETURN
"""


@pytest.fixture
def docker(world):
    """The healthy worker, with docker as docker leaves it."""
    world.api_node(WORKER1)["status"]["nodeInfo"]["containerRuntimeVersion"] = "docker://24.0.7"
    world.edit("iptables", "*filter\n", f"*filter\n{CHAINS}")
    entries = json.loads(world.text("addresses"))
    info = [{"family": "inet", "local": "172.17.0.1", "prefixlen": 16, "scope": "global"}]
    world.write("addresses", json.dumps([*entries, {"ifindex": 90, "ifname": "docker0", "addr_info": info}]))
    world.object("pods")["items"] += [_pod("web", "10.244.2.9"), _pod("host", "172.17.0.1", host=True)]
    return world


def _pod(name, ip, host=False):
    spec = {"nodeName": WORKER1} | ({"hostNetwork": True} if host else {})
    return {"metadata": {"name": name, "namespace": "d"}, "spec": spec, "status": {"podIP": ip, "podIPs": [{"ip": ip}]}}


def test_as_docker_leaves_it(docker):
    node = docker.node()
    assert node.docker_chains == node.expected_docker_chains, node.explain("docker_chains")
    assert node.docker_chains["nft filter DOCKER-USER holds"] == "only RETURN"
    assert node.docker_bridge == node.expected_docker_bridge
    assert node.docker_bridge["web"] == "not on docker0"
    assert "host" not in node.docker_bridge


@pytest.mark.parametrize("name", ["docker_chains", "docker_bridge"])
def test_a_node_with_another_runtime(world, name):
    with pytest.raises(NotApplicable, match=r"k8snet-worker1 runs containerd://\S+, not docker"):
        world.node().comparison(name)


def test_a_rule_in_docker_user_that_drops_pods(docker):
    docker.edit(
        "iptables", "[0:0] -A DOCKER-USER -j RETURN", "[0:0] -A DOCKER-USER -s 10.244.0.0/16 -j DROP\n[0:0] -A DOCKER-USER -j RETURN"
    )
    text = docker.node().explain("docker_chains")
    assert f"{WORKER1}: docker's chains" in text
    assert "nft filter DOCKER-USER: expected leaves pod traffic alone, found drop tcp: pod " in text
    assert "holds: expected only RETURN, found -A DOCKER-USER -s 10.244.0.0/16 -j DROP" in text


def test_a_rule_in_docker_user_for_somebody_else_is_shown(docker):
    docker.edit("iptables", "-A DOCKER-USER -j RETURN", "-A DOCKER-USER -s 192.0.2.0/24 -j DROP")
    node = docker.node()
    assert node.comparison("docker_chains").differing == ("nft filter DOCKER-USER holds",)


def test_a_chain_of_docker_that_touches_pods(docker):
    docker.edit("iptables", "-A DOCKER ! -i docker0 -o docker0 -j DROP", "-A DOCKER ! -i docker0 -j DROP")
    assert docker.node().comparison("docker_chains").differing == ("nft filter DOCKER",)


def test_a_rule_that_nobody_can_judge_is_no_pass(docker):
    docker.edit("iptables", "-A DOCKER ! -i docker0 -o docker0 -j DROP", "-A DOCKER -m unheard-of --x y -j DROP")
    with pytest.raises(Inconclusive, match=r"docker's chains: .* sample packets cannot be judged"):
        docker.node().comparison("docker_chains")


def test_docker_without_chains(world):
    world.api_node(WORKER1)["status"]["nodeInfo"]["containerRuntimeVersion"] = "docker://24.0.7"
    with pytest.raises(NotApplicable, match="docker has no filter chain"):
        world.node().comparison("docker_chains")


def test_a_pod_on_dockers_bridge(docker):
    docker.object("pods")["items"].append(_pod("lost", "172.17.0.4"))
    assert "lost: expected not on docker0, found on docker0 (172.17.0.4)" in docker.node().explain("docker_bridge")
    assert "pods and the network of docker0: 172.17.0.0/16" in docker.node().explain("docker_bridge")


def test_without_addresses_or_pods_nothing_passes(docker):
    docker.fail("addresses", "permission denied")
    with pytest.raises(Inconclusive, match=r"addresses .* was not read: permission denied"):
        docker.node().comparison("docker_bridge")
    streams = docker.recording.streams
    streams["objects"] = [entry for entry in streams["objects"] if entry["name"] != "pods"]
    with pytest.raises(Inconclusive):
        docker.node().comparison("docker_bridge")
