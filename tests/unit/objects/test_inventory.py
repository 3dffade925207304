from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.errors import NoVerdict
from pytest_k8snet.model.probe import Family
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.parse import objects
from pytest_k8snet.parse.objects import DamagedObject, inventory
from pytest_k8snet.plan.applies import Answer, evaluate

FLANNEL_MAP, PROXY, KUBEADM = (
    f"configmap/{name}" for name in ("kube-flannel/kube-flannel-cfg", "kube-system/kube-proxy", "kube-system/kubeadm-config")
)
FLANNEL = "ghcr.io/flannel-io/flannel:v0.28.10"


def node(name, cidrs=("10.244.0.0/24",), os="linux", ready="True", labels=None, **spec):
    return {
        "metadata": {"name": name, "labels": labels or {}, "annotations": {"flannel.alpha.coreos.com/public-ip": "172.30.0.11"}},
        "spec": {"podCIDR": cidrs[0] if cidrs else "", "podCIDRs": list(cidrs), **spec},
        "status": {
            "addresses": [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": "172.30.0.11"}],
            "conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": ready}],
            "nodeInfo": {"operatingSystem": os, "kubeletVersion": "v1.36.4", "containerRuntimeVersion": "containerd://1.6.20"},
        },
    }


def service(namespace, name, ip):
    return {"metadata": {"namespace": namespace, "name": name}, "spec": {"clusterIP": ip, "clusterIPs": [ip]}}


def daemonset(name, image="x", args=(), command=()):
    container = {"name": "kube-flannel" if "flannel" in name else name, "image": image, "args": list(args), "command": list(command)}
    return {"metadata": {"name": name}, "spec": {"template": {"spec": {"containers": [container]}}}}


def kubeadm(text='networking: {dnsDomain: cluster.local, podSubnet: "10.244.0.0/16"}'):
    return {"data": {"ClusterConfiguration": text}}


def cluster(**changes):
    """A recording of a healthy kubeadm and flannel cluster; a change of None leaves the object out."""
    slices = [
        {
            "metadata": {"namespace": "default", "name": "kubernetes", "labels": {"kubernetes.io/service-name": "kubernetes"}},
            "endpoints": [{"addresses": ["172.30.0.11"]}],
            "ports": [{"port": 6443}],
        },
        {
            "metadata": {"namespace": "other", "name": "kubernetes", "labels": {"kubernetes.io/service-name": "kubernetes"}},
            "endpoints": [{"addresses": ["192.0.2.1"]}],
            "ports": [{"port": 1}],
        },
    ]
    coredns = daemonset("coredns", "registry.k8s.io/coredns/coredns:v1")  # a Deployment has the same shape
    bodies = {
        "version": {"gitVersion": "v1.36.4"},
        "namespace/kube-system": {"metadata": {"uid": "uid-1"}},
        "nodes": {"items": [node("worker1"), node("control", labels={"node-role.kubernetes.io/control-plane": ""})]},
        "services": {"items": [service("default", "kubernetes", "10.96.0.1"), service("kube-system", "kube-dns", "10.96.0.10")]},
        "endpointslices": {"items": slices},
        PROXY: {"data": {"config.conf": 'mode: ""\n'}},
        KUBEADM: kubeadm(),
        FLANNEL_MAP: net_conf(),
        "daemonsets/kube-system": {"items": [daemonset("kube-proxy")]},
        "daemonsets/kube-flannel": {"items": [daemonset("kube-flannel-ds", FLANNEL, ["--ip-masq", "--kube-subnet-mgr"])]},
        "deployments/kube-system": {"items": [coredns]},
        "configz/control": {"kubeletconfig": {"clusterDomain": "cluster.local"}},
    }
    bodies |= changes
    return record({name: body for name, body in bodies.items() if body is not None})


def record(bodies, status=200):
    recording = Recording({"context": "lab"})
    for name, body in bodies.items():
        recording.append("objects", {"name": name, "status": status, "body": body})
    return recording


def net_conf(backend=None, **more):
    return {"data": {"net-conf.json": json.dumps({"Network": "10.244.0.0/16", "Backend": backend or {"Type": "vxlan"}, **more})}}


