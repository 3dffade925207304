"""kube-proxy in nftables and ipvs mode, flannel in nftables mode: what is judged, and what makes each of them wrong."""

import copy
import json
import re
from pathlib import Path

import pytest
from evidence_world import NODES, WORKER1, RecordedWorld, World

from pytest_k8snet.evidence.flannel_nft import COMPARISONS as FLANNEL
from pytest_k8snet.evidence.ipvs import COMPARISONS as IPVS
from pytest_k8snet.evidence.rules_nft import COMPARISONS as NFT
from pytest_k8snet.evidence.rules_services import service_ports
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.plan.readers import names_for

RECORDING = Recording.read(Path(__file__).parents[2] / "fixtures" / "recordings" / "healthy-nftables.zip")


def every(world, name, change):
    """Edit an object each time it was read."""
    for entry in world.recording.entries("objects", name=name):
        change(entry["body"])


def item(body, name):
    return next(one for one in body["items"] if one["metadata"]["name"] == name)


class NftWorld(World):
    """A healthy run on a cluster whose proxy and flannel write nftables rules."""

    def __init__(self):
        self.recording = Recording(RECORDING.meta, copy.deepcopy(RECORDING.streams))

    def listed(self, change):
        body = json.loads(self.text("nft"))
        body["nftables"] = change(body["nftables"])
        self.write("nft", json.dumps(body))


class IpvsWorld(RecordedWorld):
    """The healthy run as ipvs mode would leave it: made from the API's objects, since no kernel with ipvs was at hand."""

    def __init__(self):
        super().__init__()
        self.configure(r"(?m)^mode:.*$", "mode: ipvs")
        services = self.recording.object("services")["items"]
        self.vips = sorted({service["spec"].get("clusterIP", "None") for service in services} - {"None"})
        addresses = json.loads(self.text("addresses"))
        held = [{"family": "inet", "local": address, "prefixlen": 32, "scope": "global"} for address in self.vips]
        addresses.append({**addresses[-1], "ifname": "kube-ipvs0", "addr_info": held})
        self.write("addresses", json.dumps(addresses))
        self.servers = {str(port): port for port in service_ports(self.recording, self.api_node(WORKER1))}
        self.add("ip-vs", listing(self.servers.values()))
        self.add("ipsets", "KUBE-CLUSTER-IP\nKUBE-LOOP-BACK\nKUBE-NODE-PORT-TCP\n")
        for name, value in (("vs-conntrack", "1"), ("arp-ignore", "0"), ("arp-announce", "0")):
            self.add(name, f"{value}\n")

    def configure(self, pattern, text):
        def change(body):
            body["data"]["config.conf"] = re.sub(pattern, text, body["data"]["config.conf"])

        every(self, "configmap/kube-system/kube-proxy", change)

    def add(self, name, text):
        fact = {"node": WORKER1, "phase": "after", "name": name, "source": name, "ok": True, "text": text, "error": ""}
        self.recording.streams["facts"].append(fact)


def hexed(end):
    address, _, port = end.rpartition(":")
    return "".join(f"{int(part):02X}" for part in address.split(".")) + f":{int(port):04X}"


def listing(ports):
    lines = ["IP Virtual Server version 1.2.1 (size=4096)", "Prot LocalAddress:Port Scheduler Flags"]
    lines.append("  -> RemoteAddress:Port Forward Weight ActiveConn InActConn")
    for port in ports:
        lines.append(f"{port.protocol.upper()}  {hexed(f'{port.address}:{port.port}')} rr ")
        lines += [f"  -> {hexed(end)}      Masq    1      0          0         " for end in sorted(port.ever)]
    return "\n".join(lines) + "\n"


@pytest.fixture
def nft():
    return NftWorld()


@pytest.fixture
def ipvs():
    return IpvsWorld()


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("name", NFT)
def test_a_healthy_node(nft, node, name):
    evidence = nft.node(node)
    assert getattr(evidence, name) == getattr(evidence, f"expected_{name}"), evidence.explain(name)
    assert evidence.evidence


@pytest.mark.parametrize("node", NODES)
def test_all_that_differs_is_what_flannel_writes_the_wrong_way_round(nft, node):
    found = nft.node(node).comparison("flannel_tables")
    others = [one for one in NODES if one != node]
    assert [(found.expected[key], found.actual[key]) for key in found.differing] == [("masqueraded", "kept")] * 2
    assert sorted(re.search(r"^outside > pod \S+ of (\S+), source$", key)[1] for key in found.differing) == sorted(others)
    assert all(found.notes[key].startswith("native ip flannel-ipv4 postrtg rule 4: ip saddr != ") for key in found.differing)


@pytest.mark.parametrize("name", [*NFT, *FLANNEL])
def test_without_facts_nothing_passes(nft, name):
    nft.recording.streams["facts"].clear()
    with pytest.raises(Inconclusive, match=r"k8snet-worker1: \S+ was not read"):
        nft.node().comparison(name)


