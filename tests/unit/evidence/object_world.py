"""What the healthy world holds beside the recording: probe pods, the list of all pods, and on demand a second family."""

from __future__ import annotations

import json

NODES = ("k8snet-control", "k8snet-worker1", "k8snet-worker2")
SETTLED = (
    ("proxy-healthz", "http://127.0.0.1:10256/healthz", '{"lastUpdated": "2026-11-23T04:51:20Z", "nodeEligible": true}'),
    ("flannel-healthz", "http://127.0.0.1:8081/healthz", "flanneld is running"),
    ("flannel-readyz", "http://127.0.0.1:8081/readyz", "flanneld is ready"),
    ("route-localnet", "/proc/sys/net/ipv4/conf/all/route_localnet", "1\n"),
    ("tcp-be-liberal", "/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal", "0\n"),
)
NODE_IPS = {"k8snet-control": "172.30.0.11", "k8snet-worker1": "172.30.0.12", "k8snet-worker2": "172.30.0.13"}
SECOND = {node: f"fd00:10:0:{number}::/64" for number, node in enumerate(NODES)}


def list_pods(recording):
    """The list of all pods has those of the system."""
    known = [recording.object(f"pods/{namespace}")["items"] for namespace in ("kube-system", "kube-flannel")]
    items = [pod(p["metadata"]["name"], *_ips(p), node=p["spec"]["nodeName"], host=p["spec"]["hostNetwork"]) for ps in known for p in ps]
    recording.append("objects", {"name": "pods", "status": 200, "body": {"items": items}})


def settle(recording):
    """Health endpoints answer, and the kernel is set as kube-proxy sets it."""
    for node in NODES:
        for name, source, text in SETTLED:
            fact = {"node": node, "phase": "after", "name": name, "source": source, "ok": True, "code": 200, "text": text, "error": ""}
            recording.append("facts", fact)


def place(recording):
    """A probe pod `a` and one on the host network on every node."""
    for number, (node, ip) in enumerate(NODE_IPS.items()):
        a, host = pod(f"a-{number}", f"10.244.{number}.200", node=node), pod(f"host-{number}", ip, node=node, host=True)
        host["status"] |= {"hostIP": ip, "hostIPs": [{"ip": ip}]}
        recording.object("pods")["items"] += [a, host]
        placed(recording, f"pod/a@{node}", a)
        placed(recording, f"host@{node}", host)
        text = interface(f"10.244.{number}.200/24")
        fact = {"node": node, "phase": "after", "name": "addresses/a", "source": "ip -j addr show", "ok": True, "code": 0, "text": text}
        recording.append("facts", {**fact, "error": ""})


def _ips(api_pod):
    return [entry["ip"] for entry in api_pod["status"].get("podIPs") or ()]


def interface(*addresses, dev="eth0"):
    """`ip -j addr show` in a pod."""
    own = [(address.partition("/")[0], int(address.partition("/")[2])) for address in addresses]
    info = [{"family": "inet6" if ":" in ip else "inet", "local": ip, "prefixlen": length, "scope": "global"} for ip, length in own]
    link = {"family": "inet6", "local": "fe80::1", "prefixlen": 64, "scope": "link"}
    loopback = [{"family": "inet", "local": "127.0.0.1", "prefixlen": 8, "scope": "host"}]
    devices = (("lo", loopback), (dev, [*info, link]))
    return json.dumps([{"ifindex": i, "ifname": name, "addr_info": addresses} for i, (name, addresses) in enumerate(devices, 1)])


def pod(name, *ips, node=NODES[0], namespace="default", host=False, phase="Running", leaving=False):
    """A pod as the recording keeps it."""
    metadata = {"name": name, "namespace": namespace} | ({"deletionTimestamp": "2026-11-23T05:00:00Z"} if leaving else {})
    status = {"phase": phase, "podIP": ips[0], "podIPs": [{"ip": ip} for ip in ips]} if ips else {"phase": phase}
    return {"metadata": metadata, "spec": {"nodeName": node} | ({"hostNetwork": True} if host else {}), "status": status}


def pods(world, *items, status=200):
    """What the API answered to the list of all pods."""
    body = {"items": list(items)} if status == 200 else {"message": "pods is forbidden"}
    world.recording.append("objects", {"name": "pods", "status": status, "body": body})


def dual(world):
    """Nodes get a second podCIDR and a second InternalIP, kubeadm a second podSubnet and serviceSubnet."""
    for number, node in enumerate(world.object("nodes")["items"]):
        name = node["metadata"]["name"]
        node["spec"]["podCIDRs"].append(SECOND[name])
        node["status"]["addresses"].append({"type": "InternalIP", "address": f"fd00:1::{number + 1}"})
    kubeadm(world, "10.244.0.0/16", "10.244.0.0/16,fd00:10::/48")
    kubeadm(world, "10.96.0.0/16", "10.96.0.0/16,fd00:96::/112")


def kubeadm(world, old, new):
    """A part of kubeadm's ClusterConfiguration reads differently."""
    data = world.object("configmap/kube-system/kubeadm-config")["data"]
    assert old in data["ClusterConfiguration"]
    data["ClusterConfiguration"] = data["ClusterConfiguration"].replace(old, new)


def refuse(world, name, status=403, message="forbidden"):
    """The API refuses to tell an object."""
    for entry in world.recording.streams["objects"]:
        if entry["name"] == name:
            entry.update(status=status, body={"message": message})


def placed(recording, endpoint, api_pod, problem=""):
    """A probe pod of a run, as the fleet recorded it."""
    where = {"namespace": api_pod["metadata"]["namespace"], "pod": api_pod["metadata"]["name"], "problem": problem}
    recording.append("fleet", {"endpoint": endpoint, **where})
