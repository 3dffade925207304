"""Devices, kernel settings and identity of nodes."""

from __future__ import annotations

from spoiling import Evidence

from .nodes import fact, json_list
from .proof import FAILED, WARNING, Edit, Proof, each


def vxlan(**change: object) -> Edit:
    """Attributes of the tunnel device."""

    def edit(evidence: Evidence) -> None:
        def edited(links: list[dict[str, dict[str, dict[str, object]]]]) -> None:
            for link in links:
                if link["ifname"] == "flannel.1":
                    link["linkinfo"]["info_data"].update(change)

        evidence.json_fact("w1", "links", edited)

    return edit


def tunnel_addresses(*addresses: str) -> Edit:
    """Addresses of the tunnel device."""

    def edit(evidence: Evidence) -> None:
        def edited(devices: list[dict[str, object]]) -> None:
            for device in devices:
                if device["ifname"] == "flannel.1":
                    device["addr_info"] = [
                        {"family": "inet", "local": evidence.filled(one).partition("/")[0], "prefixlen": 32, "scope": "global"}
                        for one in addresses
                    ]

        evidence.json_fact("w1", "addresses", edited)

    return edit


def counter(name: str, column: str, more: int) -> Edit:
    """A counter is higher after the probes than before; columns are named in the text's first line of each pair."""

    def edit(evidence: Evidence) -> None:
        def edited(text: str) -> str:
            lines = text.split("\n")
            head = next(number for number, line in enumerate(lines) if column in line.split())
            names, values = lines[head].split(), lines[head + 1].split()
            place = names.index(column)
            values[place] = str(int(values[place]) + more) if name == "netstat" else f"{int(values[place], 16) + more:08x}"
            return "\n".join([*lines[: head + 1], " ".join(values), *lines[head + 2 :]])

        evidence.fact("w1", name, edited, phase="after")

    return edit


def strict(evidence: Evidence) -> None:
    """rp_filter 1 on the node."""
    evidence.fact("w1", "rp-filter", lambda _text: "1\n", source="/all/")


def port_mtu(mtu: int) -> Edit:
    """The first port of the bridge has another MTU."""

    def edit(evidence: Evidence) -> None:
        evidence.json_fact("w1", "links", lambda links: next(link for link in links if link.get("master") == "cni0").update(mtu=mtu))

    return edit


FOREIGN = {"dst": "10.96.64.0/18", "dev": "virbr0", "flags": []}

TUNNEL = (
    Proof(
        "NET-FLANNEL-013",
        "the tunnel listens on another port",
        vxlan(port=4789),
        red=("w1",),
        text=("w1: device flannel.1 (ip -j -d link show)", "dstport: expected 8472, found 4789"),
    ),
    Proof(
        "NET-FLANNEL-013",
        "the tunnel's MAC is not the annotated one",
        json_list("links", {"ifname": "flannel.1"}, {"address": "02:00:00:00:00:09"}),
        red=("w1",),
        text=("MAC: expected", "found 02:00:00:00:00:09 (VtepMAC of the node's own annotation backend-data)"),
    ),
    Proof(
        "NET-FLANNEL-013",
        "the tunnel learns by itself",
        vxlan(learning=True),
        red=("w1",),
        text=("learning: expected off, found on",),
    ),
    Proof(
        "NET-FLANNEL-014",
        "the tunnel has an address of another node",
        tunnel_addresses("{cidr w2}"),
        red=("w1",),
        text=("w1: IPv4 addresses of flannel.1 (ip -j addr show)", "(network address of podCIDR {cidr w1})"),
    ),
    Proof(
        "NET-FLANNEL-018",
        "the bridge is down",
        json_list("links", {"ifname": "cni0"}, {"flags": ["BROADCAST", "MULTICAST"]}),
        red=("w1",),
        text=("w1: bridge cni0 (ip -j addr show, ip -j route show table all)", "device: expected UP bridge, found DOWN bridge"),
    ),
    Proof(
        "NET-FLANNEL-018",
        "the route to the node's own pods is gone",
        json_list("routes", {"dst": "{cidr w1}", "dev": "cni0"}, None),
        red=("w1",),
        text=("route of the podCIDR: expected dev cni0, found missing ({cidr w1})",),
    ),
    Proof(
        "NET-FLANNEL-019",
        "ports return nothing to where it came from",
        lambda evidence: evidence.fact("w1", "bridge-links", lambda text: text.replace('"hairpin":true', '"hairpin":false')),
        red=("w1",),
        status=WARNING,
        text=("w1: hairpin mode of the ports of cni0 (bridge -j -d link show)", ": expected on, found off"),
    ),
    Proof(
        "NET-MTU-007",
        "one node's pods have another MTU",
        fact("subnet.env", "FLANNEL_MTU=1450", "FLANNEL_MTU=1400"),
        red=("cluster",),
        status=WARNING,
        text=("cluster: FLANNEL_MTU of /run/flannel/subnet.env on every node", "w1: expected 1450, found 1400"),
        also={"NET-FLANNEL-005 w1": FAILED, "NET-MTU-002 w1": FAILED},
    ),
)

