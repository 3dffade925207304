"""Rules of other versions and of the other variant: 1.18 with its seven chains, and iptables-legacy."""

import pytest
from evidence_world import NODES, WORKER1, RecordedWorld
from old_world import SEVEN, OldWorld, move_to_legacy

from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.parse.iptables import parse_save
from pytest_k8snet.plan.proxy_rules import FILTER_JUMPS, filter_jumps, known_jump

JUDGED = (
    "service_hooks", "service_entries", "endpoint_sets", "balancing", "rejections", "service_marks", "hairpins", "off_cluster",
    "marked_traffic", "masquerade_rules", "leftovers", "mode_sources", "jumps", "proxied_forwarding", "mark_drop", "canaries",
    "node_port_catch", "external_kinds", "foreign_marks", "random_ports", "egress", "between_pods", "pod_network_rules",
)  # fmt: skip


def at_version(world, kubelet="", proxy=""):
    for body in (entry["body"] for name in ("nodes", "pods/kube-system") for entry in world.recording.entries("objects", name=name)):
        for item in body["items"]:
            if "nodeInfo" in item["status"] and kubelet:
                item["status"]["nodeInfo"]["kubeletVersion"] = kubelet
            for container in item["spec"].get("containers", ()) if proxy else ():
                if "kube-proxy" in container["image"]:
                    container["image"] = f"registry.k8s.io/kube-proxy:{proxy}"


@pytest.mark.parametrize("legacy", [False, True], ids=["nft", "legacy"])
def test_1_18(legacy):
    world = OldWorld().legacy() if legacy else OldWorld()
    statuses = world.statuses()
    assert {name: statuses[name] for name in JUDGED} == dict.fromkeys(JUDGED, "right")


def test_the_seven_chains_of_1_18():
    dump = parse_save(OldWorld().text("iptables"))
    chains = {chain for table in ("nat", "filter") for chain in dump.tables[table].chains}
    assert {f"KUBE-{name}" for name in SEVEN} <= chains


@pytest.mark.parametrize("legacy", [False, True], ids=["nft", "legacy"])
@pytest.mark.parametrize(
    ("parts", "wrong"),
    [
        (("-A KUBE-MARK-DROP",), {"mark_drop"}),
        (("-A KUBE-MARK-MASQ",), {"service_marks", "hairpins", "off_cluster"}),
        (("-A KUBE-POSTROUTING",), {"marked_traffic", "masquerade_rules"}),
        (("-A KUBE-FORWARD", "pod source rule"), set()),  # flannel's rule accepts them as well
        (("-A KUBE-FORWARD", "INVALID"), {"proxied_forwarding"}),
        (("-A KUBE-FORWARD", "0x4000"), {"proxied_forwarding"}),
        (("-A KUBE-SERVICES", "has no endpoints"), {"rejections"}),
        (("-A KUBE-SERVICES", "--dst-type LOCAL"), {"service_marks", "node_port_catch"}),
        (("-A KUBE-SERVICES ! -s", "shop/web"), {"off_cluster"}),
        (("-A INPUT", "externally-visible"), {"jumps"}),
        (("-A INPUT", "service portals", "-j KUBE-SERVICES"), set()),  # either form is right before 1.20
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_faults_of_1_18(parts, wrong, legacy):
    world = OldWorld()
    world.without_rule(*parts)
    if legacy:
        world.legacy()
    assert {name for name in world.wrong() if name in JUDGED} == wrong


def test_a_name_of_1_24_on_1_18():
    world = OldWorld()
    world.edit("iptables", "KUBE-XLB-", "KUBE-EXT-")
    assert world.wrong() & set(JUDGED) == {"external_kinds"}
    assert "node port 30081/tcp of shop/local: expected KUBE-XLB, found KUBE-EXT" in world.node().explain("external_kinds")


@pytest.mark.parametrize("node", NODES)
def test_the_legacy_variant_is_judged_like_the_other(node):
    world, legacy = RecordedWorld(), RecordedWorld()
    move_to_legacy(legacy, node)
    assert legacy.statuses(node) == world.statuses(node)
    assert "(legacy filter KUBE-SERVICES rule" in spoilt(legacy, node).explain("rejections")


def spoilt(world, node):
    for fact in world.facts("iptables-legacy/filter", node):
        fact["text"] = fact["text"].replace("-j REJECT --reject-with icmp-port-unreachable", "-j DROP")
    return world.node(node)


@pytest.mark.parametrize(("kubelet", "proxy", "wrong"), [
    ("v1.36.4", "v1.20.1", {"jumps", "external_kinds", "mark_drop"}),
    ("v1.36.4", "v1.24.0", {"jumps", "mark_drop"}),
    ("v1.36.4", "v1.26.0", set()),
    ("v1.26.0", "v1.36.4", {"mark_drop", "localnet_drop"}),
    ("v1.27.0", "v1.36.4", set()),
    ("v1.23.0", "v1.36.4", {"mark_drop", "localnet_drop"}),
])  # fmt: skip
def test_what_a_version_demands(kubelet, proxy, wrong):
    world = RecordedWorld()
    at_version(world, kubelet, proxy)
    assert world.wrong() == wrong


def test_the_gate_of_1_26():
    world = RecordedWorld()
    at_version(world, "v1.26.0")
    kubelet = world.object(f"configz/{WORKER1}")["kubeletconfig"]
    kubelet["featureGates"] = {"IPTablesOwnershipCleanup": True}
    assert "mark_drop" not in world.wrong()


def test_a_kubelet_that_leaves_iptables_alone():
    world = RecordedWorld()
    world.object(f"configz/{WORKER1}")["kubeletconfig"]["makeIPTablesUtilChains"] = False
    with pytest.raises(NotApplicable, match="kubelet of k8snet-worker1 is told to make no chains of iptables"):
        world.node().comparison("localnet_drop")
    world.edit("iptables", ":KUBE-IPTABLES-HINT - [0:0]\n", "")
    assert world.wrong() == set()


@pytest.mark.parametrize("image", ["kube-proxy@sha256:0123", "kube-proxy:latest"])
def test_a_proxy_of_unknown_version(image):
    world = RecordedWorld()
    for entry in world.recording.entries("objects", name="pods/kube-system"):
        for pod in entry["body"]["items"]:
            if "kube-proxy" in pod["metadata"]["name"]:
                pod["spec"]["containers"][0]["image"] = image
    with pytest.raises(Inconclusive, match=r"k8snet-worker1: kube-proxy's image '.*' names no minor version"):
        world.node().comparison("jumps")


def test_a_proxy_that_is_built_in():
    world = RecordedWorld()
    for entry in world.recording.entries("objects", name="pods/kube-system"):
        entry["body"]["items"] = [pod for pod in entry["body"]["items"] if "kube-proxy" not in pod["metadata"]["name"]]
    assert world.statuses()["jumps"] == "right"


def test_every_jump_has_a_version():
    assert all(jump.first <= jump.last or jump.either for jump in FILTER_JUMPS)
    assert [len(list(filter_jumps(minor))) for minor in (18, 20, 21, 25, 37)] == [4, 5, 6, 9, 9]
    assert [known_jump(minor, "INPUT", "KUBE-SERVICES") for minor in (18, 19, 20, 36)] == [True, True, False, False]