def test_a_kubeadm_cluster_with_flannel():
    found = inventory(cluster())
    assert (found.context, found.cluster_uid, found.version, found.installer) == ("lab", "uid-1", "v1.36.4", "kubeadm")
    assert (found.proxy, found.cni, found.backend, found.flannel_version) == ("iptables", "flannel", "vxlan", "0.28.10")
    assert (found.flannel_ipmasq, found.flannel_nftables) == (True, False)
    assert (found.dns, found.dns_ip, found.dns_domain, found.pod_subnet) == ("coredns", "10.96.0.10", "cluster.local", "10.244.0.0/16")
    assert found.api_endpoints == ("172.30.0.11:6443",)
    assert found.families == (Family.IPV4,)
    assert objects.problems(cluster()) == ()


def test_nodes_are_sorted_and_described():
    control, worker = inventory(cluster()).nodes
    assert (control.name, control.control_plane, worker.name, worker.control_plane) == ("control", True, "worker1", False)
    assert (worker.ip, worker.pod_cidrs, worker.ready, worker.schedulable) == ("172.30.0.11", ("10.244.0.0/24",), True, True)
    assert (worker.kubelet_version, worker.runtime) == ("v1.36.4", "containerd://1.6.20")
    assert worker.annotations == {"flannel.alpha.coreos.com/public-ip": "172.30.0.11"}


def test_cordoned_unready_and_windows_nodes():
    items = [node("a", unschedulable=True), node("b", ready="Unknown"), node("c", os="windows")]
    found = inventory(cluster(nodes={"items": items})).nodes
    assert [(n.name, n.schedulable, n.ready) for n in found] == [("a", False, True), ("b", True, False)]


def test_the_selection_of_the_recording_holds_and_an_explicit_one_wins():
    recording = cluster()
    recording.append("objects", {"name": "nodes/selected", "status": 200, "body": {"names": ["worker1"]}})
    assert inventory(recording).names == ("worker1",)
    assert inventory(recording, ["control"]).names == ("control",)


@pytest.mark.parametrize(
    ("backend", "name"),
    [
        ({"Type": "vxlan"}, "vxlan"),
        ({"Type": "vxlan", "DirectRouting": True}, "vxlan-direct"),
        ({"type": "VXLAN", "directrouting": True}, "vxlan-direct"),
        ({"Type": "vxlan", "DirectRouting": False}, "vxlan"),
        ({"Type": "host-gw", "DirectRouting": True}, "host-gw"),
        ({"Type": "udp"}, "udp"),
        ({"Type": "wireguard"}, "wireguard"),
        ({"Type": "ipip"}, "ipip"),
        ({"Type": "hostgw"}, ""),
        ({}, ""),
    ],
)
def test_backend(backend, name):
    assert objects.backend({"Backend": backend}) == name


@pytest.mark.parametrize(("written", "mode"), [("''", "iptables"), ("nftables", "nftables"), ("ipvs", "ipvs"), ("magic", "")])
def test_proxy_mode(written, mode):
    assert inventory(cluster(**{PROXY: {"data": {"config.conf": f"mode: {written}"}}})).proxy == mode


def test_no_proxy_daemonset_is_none_and_an_unread_one_is_unknown():
    recording = cluster()
    assert inventory(cluster(**{"daemonsets/kube-system": {"items": []}})).proxy == "none"
    assert inventory(cluster(**{"daemonsets/kube-system": None})).proxy == ""
    assert inventory(cluster(**{PROXY: None})).proxy == ""
    assert inventory(recording).proxy == "iptables"


@pytest.mark.parametrize(
    ("image", "version"),
    [
        (FLANNEL, "0.28.10"),
        ("registry:5000/flannel:v0.13.0-amd64", "0.13.0"),
        ("flannel:0.22.0@sha256:aa", "0.22.0"),
        ("flannel:latest", ""),
        ("registry:5000/flannel", ""),
    ],
)
def test_flannel_version(image, version):
    assert inventory(cluster(**{"daemonsets/kube-flannel": {"items": [daemonset("kube-flannel-ds", image)]}})).flannel_version == version


