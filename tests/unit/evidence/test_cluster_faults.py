"""Faults that the API's objects and the logs of cluster DNS show."""

import copy

import pytest
from evidence_world import WORKER1

from pytest_k8snet.model.verdict import Inconclusive

ENDED = "2026-11-23T04:40:00Z"


def _pods(world, namespace, prefix):
    return [pod for pod in world.object(f"pods/{namespace}")["items"] if pod["metadata"]["name"].startswith(prefix)]


def _remove(world, namespace, prefix, node):
    items = world.object(f"pods/{namespace}")["items"]
    items[:] = [p for p in items if not (p["metadata"]["name"].startswith(prefix) and p["spec"]["nodeName"] == node)]


def _wrong(world):
    cluster = world.cluster
    return {name for name in cluster.comparisons.keys() - {"both_families"} if cluster.comparison(name).differences}


def _log(world, pod, text, previous=False):
    name = f"log/kube-system/{pod['metadata']['name']}" + ("/previous" if previous else "")
    world.recording.append("objects", {"name": name, "status": 200, "body": text})


def test_flannel_pod_missing_on_a_node(world):
    _remove(world, "kube-flannel", "kube-flannel", WORKER1)
    assert _wrong(world) == {"flannel_pods"}
    assert world.cluster.explain("flannel_pods") == (
        "cluster: flannel pods (namespace kube-flannel, label app=flannel)\n  k8snet-worker1: expected Running and Ready, found nothing"
    )


def test_flannel_pod_crash_loops(world):
    container = _pods(world, "kube-flannel", "kube-flannel")[0]["status"]["containerStatuses"][0]
    container.update(restartCount=4, state={"waiting": {"reason": "CrashLoopBackOff"}})
    assert "found kube-flannel waiting: CrashLoopBackOff (restarts: 4)" in world.cluster.explain("flannel_pods")


