"""A node's condition, its kubelet's DNS servers, its pods' addresses, and what it needs for IPv6."""

import pytest
from evidence_world import WORKER1
from object_world import dual, interface, place, placed, pod, refuse

from pytest_k8snet.model.verdict import Inconclusive


def _ready(world, **fields):
    next(c for c in world.api_node(WORKER1)["status"]["conditions"] if c["type"] == "Ready").update(fields)


def _differences(world, name):
    return world.node().comparison(name).differences


NO_CNI = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:cni plugin not initialized"


def test_a_node_without_its_network(world):
    _ready(world, status="False", reason="KubeletNotReady", message=NO_CNI)
    assert _differences(world, "ready_condition") == (
        f"Ready: expected True, found False ({NO_CNI})",
        f"network trouble in its message: expected none, found NetworkPluginNotReady, NetworkReady=false, cni ({NO_CNI})",
    )


def test_a_node_that_is_not_heard_of(world):
    _ready(world, status="Unknown", message="Kubelet stopped posting node status.")
    assert _differences(world, "ready_condition") == ("Ready: expected True, found Unknown (Kubelet stopped posting node status.)",)


def test_network_trouble_of_a_ready_node(world):
    _ready(world, message="the network plugin is slow")
    (difference,) = _differences(world, "ready_condition")
    assert "found network plugin" in difference


def test_a_node_without_the_condition(world):
    world.api_node(WORKER1)["status"]["conditions"].clear()
    assert "Ready: expected True, found not set" in _differences(world, "ready_condition")[0]


def _kubelet(world, *servers):
    world.object(f"configz/{WORKER1}")["kubeletconfig"]["clusterDNS"] = list(servers)


def test_kubelet_tells_another_server(world):
    _kubelet(world, "10.96.0.99")
    assert world.node().explain("cluster_dns") == (
        "k8snet-worker1: kubelet's clusterDNS (configz; Service kube-system/kube-dns has 10.96.0.10)\n"
        "  clusterDNS: expected 10.96.0.10, found 10.96.0.99"
    )


@pytest.mark.parametrize("servers", [(), ("10.96.0.10", "8.8.8.8")], ids=["none", "one more"])
def test_kubelet_tells_too_little_or_too_much(world, servers):
    _kubelet(world, *servers)
    assert len(_differences(world, "cluster_dns")) == 1


def test_cluster_dns_of_two_families(world):
    service = next(item for item in world.object("services")["items"] if item["metadata"]["name"] == "kube-dns")
    service["spec"]["clusterIPs"] = ["10.96.0.10", "fd00:96::a"]
    for servers in (("10.96.0.10",), ("10.96.0.10", "fd00:96:0::a"), ("fd00:96::a",)):
        _kubelet(world, *servers)
        assert _differences(world, "cluster_dns") == ()
    _kubelet(world, "10.96.0.10", "fd00:96::b")
    assert "expected 10.96.0.10 fd00:96::a, found 10.96.0.10 fd00:96::b" in _differences(world, "cluster_dns")[0]


@pytest.mark.parametrize(
    "words", [["-localip", "169.254.20.10,10.96.0.10"], ["-localip=169.254.20.10"], ["sh", "-c", "x -localip 169.254.20.10"]]
)
def test_a_declared_node_local_cache(world, words):
    _kubelet(world, "169.254.20.10")
    assert len(_differences(world, "cluster_dns")) == 1
    template = {"spec": {"containers": [{"name": "node-cache", "args": words}]}}
    world.object("daemonsets/kube-system")["items"].append({"metadata": {"name": "node-local-dns"}, "spec": {"template": template}})
    assert _differences(world, "cluster_dns") == ()
    _kubelet(world, "169.254.20.11")
    assert "DaemonSet node-local-dns listens on 169.254.20.10" in _differences(world, "cluster_dns")[0]


@pytest.mark.parametrize("name", [f"configz/{WORKER1}", "services"])
def test_cluster_dns_without_a_side(world, name):
    refuse(world, name)
    with pytest.raises(Inconclusive, match=r"k8snet-worker1: .* was not read"):
        world.node().comparison("cluster_dns")