@pytest.mark.parametrize(
    ("args", "command", "masks"),
    [
        (["--ip-masq"], [], True),
        (["-ip-masq=true"], [], True),
        (["--ip-masq=false"], [], False),
        (["--ip-masq", "--ip-masq=false"], [], False),
        (["--kube-subnet-mgr"], ["/opt/bin/flanneld", "--ip-masq"], True),
        (["--ip-masq-fully-random"], [], False),
        ([], [], False),
    ],
)
def test_ip_masq(args, command, masks):
    daemons = {"items": [daemonset("kube-flannel-ds", FLANNEL, args, command)]}
    assert inventory(cluster(**{"daemonsets/kube-flannel": daemons})).flannel_ipmasq is masks


def test_flannel_in_kube_system_and_nftables():
    daemons = {"items": [daemonset("kube-proxy"), daemonset("kube-flannel-ds", FLANNEL)]}
    changes = {FLANNEL_MAP: None, "daemonsets/kube-flannel": {"items": []}, "daemonsets/kube-system": daemons}
    changes["configmap/kube-system/kube-flannel-cfg"] = net_conf({"Type": "host-gw"}, EnableNFTables=True)
    found = inventory(cluster(**changes))
    assert (found.backend, found.flannel_nftables, found.flannel_version, found.proxy) == ("host-gw", True, "0.28.10", "iptables")


def test_another_cni_is_unknown_not_flannel():
    found = inventory(cluster(**{FLANNEL_MAP: None, "daemonsets/kube-flannel": {"items": []}}))
    assert (found.cni, found.backend, found.flannel_version, found.flannel_ipmasq, found.flannel_nftables) == ("", "", "", None, None)


FLANNEL_OBJECTS = (FLANNEL_MAP, "configmap/kube-system/kube-flannel-cfg", "daemonsets/kube-system", "daemonsets/kube-flannel")


def _without_flannel(missing=FLANNEL_OBJECTS[:2], nodes=None):
    """No flannel anywhere: empty lists of DaemonSets; `missing` objects are answered by 404."""
    plain = node("worker1")
    plain["metadata"]["annotations"] = {}
    recording = cluster(**{FLANNEL_MAP: None, "daemonsets/kube-flannel": {"items": []}, "nodes": {"items": nodes or [plain]}})
    for name in missing:
        recording.append("objects", {"name": name, "status": 404, "body": {"message": "not found"}})
    return recording


def test_no_flannel_anywhere_is_another_cni_and_its_checks_do_not_apply():
    found = inventory(_without_flannel())
    assert (found.cni, found.backend) == ("other", "")
    answer = evaluate("cni=flannel; backend=vxlan", {"cni": found.cni, "backend": found.backend})
    assert (answer.answer, answer.reason) == (Answer.NO, "needs cni=flannel, this cluster has cni=other")


@pytest.mark.parametrize("name", FLANNEL_OBJECTS)
@pytest.mark.parametrize("status", [None, 403, 500])
def test_what_was_not_read_leaves_the_cni_unknown(name, status):
    recording = _without_flannel()
    recording.streams["objects"] = [entry for entry in recording.streams["objects"] if entry["name"] != name]
    if status:
        recording.append("objects", {"name": name, "status": status, "body": {}})
    assert inventory(recording).cni == ""


def test_a_namespace_of_daemonsets_that_is_not_there_was_read():
    recording = _without_flannel()
    recording.streams["objects"] = [entry for entry in recording.streams["objects"] if entry["name"] != "daemonsets/kube-flannel"]
    recording.append("objects", {"name": "daemonsets/kube-flannel", "status": 404, "body": {}})
    assert inventory(recording).cni == "other"


def test_nodes_that_flannel_has_annotated_leave_the_cni_unknown():
    assert inventory(_without_flannel(nodes=[node("worker1")])).cni == ""
    assert inventory(_without_flannel(nodes=[node("worker1"), node("windows", os="windows")])).cni == ""


def test_a_damaged_config_map_of_flannel_is_no_other_cni():
    recording = _without_flannel(missing=FLANNEL_OBJECTS[1:2])
    recording.append("objects", {"name": FLANNEL_MAP, "status": 200, "body": {"data": {"net-conf.json": "{"}}})
    assert inventory(recording).cni == ""


def test_flannel_that_was_there_before_stays_flannel():
    recording = cluster()
    for name in FLANNEL_OBJECTS:
        recording.append("objects", {"name": name, "status": 404, "body": {}})
    assert inventory(recording).cni == "flannel"


