"""What the privileged pod reads on a node, and flannel's objects."""

from __future__ import annotations

from typing import Any

from spoiling import Evidence

from .proof import FAILED, WARNING, Edit, Proof, each

FLANNEL, PROXY = ("app", "flannel"), ("k8s-app", "kube-proxy")
NET_CONF = "configmap/kube-flannel/kube-flannel-cfg"


def json_list(name: str, wanted: dict[str, str], change: dict[str, Any] | None, node: str = "w1") -> Edit:
    """Change the one entry of a list that has these values; None removes it. Addresses are written {cidr w2}."""

    def edit(evidence: Evidence) -> None:
        def edited(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
            filled = {key: evidence.filled(value) for key, value in wanted.items()}
            found = [entry for entry in entries if filled.items() <= entry.items()]
            assert len(found) == 1, f"{len(found)} entries of {name} with {filled}"
            return [{**entry, **(change or {})} if entry is found[0] else entry for entry in entries if entry is not found[0] or change]

        evidence.json_fact(node, name, edited)

    return edit


def fact(name: str, old: str, new: str, node: str = "w1", **where: str) -> Edit:
    """A part of a fact reads differently."""
    return lambda evidence: evidence.replace(node, name, old, new, **where)


def network(old: str, new: str) -> Edit:
    """flannel's net-conf.json names another network."""

    def edit(evidence: Evidence) -> None:
        def change(body: Any) -> None:
            body["data"]["net-conf.json"] = body["data"]["net-conf.json"].replace(old, new)

        evidence.object(NET_CONF, change)

    return edit


def waiting(reason: str) -> Any:
    """A pod whose container does not start."""

    def change(pod: Any) -> None:
        pod["status"]["containerStatuses"][0].update(ready=False, restartCount=5, state={"waiting": {"reason": reason}})

    return change


def _unready(pod: Any) -> None:
    for condition in pod["status"]["conditions"]:
        if condition["type"] == "Ready":
            condition["status"] = "False"


def _unavailable(node: Any) -> None:
    for condition in node["status"]["conditions"]:
        if condition["type"] == "NetworkUnavailable":
            condition.update(status="True", reason="NoRouteCreated", message="no route")


FLANNEL_STATE = (
    Proof(
        "NET-FLANNEL-001",
        "flannel crashes on one node",
        lambda evidence: evidence.pod_on("pods/kube-flannel", FLANNEL, "w1", waiting("CrashLoopBackOff")),
        red=("cluster",),
        text=(
            "flannel pods (namespace kube-flannel, label app=flannel)",
            "w1: expected Running and Ready, found",
            "CrashLoopBackOff",
            "(restarts: 5)",
        ),
    ),
    Proof(
        "NET-FLANNEL-002",
        "net-conf.json names another network, and flannel runs with it",
        each(
            network("10.244.0.0/16", "10.245.0.0/16"),
            *(fact("subnet.env", "10.244.0.0/16", "10.245.0.0/16", node) for node in ("w1", "w2", "control")),
        ),
        red=("cluster",),
        text=(
            "ConfigMap kube-flannel/kube-flannel-cfg net-conf.json Network 10.245.0.0/16 (kubeadm-config podSubnet 10.244.0.0/16)",
            "w1: expected podCIDR inside Network, found podCIDR outside Network (podCIDR {cidr w1})",
        ),
        also={f"NET-FLANNEL-005 {node}": FAILED for node in ("control", "w1", "w2")},
    ),
    Proof(
        "NET-FLANNEL-004",
        "subnet.env is cut off",
        fact("subnet.env", "FLANNEL_IPMASQ=true\n", ""),
        red=("w1",),
        text=("w1: /run/flannel/subnet.env", "FLANNEL_IPMASQ: expected present, found missing"),
        also={"NET-FLANNEL-005 w1": FAILED},
    ),
    Proof(
        "NET-FLANNEL-005",
        "the MTU leaves no room",
        fact("subnet.env", "FLANNEL_MTU=1450", "FLANNEL_MTU=1500"),
        red=("w1",),
        text=("w1: /run/flannel/subnet.env", "FLANNEL_MTU: expected 1450, found 1500 (MTU 1500 of eth0 minus 50 for vxlan)"),
        also={"NET-MTU-007 cluster": WARNING, "NET-MTU-002 w1": FAILED},
    ),
    Proof(
        "NET-FLANNEL-005",
        "another node's subnet",
        fact("subnet.env", "FLANNEL_SUBNET={1 w1}/24", "FLANNEL_SUBNET={1 w2}/24"),
        red=("w1",),
        text=("FLANNEL_SUBNET: expected {1 w1}/24, found {1 w2}/24 (first address of the node's podCIDR {cidr w1})",),
    ),
    Proof(
        "NET-FLANNEL-006",
        "somebody edited the CNI configuration",
        fact("cni", '"hairpinMode": true', '"hairpinMode": false', source="/10-flannel.conflist"),
        red=("w1",),
        text=(
            "w1: /etc/cni/net.d/10-flannel.conflist against key cni-conf.json of ConfigMap kube-flannel/kube-flannel-cfg",
            '"hairpinMode": false',
        ),
        also={"NET-FLANNEL-019 w1": "skipped"},
    ),
    Proof(
        "NET-FLANNEL-012",
        "the network is not available",
        lambda evidence: evidence.item("nodes", "w1", _unavailable),
        red=("w1",),
        status=WARNING,
        text=("w1: condition of the Node object", "NetworkUnavailable: expected False FlannelIsUp, found True NoRouteCreated (no route)"),
    ),
    Proof(
        "NET-FLANNEL-015",
        "the route to one node is gone",
        json_list("routes", {"dst": "{cidr w2}"}, None),
        red=("w1",),
        text=(
            "w1: routes to the other nodes' podCIDRs (ip -j route show table all)",
            "{cidr w2}: expected via",
            "found nothing (podCIDR of w2)",
        ),
    ),
    Proof(
        "NET-FLANNEL-015",
        "a route of a node that is no longer there",
        lambda evidence: evidence.json_fact(
            "w1",
            "routes",
            lambda routes: [*routes, {"dst": "10.244.77.0/24", "gateway": "10.244.77.0", "dev": "flannel.1", "flags": ["onlink"]}],
        ),
        red=("w1",),
        text=("10.244.77.0/24: expected nothing, found via 10.244.77.0 dev flannel.1",),
    ),
    Proof(
        "NET-FLANNEL-015",
        "a route stops packets to pods that are yet to come",
        lambda evidence: evidence.json_fact(
            "w1", "routes", lambda routes: [*routes, {"type": "blackhole", "dst": evidence.filled("{200 w1}"), "flags": []}]
        ),
        red=("w1",),
        text=("{200 w1}: expected nothing, found blackhole (inside the podCIDR of w1)",),
    ),
    Proof(
        "NET-FLANNEL-015",
        "the tunnel device of a route is down",
        json_list("routes", {"dst": "{cidr w2}"}, {"flags": ["onlink", "dead", "linkdown"]}),
        red=("w1",),
        text=("{cidr w2}: expected via", "found via {0 w2} dev flannel.1 dead linkdown (podCIDR of w2)"),
    ),
    Proof(
        "NET-FLANNEL-016",
        "a neighbour's MAC is stale",
        json_list("neighbours", {"dst": "{0 w2}", "dev": "flannel.1"}, {"lladdr": "02:00:00:00:00:01"}),
        red=("w1",),
        text=("w1: neighbours on flannel.1 (ip -j neigh show)", "found 02:00:00:00:00:01 PERMANENT (tunnel address of w2)"),
    ),
    Proof(
        "NET-FLANNEL-017",
        "an FDB entry sends packets elsewhere",
        json_list("fdb", {"ifname": "flannel.1", "dst": "{w2}"}, {"dst": "192.0.2.77"}),
        red=("w1",),
        text=(
            "w1: forwarding database of flannel.1 (bridge -j fdb show)",
            "expected {w2} permanent, found 192.0.2.77 permanent (VtepMAC of w2)",
        ),
    ),
    Proof(
        "NET-MTU-001",
        "the tunnel's MTU leaves no room",
        json_list("links", {"ifname": "flannel.1"}, {"mtu": 1500}),
        red=("w1",),
        text=(
            "w1: MTU of the tunnel device (ip -j -d link show)",
            "flannel.1: expected 1450, found 1500 (MTU 1500 of eth0 minus 50 bytes for vxlan)",
        ),
    ),
)

KERNEL = (
    Proof(
        "NET-NODE-001",
        "forwarding was off before the first pod",
        fact("ip-forward", "1", "0", phase="before"),
        red=("w1",),
        text=("w1: IPv4 forwarding (/proc/sys/net/ipv4)", "net.ipv4.ip_forward before the first probe pod: expected 1, found 0"),
    ),
    Proof(
        "NET-NODE-001",
        "forwarding is off on the tunnel",
        fact("forwarding", "1", "0", source="/flannel.1/", phase="after"),
        red=("w1",),
        text=("net.ipv4.conf.flannel.1.forwarding after the probes: expected 1, found 0",),
    ),
    Proof(
        "NET-NODE-002",
        "bridged packets bypass iptables",
        fact("bridge-nf", "1", "0"),
        red=("w1",),
        text=("w1: bridged traffic and iptables", "net.bridge.bridge-nf-call-iptables: expected 1, found 0"),
    ),
)

PROXY_STATE = (
    Proof(
        "NET-PROXY-001",
        "kube-proxy is not ready on one node",
        lambda evidence: evidence.pod_on("pods/kube-system", PROXY, "w1", _unready),
        red=("cluster",),
        text=("DaemonSet and pods kube-system/kube-proxy", "w1: expected Running and Ready, found Running, not Ready (pod kube-proxy-"),
    ),
    Proof(
        "NET-PROXY-002",
        "kube-proxy says another mode",
        fact("proxy-mode", "iptables", "ipvs"),
        red=("w1",),
        text=("w1: kube-proxy's mode (ConfigMap kube-system/kube-proxy: iptables)", "proxyMode: expected iptables, found ipvs"),
    ),
)

PROOFS = (*FLANNEL_STATE, *KERNEL, *PROXY_STATE)
