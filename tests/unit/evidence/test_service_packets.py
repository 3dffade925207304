"""Shares, marks and refusals of Service packets, on the rules of a run that has Services of its own."""

import pytest
from evidence_world import WORKER1, RecordedWorld
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_k8snet.evidence.rules_endpoints import ROUNDING
from pytest_k8snet.model.verdict import NotApplicable


@pytest.fixture
def world():
    return RecordedWorld()


def config(world, old, new):
    for entry in world.recording.entries("objects", name="configmap/kube-system/kube-proxy"):
        data = entry["body"]["data"]
        assert old in data["config.conf"]
        data["config.conf"] = data["config.conf"].replace(old, new)


def rebalance(world, probabilities):
    """Other probabilities for the rules of the UDP port of kube-dns, on one node; what is left goes to the last."""
    words = "kube-system/kube-dns:dns ->"
    lines = world.text("iptables").splitlines()
    at = [i for i, line in enumerate(lines) if words in line]
    chain = lines[at[0]].split("-A ")[1].split()[0]
    targets = [line.rsplit(" ", 1)[1] for line in (lines[i] for i in at)]
    rules = [
        f"[0:0] -A {chain} -m statistic --mode random --probability {share:.11f} -j {targets[i % 2]}"
        for i, share in enumerate(probabilities)
    ]
    lines[at[0] : at[-1] + 1] = [*rules, f"[0:0] -A {chain} -j {targets[-1]}"]
    world.write("iptables", "\n".join(lines))


@settings(max_examples=12, deadline=None)
@given(share=st.floats(0.01, 0.99))
def test_only_an_even_share_is_right(share):
    world = RecordedWorld()
    rebalance(world, [share])
    assert ("balancing" in world.wrong()) is (abs(round(share, 11) - 0.5) > ROUNDING)


@pytest.mark.parametrize("share", [0.49999999977, 0.50000000047, 0.5])
def test_what_the_kernel_rounds_is_even(world, share):
    rebalance(world, [share])
    assert world.wrong() == set()


def test_new_clients_that_get_no_endpoint(world):
    world.edit("iptables", '"kube-system/kube-dns:dns -> 10.244.2.2:53" -j', '"x" -m statistic --mode random --probability 0.5 -j', count=1)
    assert {"balancing", "endpoint_sets"} <= world.wrong()
    text = world.node().explain("balancing")
    assert "10.244.1.2:53 0.50000, 10.244.2.2:53 0.25000, not translated 0.25000" in text


def test_sticky_clients_are_not_new_ones(world):
    words = "kube-system/kube-dns:dns -> 10.244.1.2:53"
    (line,) = [line for line in world.text("iptables").splitlines() if words in line]
    chain, target = line.split("-A ")[1].split()[0], line.rsplit(" ", 1)[1]
    sticky = f"[0:0] -A {chain} -m recent --rcheck --seconds 10800 --reap --name {target} --mask 255.255.255.255 --rsource -j {target}"
    world.edit("iptables", line, f"{sticky}\n{line}", count=1)
    assert world.wrong() == set()


def test_nothing_is_told_local_by_cidr(world):
    config(world, 'detectLocalMode: ""', "detectLocalMode: BridgeInterface")
    with pytest.raises(NotApplicable, match="kube-proxy does not tell local traffic by clusterCIDR"):
        world.node().comparison("off_cluster")
    assert world.statuses()["service_marks"] == "right"


def test_everything_is_masqueraded_on_demand(world):
    config(world, "masqueradeAll: false", "masqueradeAll: true")
    assert world.wrong() == {"off_cluster"}
    assert "expected marked, found not marked" in world.node().explain("off_cluster")


def test_both_families_of_cluster_cidr(world):
    config(world, "clusterCIDR: 10.244.0.0/16", "clusterCIDR: fd00:10:244::/56,10.244.0.0/16")
    assert world.wrong() == set()


def test_pods_outside_cluster_cidr(world):
    config(world, "clusterCIDR: 10.244.0.0/16", "clusterCIDR: 10.99.0.0/16")
    assert world.wrong() == {"off_cluster"}


def test_the_mark_of_one_kind_only(world):
    lines = world.text("iptables").splitlines()
    world.write("iptables", "\n".join(line for line in lines if not ("-A KUBE-SEP-" in line and "-j KUBE-MARK-MASQ" in line)))
    assert world.wrong() == {"hairpins"}  # the API server is no pod: it is marked as one from outside


def test_a_service_without_endpoints_is_refused_on_both_ways(world):
    world.without_rule("-A FORWARD", "kubernetes service portals")
    assert "rejections" in world.wrong()
    lines = world.node().explain("rejections").splitlines()[1:]
    assert all(line.startswith("  pod 10.244.") and "expected rejected, found let through" in line for line in lines)
    assert len(lines) == 2


def test_a_service_without_endpoints_that_is_sent_somewhere(world):
    (address,) = [item["spec"]["clusterIP"] for item in last(world, "services")["items"] if item["metadata"]["name"] == "empty"]
    world.insert_rule("nat", f"-A PREROUTING -d {address}/32 -p tcp -j DNAT --to-destination 10.244.1.9:80")
    assert "found sent to 10.244.1.9:80 (" in world.node().explain("rejections")


def test_a_service_whose_endpoints_left_between_two_readings_is_not_judged(world):
    services, slices = (list(world.recording.entries("objects", name=name)) for name in ("services", "endpointslices"))
    assert len(services) == len(slices) == 2
    services[0]["body"]["items"] = services[1]["body"]["items"]
    (web,) = [piece for piece in slices[1]["body"]["items"] if piece["metadata"]["labels"]["kubernetes.io/service-name"] == "web"]
    labels = {"kubernetes.io/service-name": "empty"}
    slices[0]["body"]["items"] = [*slices[1]["body"]["items"], {**web, "metadata": {**web["metadata"], "labels": labels}}]
    assert world.statuses()["rejections"] == "unknown"


def test_local_endpoints_elsewhere_are_no_lack_of_endpoints(world):
    """internalTrafficPolicy Local without an endpoint on this node drops; it is not for this requirement."""
    for entry in world.recording.entries("objects", name="endpointslices"):
        for piece in entry["body"]["items"]:
            if piece["metadata"]["labels"]["kubernetes.io/service-name"] == "self":
                piece["endpoints"] = [endpoint for endpoint in piece["endpoints"] if endpoint["nodeName"] != WORKER1]
    assert world.statuses()["rejections"] == "right"


def last(world, name):
    return list(world.recording.entries("objects", name=name))[-1]["body"]