def test_whether_a_cache_is_declared_is_unknown(world):
    refuse(world, "daemonsets/kube-system")
    assert _differences(world, "cluster_dns") == ()
    _kubelet(world, "169.254.20.10")
    with pytest.raises(Inconclusive, match="whether a node-local cache is declared is unknown"):
        world.node().comparison("cluster_dns")


def test_there_is_no_cluster_dns(world):
    for item in world.object("services")["items"]:
        item["metadata"]["name"] += "-x"
    with pytest.raises(Inconclusive, match="no Service kube-system/kube-dns"):
        world.node().comparison("cluster_dns")


@pytest.fixture
def probed(world):
    place(world.recording)
    return world


def _status(world, name):
    return next(item for item in world.object("pods")["items"] if item["metadata"]["name"] == name)["status"]


def test_the_status_tells_another_address(probed):
    _status(probed, "a-1").update(podIP="10.244.1.201", podIPs=[{"ip": "10.244.1.201"}])
    assert probed.node().explain("pod_status") == (
        "k8snet-worker1: addresses of the probe pods in their status (API object) and on their interface (ip -j addr show)\n"
        "  pod/a@k8snet-worker1 podIPs: expected 10.244.1.200, found 10.244.1.201 (global addresses of eth0 in the pod)"
    )


def test_pod_ip_is_none_of_pod_ips(probed):
    _status(probed, "a-1")["podIP"] = "10.244.1.201"
    assert _differences(probed, "pod_status") == ("pod/a@k8snet-worker1 podIP: expected 10.244.1.200, found 10.244.1.201",)


def test_both_families_of_a_pod(probed):
    _status(probed, "a-1")["podIPs"].append({"ip": "fd00:10:0:1::9"})
    assert _differences(probed, "pod_status") == (
        "pod/a@k8snet-worker1 podIPs: expected 10.244.1.200, found 10.244.1.200, fd00:10:0:1::9 (global addresses of eth0 in the pod)",
    )
    probed.write("addresses/a", interface("10.244.1.200/24", "fd00:10:0:1::9/64"))
    assert _differences(probed, "pod_status") == ()


def test_an_address_that_the_status_does_not_tell(probed):
    probed.write("addresses/a", interface("10.244.1.200/24", "10.244.1.77/24"))
    assert "expected 10.244.1.200, 10.244.1.77, found 10.244.1.200" in _differences(probed, "pod_status")[0]


def test_addresses_of_a_family_that_the_pod_network_has_not(probed):
    """A router outside may announce one to the pod's interface."""
    probed.write("addresses/a", interface("10.244.1.200/24", "2001:db8::9/64"))
    assert _differences(probed, "pod_status") == ()


def test_a_pod_without_an_interface(probed):
    probed.write("addresses/a", interface())
    assert "expected nothing, found 10.244.1.200 (global addresses of no interface in the pod)" in _differences(probed, "pod_status")[0]


def test_a_pod_on_the_host_network_has_the_hosts_addresses(probed):
    _status(probed, "host-1").update(podIP="10.244.1.9", podIPs=[{"ip": "10.244.1.9"}])
    assert _differences(probed, "pod_status") == (
        "host@k8snet-worker1 podIPs: expected 172.30.0.12, found 10.244.1.9 (hostIPs: the pod is on the host network)",
    )
    _status(probed, "host-1").update(podIP="172.30.0.12", podIPs=[{"ip": "172.30.0.12"}])
    del _status(probed, "host-1")["hostIPs"]
    assert _differences(probed, "pod_status") == ()
    del _status(probed, "host-1")["hostIP"]
    with pytest.raises(Inconclusive, match="tells no hostIP"):
        probed.node().comparison("pod_status")