def test_kubelets_decide_the_dns_domain_and_disagreement_falls_back_to_kubeadm():
    mine = {"kubeletconfig": {"clusterDomain": "k8s.example."}}
    assert inventory(cluster(**{"configz/control": mine})).dns_domain == "k8s.example"
    other = {"kubeletconfig": {"clusterDomain": "other.example"}}
    assert inventory(cluster(**{"configz/control": mine, "configz/worker1": other})).dns_domain == "cluster.local"
    assert inventory(cluster(**{"configz/control": None, KUBEADM: None})).dns_domain == ""


def test_dual_stack_and_api_endpoints_of_both_families():
    items = [node("a", ("10.244.0.0/24", "fd00:1::/64"))]
    slices = {
        "metadata": {"namespace": "default", "labels": {"kubernetes.io/service-name": "kubernetes"}},
        "endpoints": [{"addresses": ["fd00::1"]}],
        "ports": [{"port": 6443}],
    }
    found = inventory(cluster(nodes={"items": items}, endpointslices={"items": [slices]}))
    assert found.families == (Family.IPV4, Family.IPV6)
    assert found.api_endpoints == ("[fd00::1]:6443",)


def test_without_pod_cidrs_the_services_tell_the_family():
    assert inventory(cluster(nodes={"items": [node("a", ())]})).families == (Family.IPV4,)


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        (FLANNEL_MAP, {"data": {"net-conf.json": "{"}}, ", key net-conf.json, cannot be read: "),
        (FLANNEL_MAP, {"data": {}}, " has no key net-conf.json"),
        (PROXY, {"data": {"config.conf": "mode: ["}}, ", key config.conf, cannot be read: "),
        (KUBEADM, kubeadm("just text"), ", key ClusterConfiguration, holds no mapping but 'just text'"),
    ],
)
def test_a_damaged_object_is_named_and_leaves_its_fields_unknown(name, body, message):
    recording = cluster(**{name: body})
    (problem,) = objects.problems(recording)
    assert problem.startswith(name + message)
    assert "\n" not in problem
    found = inventory(recording)
    assert "" in (found.backend, found.proxy, found.pod_subnet)


def test_a_damaged_pod_cidr_is_named():
    with pytest.raises(DamagedObject, match=r"podCIDR of a node: '10\.244\.0\.0/99' is no network"):
        inventory(cluster(nodes={"items": [node("a", ("10.244.0.0/99",))]}))


def test_refused_reads_are_unknown_not_absent():
    recording = cluster(**{"daemonsets/kube-system": None, KUBEADM: None})
    for name in ("daemonsets/kube-system", "configmap/kube-system/kubeadm-config"):
        recording.append("objects", {"name": name, "status": 403, "body": {"message": "forbidden"}})
    found = inventory(recording)
    assert (found.proxy, found.installer) == ("", "")


def test_a_recording_without_nodes_is_no_verdict():
    with pytest.raises(NoVerdict, match="the recording holds no list of nodes"):
        inventory(cluster(nodes=None))


def test_the_last_read_of_an_object_counts():
    recording = cluster()
    recording.append("objects", {"name": "configmap/kube-flannel/kube-flannel-cfg", "status": 200, "body": net_conf({"Type": "udp"})})
    recording.append("objects", {"name": "configmap/kube-flannel/kube-flannel-cfg", "status": 0, "body": {"message": "no answer"}})
    assert inventory(recording).backend == "udp"


odd = ["{}", "[]", "null", "mode: x", '{"Backend": 3}', '{"Backend": {"Type": 7}}', '"x"', "networking: 5"]
texts = st.text(max_size=40) | st.sampled_from(odd)


@given(texts, texts, texts)
def test_no_text_of_a_config_map_breaks_the_inventory(flannel, proxy, config):
    recording = cluster(
        **{
            FLANNEL_MAP: {"data": {"net-conf.json": flannel}},
            PROXY: {"data": {"config.conf": proxy}},
            KUBEADM: kubeadm(config),
        }
    )
    found = inventory(recording)
    assert found.backend in ("", "vxlan", "vxlan-direct", "host-gw", "udp", "wireguard", "ipip")
    assert found.proxy in ("", "iptables", "nftables", "ipvs")