def test_flannel_pod_not_ready(world):
    pod = _pods(world, "kube-flannel", "kube-flannel")[0]
    pod["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    assert "found Running, not Ready (pod kube-flannel-ds-" in world.cluster.explain("flannel_pods")


def test_flannel_pod_that_is_being_deleted_does_not_count(world):
    _pods(world, "kube-flannel", "kube-flannel")[0]["metadata"]["deletionTimestamp"] = ENDED
    assert _wrong(world) == {"flannel_pods"}


def test_flannel_pods_unread_is_unknown(world):
    entries = world.recording.streams["objects"]
    for entry in entries:
        if entry["name"] == "pods/kube-flannel":
            entry.update(status=403, body={"message": "pods is forbidden"})
    with pytest.raises(Inconclusive, match="pods/kube-flannel was not read: the API answered 403 pods is forbidden"):
        world.cluster.comparison("flannel_pods")


def test_kube_proxy_missing_on_a_node(world):
    _remove(world, "kube-system", "kube-proxy", WORKER1)
    for item in world.object("daemonsets/kube-system")["items"]:
        item["status"].update(desiredNumberScheduled=2, numberReady=2)
    assert _wrong(world) == {"proxy_pods"}
    text = world.cluster.explain("proxy_pods")
    assert "k8snet-worker1: expected Running and Ready, found nothing" in text
    assert "DaemonSet desired: expected 3, found 2" in text


def test_a_recent_crash_counts_and_an_old_one_does_not(world):
    container = _pods(world, "kube-system", "kube-proxy")[0]["status"]["containerStatuses"][0]
    container.update(restartCount=1, lastState={"terminated": {"exitCode": 2, "reason": "Error", "finishedAt": "2026-11-23T04:48:00Z"}})
    world.recording.meta["started"] = "2026-11-23T04:50:00+00:00"
    assert "found kube-proxy crashed at 2026-11-23T04:48:00Z with exit code 2 (restarts: 1)" in world.cluster.explain("proxy_pods")
    world.recording.meta["started"] = "2026-11-23T06:50:00+00:00"
    assert _wrong(world) == set()


def test_a_reboot_is_no_crash(world):
    container = _pods(world, "kube-system", "kube-proxy")[0]["status"]["containerStatuses"][0]
    container.update(restartCount=1, lastState={"terminated": {"exitCode": 255, "reason": "Unknown", "finishedAt": ENDED}})
    world.recording.meta["started"] = ENDED
    assert _wrong(world) == set()


def test_network_holds_no_pod_cidr(world):
    data = world.object("configmap/kube-flannel/kube-flannel-cfg")["data"]
    data["net-conf.json"] = data["net-conf.json"].replace("10.244.0.0/16", "10.4.0.0/16")
    assert _wrong(world) == {"pod_network"}
    text = world.cluster.explain("pod_network")
    assert "net-conf.json Network 10.4.0.0/16 (kubeadm-config podSubnet 10.244.0.0/16)" in text
    assert "k8snet-worker1: expected podCIDR inside Network, found podCIDR outside Network (podCIDR 10.244.1.0/24)" in text


def test_network_holds_some_pod_cidrs(world):
    data = world.object("configmap/kube-flannel/kube-flannel-cfg")["data"]
    data["net-conf.json"] = data["net-conf.json"].replace("10.244.0.0/16", "10.244.0.0/23")
    text = world.cluster.explain("pod_network")
    assert "k8snet-worker2: expected" in text
    assert "k8snet-worker1" not in text


def test_broken_net_conf_is_unknown(world):
    world.object("configmap/kube-flannel/kube-flannel-cfg")["data"]["net-conf.json"] = "{"
    with pytest.raises(Inconclusive, match=r"kube-flannel-cfg: net-conf.json cannot be understood"):
        world.cluster.comparison("pod_network")


def test_one_dns_replica(world):
    world.object("deployments/kube-system")["items"][0]["status"]["readyReplicas"] = 1
    assert _wrong(world) == {"dns_replicas"}
    assert "ready replicas: expected 2, found 1 (coredns-" in world.cluster.explain("dns_replicas")


def test_three_dns_replicas_are_fine(world):
    world.object("deployments/kube-system")["items"][0]["status"]["readyReplicas"] = 3
    assert _wrong(world) == set()


def test_dns_service_without_endpoints(world):
    items = world.object("endpointslices")["items"]
    items[:] = [piece for piece in items if "kube-dns" not in str(piece["metadata"]["labels"])]
    assert _wrong(world) == {"dns_endpoints"}
    assert "UDP: expected 10.244.0.4, 10.244.1.5, found nothing" in world.cluster.explain("dns_endpoints")


def test_dns_service_lacks_a_protocol(world):
    for piece in world.object("endpointslices")["items"]:
        piece["ports"] = [port for port in piece["ports"] if port["protocol"] != "UDP"]
    text = world.cluster.explain("dns_endpoints")
    assert "UDP: expected 10.244.0.4, 10.244.1.5, found nothing" in text
    assert "TCP: expected" not in text


def test_no_dns_pod_at_all(world):
    for pod in _pods(world, "kube-system", "coredns"):
        pod["status"]["conditions"] = []
    for piece in world.object("endpointslices")["items"]:
        piece["endpoints"] = []
    assert "expected at least one ready DNS pod, found nothing" in world.cluster.explain("dns_endpoints")


def test_dns_loop_in_the_log_before_the_crash(world):
    pod = _pods(world, "kube-system", "coredns")[0]
    pod["status"]["containerStatuses"][0].update(
        restartCount=3, state={"waiting": {"reason": "CrashLoopBackOff"}}, lastState={"terminated": {"exitCode": 1, "finishedAt": None}}
    )
    _log(world, pod, '[FATAL] plugin/loop: Loop (127.0.0.1:42 -> :53) detected for zone "."', previous=True)
    assert _wrong(world) == {"dns_logs"}
    text = world.cluster.explain("dns_logs")
    assert "found a forwarding loop: [FATAL] plugin/loop: Loop (127.0.0.1:42 -> :53) detected" in text
    assert f"(on {pod['spec']['nodeName']})" in text


def test_dns_crash_loops_without_a_log(world):
    pod = _pods(world, "kube-system", "coredns")[0]
    pod["status"]["containerStatuses"][0].update(restartCount=3, state={"waiting": {"reason": "CrashLoopBackOff"}}, lastState={})
    assert "found CrashLoopBackOff (restarts: 3)" in world.cluster.explain("dns_logs")


def test_flood_of_upstream_timeouts(world):
    pod = _pods(world, "kube-system", "coredns")[0]
    line = "[ERROR] plugin/errors: 2 example.com. A: read udp 10.244.0.2:59312->8.8.8.8:53: i/o timeout\n"
    _log(world, pod, line * 3)
    assert _wrong(world) == set()
    _log(world, pod, line * 30)
    assert "found 30 upstream timeouts in the last 30 log lines" in world.cluster.explain("dns_logs")


def test_an_unread_log_is_unknown(world):
    world.recording.streams["objects"] = [e for e in world.recording.streams["objects"] if not e["name"].startswith("log/")]
    with pytest.raises(Inconclusive, match=r"log/kube-system/coredns-.* was not read: it was not asked for"):
        world.cluster.comparison("dns_logs")


def test_no_dns_pod_is_wrong(world):
    items = world.object("pods/kube-system")["items"]
    items[:] = [pod for pod in items if not pod["metadata"]["name"].startswith("coredns")]
    assert "CoreDNS pods: expected no loop, no flood of upstream timeouts, found none" in world.cluster.explain("dns_logs")


def test_the_worst_of_two_pods_on_a_node_counts(world):
    for order in (slice(None), slice(None, None, -1)):
        items = world.object("pods/kube-flannel")["items"]
        sick = copy.deepcopy(items[0])
        sick["status"]["phase"] = "Failed"
        items[:] = [*items, sick][order]
        assert "expected Running and Ready, found Failed" in world.cluster.explain("flannel_pods")


def test_one_pod_cidr_of_two_outside(world):
    world.api_node(WORKER1)["spec"]["podCIDRs"] = ["10.244.1.0/24", "10.9.0.0/24"]
    assert "k8snet-worker1: expected podCIDR inside Network" in world.cluster.explain("pod_network")


def test_an_endpoint_that_is_not_ready_does_not_count(world):
    for piece in world.object("endpointslices")["items"]:
        for endpoint in piece["endpoints"]:
            if endpoint["addresses"] == ["10.244.1.5"]:
                endpoint["conditions"]["ready"] = False
    assert "UDP: expected 10.244.0.4, 10.244.1.5, found 10.244.0.4" in world.cluster.explain("dns_endpoints")


def _second_family(world, families):
    """The DNS pods get IPv6 addresses beside their IPv4 ones; the Service has `families` and, for IPv6, a slice of its own."""
    for number, pod in enumerate(_pods(world, "kube-system", "coredns")):
        pod["status"]["podIPs"].append({"ip": f"fd00::{number}"})
    service = next(item for item in world.object("services")["items"] if item["metadata"]["name"] == "kube-dns")
    service["spec"]["ipFamilies"] = families
    piece = next(item for item in world.object("endpointslices")["items"] if item["metadata"]["name"].startswith("kube-dns"))
    if "IPv6" in families:
        endpoints = [{"addresses": [f"fd00::{number}"], "conditions": {"ready": True}} for number in (0, 1)]
        world.object("endpointslices")["items"].append({**copy.deepcopy(piece), "addressType": "IPv6", "endpoints": endpoints})
    return service["spec"], piece


@pytest.mark.parametrize("families", [["IPv4"], ["IPv4", "IPv6"], ["IPv6", "IPv4"]], ids="-".join)
def test_dns_pods_of_two_families(world, families):
    _second_family(world, families)
    assert _wrong(world) == set()


def test_an_older_service_has_the_families_of_its_slices(world):
    service, _ = _second_family(world, ["IPv4"])
    del service["ipFamilies"]
    assert _wrong(world) == set()


def test_a_family_of_the_dns_service_without_endpoints(world):
    _, piece = _second_family(world, ["IPv4", "IPv6"])
    piece["endpoints"] = []
    assert _wrong(world) == {"dns_endpoints"}
    text = world.cluster.explain("dns_endpoints")
    assert "UDP IPv4: expected 10.244.0.4, 10.244.1.5, found nothing" in text
    assert "IPv6: expected" not in text


def test_a_family_of_the_dns_service_that_no_dns_pod_has(world):
    service = next(item for item in world.object("services")["items"] if item["metadata"]["name"] == "kube-dns")
    service["spec"]["ipFamilies"] = ["IPv4", "IPv6"]
    assert "TCP IPv6: expected at least one ready DNS pod, found nothing" in world.cluster.explain("dns_endpoints")


def test_a_single_family_still_needs_every_dns_pod(world):
    _, piece = _second_family(world, ["IPv4"])
    piece["endpoints"] = piece["endpoints"][:1]
    assert "UDP: expected 10.244.0.4, 10.244.1.5, found 10.244.1.5" in world.cluster.explain("dns_endpoints")


def test_a_slice_of_a_family_that_the_dns_service_has_not_is_judged_too(world):
    service, _ = _second_family(world, ["IPv4", "IPv6"])
    service["ipFamilies"] = ["IPv4"]
    world.object("endpointslices")["items"][-1]["endpoints"] = [{"addresses": ["fd00::9"]}]
    assert "UDP IPv6: expected fd00::0, fd00::1, found fd00::9" in world.cluster.explain("dns_endpoints")