def test_a_pod_on_the_host_network_of_two_families(probed):
    both = [{"ip": "172.30.0.12"}, {"ip": "fd00:1::2"}]
    _status(probed, "host-1").update(podIPs=both, hostIPs=both)
    assert _differences(probed, "pod_status") == ()
    _status(probed, "host-1").update(podIPs=both[:1])
    assert "expected 172.30.0.12, fd00:1::2, found 172.30.0.12" in _differences(probed, "pod_status")[0]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda world: world.drop("addresses/a"), "addresses/a was not read"),
        (lambda world: world.fail("addresses/a", "no such tool: ip"), "was not read: no such tool: ip"),
        (lambda world: world.write("addresses/a", "["), "addresses/a cannot be understood"),
        (lambda world: refuse(world, "pods"), "pods of all namespaces were not read"),
        (lambda world: world.object("pods")["items"].clear(), "does not hold default/"),
        (lambda world: world.recording.streams["fleet"].clear(), "no probe pod was placed there"),
        (lambda world: placed(world.recording, f"pod/b@{WORKER1}", pod("b"), "ImagePullBackOff"), "pod/b@k8snet-worker1: ImagePullBackOff"),
    ],
)
def test_addresses_of_pods_that_were_not_read(probed, spoil, reason):
    spoil(probed)
    with pytest.raises(Inconclusive, match=reason):
        probed.node().comparison("pod_status")


@pytest.fixture
def ipv6(world):
    dual(world)
    for name, phases in (("ip6-forward", ("before", "after")), ("bridge-nf6", ("after",))):
        for phase in phases:
            fact = {"node": WORKER1, "phase": phase, "name": name, "source": name, "ok": True, "code": None, "text": "1\n", "error": ""}
            world.recording.append("facts", fact)
    return world


def test_ipv6_prerequisites(ipv6):
    comparison = ipv6.node().comparison("ipv6_prerequisites")
    assert comparison.differences == ()
    assert len(comparison.expected) == 4


def test_ipv6_is_not_forwarded_before_the_first_pod(ipv6):
    ipv6.write("ip6-forward", "0\n", phase="before")
    assert ipv6.node().explain("ipv6_prerequisites") == (
        "k8snet-worker1: IPv6 prerequisites (/proc/sys/net, Node object)\n"
        "  net.ipv6.conf.all.forwarding before the first probe pod: expected 1, found 0"
    )


def test_bridged_ipv6_passes_the_rules_by(ipv6):
    ipv6.write("bridge-nf6", "0\n")
    assert _differences(ipv6, "ipv6_prerequisites") == ("net.bridge.bridge-nf-call-ip6tables: expected 1, found 0",)
    ipv6.fail("bridge-nf6", "no such file")
    assert _differences(ipv6, "ipv6_prerequisites") == (
        "net.bridge.bridge-nf-call-ip6tables: expected 1, found br_netfilter is not loaded",
    )


@pytest.mark.parametrize("address", ["fe80::1", "::1", ""])
def test_no_global_internal_ip(ipv6, address):
    ipv6.api_node(WORKER1)["status"]["addresses"][-1]["address"] = address
    (difference,) = _differences(ipv6, "ipv6_prerequisites")
    assert difference.startswith("global IPv6 InternalIP: expected there, found missing (InternalIP 172.30.0.12")


@pytest.mark.parametrize("name", ["ip6-forward", "bridge-nf6"])
def test_ipv6_settings_that_were_not_read(ipv6, name):
    ipv6.fail(name, "permission denied")
    with pytest.raises(Inconclusive, match="permission denied"):
        ipv6.node().comparison("ipv6_prerequisites")


def test_without_a_known_bridge_its_setting_is_not_judged(ipv6):
    for name in ("daemonsets/kube-flannel", "daemonsets/kube-system"):
        ipv6.object(name)["items"].clear()
    for namespace in ("kube-flannel", "kube-system"):
        ipv6.recording.append("objects", {"name": f"configmap/{namespace}/kube-flannel-cfg", "status": 404, "body": {}})
    ipv6.recording.streams["objects"] = [
        e for e in ipv6.recording.streams["objects"] if "kube-flannel-cfg" not in e["name"] or e["status"] == 404
    ]
    ipv6.write("bridge-nf6", "0\n")
    assert _differences(ipv6, "ipv6_prerequisites") == ()