KERNEL = (
    Proof(
        "NET-NODE-003",
        "the kernel has no vxlan",
        each(json_list("links", {"ifname": "flannel.1"}, None)),
        red=("w1",),
        text=("w1: vxlan in the kernel", "found neither a device nor a loaded module"),
        also={"NET-FLANNEL-013 w1": FAILED, "NET-MTU-001 w1": FAILED},
    ),
    Proof(
        "NET-NODE-004",
        "strict filtering drops packets",
        each(strict, counter("netstat", "IPReversePathFilter", 12)),
        red=("w1",),
        status=WARNING,
        text=("w1: reverse-path filter", "found strict, and drops packets (12)", "(rp_filter 1, 12 packets dropped by it during the run)"),
    ),
    Proof(
        "NET-NODE-005",
        "the table of connections is full",
        lambda evidence: evidence.fact("w1", "conntrack-count", lambda _text: "250000\n"),
        red=("w1",),
        status=WARNING,
        text=("w1: connection tracking", "below 80 % of nf_conntrack_max: expected yes, found no, 250000 of 262144"),
    ),
    Proof(
        "NET-NODE-005",
        "connections could not be entered",
        counter("conntrack-stat", "insert_failed", 3),
        red=("w1",),
        status=WARNING,
        text=("insert_failed during the run: expected 0, found 3",),
    ),
    Proof(
        "NET-NODE-014",
        "the node lacks one of its InternalIPs",
        lambda evidence: evidence.item("nodes", "w1", _other_address),
        red=("w1",),
        text=("w1: InternalIP of the Node object", "172.30.0.99: expected on an interface, found on no interface"),
    ),
    Proof(
        "NET-NODE-017",
        "outgoing connections take NodePorts",
        lambda evidence: evidence.fact("w1", "local-ports", lambda _text: "20000\t40000\n"),
        red=("w1",),
        status=WARNING,
        text=("w1: net.ipv4.ip_local_port_range", "NodePorts 30000-32767: expected no overlap, found overlap: 30000 to 32767"),
    ),
    Proof(
        "NET-NODE-012",
        "two nodes were cloned",
        lambda evidence: evidence.fact("w1", "machine-id", lambda _text: evidence.facts("w2", "machine-id")[-1]["text"]),
        red=("cluster",),
        status=WARNING,
        text=("cluster: identity of the nodes", "machine-id of w1: expected unique, found the same as w2"),
    ),
    Proof(
        "NET-NODE-010",
        "another bridge took a part of the Services' range",
        lambda evidence: evidence.json_fact(
            "w1", "routes", lambda routes: [*routes, {"dst": "10.96.64.0/18", "dev": "virbr0", "flags": []}]
        ),
        red=("w1",),
        text=(
            "w1: networks of the node against the cluster's ranges",
            "route 10.96.64.0/18 dev virbr0: expected disjoint, found overlaps serviceSubnet",
        ),
    ),
)


def _other_address(node: dict[str, dict[str, list[dict[str, str]]]]) -> None:
    node["status"]["addresses"].append({"type": "InternalIP", "address": "172.30.0.99"})


MTU = (
    Proof(
        "NET-MTU-002",
        "a port of the bridge has another MTU",
        port_mtu(1500),
        red=("w1",),
        text=("w1: MTU of cni0, its ports and pods (ip -j -d link show)", "of cni0: expected 1450, found 1500 (FLANNEL_MTU of"),
    ),
    Proof(
        "NET-MTU-002",
        "the bridge does not take the lowest MTU",
        port_mtu(1400),
        red=("w1",),
        text=("of cni0: expected 1450, found 1400", "cni0: expected 1400, found 1450 (the lowest MTU of its ports)"),
    ),
    Proof(
        "NET-MTU-002",
        "pods send packets that do not fit",
        fact("addresses/a", '"mtu":1450', '"mtu":1500'),
        red=("w1",),
        text=("eth0 of pod/a@w1: expected 1450, found 1500 (FLANNEL_MTU of /run/flannel/subnet.env)",),
    ),
)

PROOFS = (*TUNNEL, *KERNEL, *MTU)