@pytest.mark.parametrize("form", [-110, 0])
def test_the_forms_of_the_filter_chains(nft, form):
    """The older form has all its filters before destination NAT."""

    def change(objects):
        for one in objects:
            if "chain" in one and one["chain"].get("type") == "filter" and one["chain"]["table"] == "kube-proxy":
                one["chain"]["prio"] = form
        return objects

    nft.listed(change)
    assert nft.statuses()["nft_base_chains"] == ("right" if form == -110 else "wrong")


def test_addresses_outside_may_have_elements(nft):
    name = nft.object("services")["items"][0]["metadata"]["name"]
    pair = [{"concat": ["192.0.2.7", "tcp", 80]}, {"drop": None}]

    def change(objects):
        for one in objects:
            if "map" in one and one["map"]["name"] == "service-ips" and one["map"]["family"] == "ip":
                one["map"]["elem"].append(pair)
        return objects

    nft.listed(change)
    assert nft.statuses()["nft_maps"] == "wrong"
    every(nft, "services", lambda body: item(body, name)["spec"].update(externalIPs=["192.0.2.7"]))
    assert nft.statuses()["nft_maps"] == "right"


@pytest.mark.parametrize(
    ("kernel", "status"), [("5.13.0", "right"), ("5.12.9", "wrong"), ("6.1.0-13-amd64", "right"), ("4.18", "wrong"), ("", "unknown")]
)
def test_kernels(nft, kernel, status):
    every(nft, "nodes", lambda body: item(body, WORKER1)["status"]["nodeInfo"].update(kernelVersion=kernel))
    assert nft.statuses()["nft_prerequisites"] == status


def test_a_check_that_is_overridden(nft):
    override = [{"name": "KUBE_PROXY_NFTABLES_SKIP_KERNEL_VERSION_CHECK", "value": "1"}]

    def change(body):
        item(body, "kube-proxy")["spec"]["template"]["spec"]["containers"][0]["env"] = override

    every(nft, "daemonsets/kube-system", change)
    with pytest.raises(NotApplicable, match="its own check is off"):
        nft.node().comparison("nft_prerequisites")


@pytest.mark.parametrize("name", [*IPVS, "service_entries", "endpoint_sets"])
def test_a_healthy_ipvs_node(ipvs, name):
    evidence = ipvs.node()
    assert getattr(evidence, name) == getattr(evidence, f"expected_{name}"), evidence.explain(name)


def test_an_address_that_is_missing(ipvs):
    ipvs.edit("addresses", f'"local": "{ipvs.vips[0]}"', '"local": "192.0.2.1"')
    text = ipvs.node().explain("ipvs_servers")
    assert f"{ipvs.vips[0]} on kube-ipvs0" in text
    assert "expected there, found missing" in text
    assert "192.0.2.1 on kube-ipvs0 (of no Service): expected missing, found there" in text


def test_a_virtual_server_that_is_missing(ipvs):
    gone, *others = ipvs.servers.values()
    ipvs.write("ip-vs", listing(others))
    assert f"{gone}: expected" in ipvs.node().explain("ipvs_servers")
    assert {"ipvs_servers", "service_entries", "endpoint_sets"} <= ipvs.wrong()


def test_a_real_server_that_is_gone(ipvs):
    port = next(port for port in ipvs.servers.values() if len(port.ever) > 1)
    end = sorted(port.ever)[0]
    lines = ipvs.text("ip-vs").splitlines()
    head = f"{port.protocol.upper()}  {hexed(f'{port.address}:{port.port}')}"
    at = next(i for i, line in enumerate(lines) if line.startswith(head))
    del lines[next(i for i in range(at, len(lines)) if hexed(end) in lines[i])]
    ipvs.write("ip-vs", "\n".join(lines))
    assert {"ipvs_servers", "endpoint_sets"} == ipvs.wrong() - {"mode_sources", "leftovers"}, "the rules are still those of iptables mode"


@pytest.mark.parametrize(("fact", "text", "words"), [
    ("vs-conntrack", "0\n", "net.ipv4.vs.conntrack: expected 1, found 0"),
    ("ipsets", "KUBE-LOOP-BACK\n", "ipset KUBE-CLUSTER-IP: expected there, found missing"),
])  # fmt: skip
def test_settings(ipvs, fact, text, words):
    ipvs.write(fact, text)
    assert words in ipvs.node().explain("ipvs_settings")
    assert "deprecated since Kubernetes 1.35" in ipvs.node().explain("ipvs_settings")


def test_strict_arp(ipvs):
    ipvs.configure(r"(?m)^  strictARP:.*$", "  strictARP: true")
    assert "net.ipv4.conf.all.arp_ignore (strictARP): expected 1, found 0" in ipvs.node().explain("ipvs_settings")


def test_virtual_servers_that_cannot_be_read(ipvs):
    ipvs.write("ip-vs", "nonsense")
    assert {ipvs.statuses()[name] for name in ("ipvs_servers", "endpoint_sets", "service_entries")} == {"unknown"}


def test_the_planned_readers_are_enough():
    assert {"ip-vs", "addresses"} <= names_for(["NET-PROXY-029"])
    assert {"ipsets", "vs-conntrack", "ip-forward"} <= names_for(["NET-PROXY-030"])
