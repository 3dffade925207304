"""flannel's backends udp, wireguard and ipip, as flannel would leave the healthy cluster with them."""

import json
from datetime import UTC, datetime

import pytest
from evidence_world import NODES, WORKER1, WORKER2

from pytest_k8snet.model.verdict import Inconclusive

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
STARTED = "2026-11-23T05:12:59+00:00"
BEGAN = int(datetime(2026, 11, 23, 5, 12, 59, tzinfo=UTC).timestamp())


def add(world, name, text):
    fact = {"node": WORKER1, "phase": "after", "name": name, "source": name, "ok": True, "code": 0, "text": text, "error": ""}
    world.recording.append("facts", fact)


def turn(world, backend, device, kind, route):
    """The tunnel of another backend in place of vxlan's."""
    data = world.object("configmap/kube-flannel/kube-flannel-cfg")["data"]
    data["net-conf.json"] = data["net-conf.json"].replace("vxlan", backend)
    links = [link for link in json.loads(world.text("links")) if link["ifname"] != "flannel.1"]
    tunnel = {"ifindex": 80, "ifname": device, "flags": ["UP"], "mtu": 1420, "linkinfo": {"info_kind": kind}}
    world.write("links", json.dumps([*links, tunnel]))
    kept = [entry for entry in json.loads(world.text("routes")) if entry.get("dev") != "flannel.1"]
    world.write("routes", json.dumps([*kept, *route]))


@pytest.fixture
def udp(world):
    turn(world, "udp", "flannel0", "tun", [{"dst": "10.244.0.0/16", "dev": "flannel0"}])
    add(
        world, "udp-sockets", HEAD + "  100: 0C001EAC:205D 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0\n"
    )
    return world


@pytest.fixture
def wireguard(world):
    turn(world, "wireguard", "flannel-wg", "wireguard", [{"dst": "10.244.0.0/16", "dev": "flannel-wg", "scope": "link"}])
    for name in NODES:
        world.api_node(name)["metadata"]["annotations"]["flannel.alpha.coreos.com/backend-data"] = json.dumps({"PublicKey": f"{name}="})
    add(world, "udp-sockets", HEAD + "  100: 00000000:CA6C 00000000:0000 07 0:0 00:0 0     0        0 1 2 0 0\n")
    peers = [name for name in NODES if name != WORKER1]
    add(world, "wg-handshakes", "".join(f"flannel-wg\t{name}=\t{BEGAN - 60}\n" for name in peers))
    world.recording.meta["started"] = STARTED
    return world


@pytest.fixture
def ipip(world):
    peers = [(str(peer.pod_cidr), peer.public_ip) for peer in world.node()._facts.peers]
    routes = [{"dst": cidr, "gateway": ip, "dev": "flannel.ipip", "flags": ["onlink"]} for cidr, ip in peers]
    turn(world, "ipip", "flannel.ipip", "ipip", routes)
    return world


@pytest.mark.parametrize("backend", ["udp", "wireguard", "ipip"])
def test_as_flannel_programs_it(backend, request):
    node = request.getfixturevalue(backend).node()
    assert node.other_tunnel == node.expected_other_tunnel, node.explain("other_tunnel")
    assert len(node.other_tunnel) >= 3


@pytest.mark.parametrize(
    ("backend", "fact", "old", "new", "words"),
    [
        ("udp", "udp-sockets", ":205D", ":205E", "UDP 8285: expected bound, found not bound"),
        ("udp", "links", '"tun"', '"dummy"', "flannel0: expected UP tun, found UP dummy"),
        ("udp", "routes", '"dev": "flannel0"', '"dev": "eth0"', "route 10.244.0.0/16: expected dev flannel0, found dev eth0"),
        ("wireguard", "udp-sockets", ":CA6C", ":CA6D", "UDP 51820: expected bound, found not bound"),
        ("wireguard", "wg-handshakes", f"{WORKER2}=", "stranger=", f"peer {WORKER2}: expected fresh handshake, found nothing"),
        (
            "wireguard",
            "wg-handshakes",
            f"{WORKER2}=\t{BEGAN - 60}",
            f"{WORKER2}=\t0",
            f"peer {WORKER2}: expected fresh handshake, found no hand",
        ),
        (
            "wireguard",
            "wg-handshakes",
            f"{WORKER2}=\t{BEGAN - 60}",
            f"{WORKER2}=\t{BEGAN - 900}",
            "found last handshake 900 s before the run",
        ),
        (
            "ipip",
            "routes",
            '"gateway": "172.30.0.13"',
            '"gateway": "172.30.0.99"',
            "expected via 172.30.0.13 dev flannel.ipip, found via 172",
        ),
    ],
)
def test_what_is_wrong(backend, fact, old, new, words, request):
    world = request.getfixturevalue(backend)
    world.edit(fact, old, new)
    text = world.node().explain("other_tunnel")
    assert words in text
    assert text.startswith(f"{WORKER1}: flannel's backend {backend}")


@pytest.mark.parametrize("backend", ["udp", "wireguard", "ipip"])
def test_without_the_device(backend, request):
    world = request.getfixturevalue(backend)
    world.write("links", json.dumps([link for link in json.loads(world.text("links")) if link["ifindex"] != 80]))
    assert "found missing" in world.node().explain("other_tunnel")


@pytest.mark.parametrize(("backend", "fact"), [("udp", "udp-sockets"), ("wireguard", "wg-handshakes"), ("ipip", "routes")])
def test_what_was_not_read_is_no_pass(backend, fact, request):
    world = request.getfixturevalue(backend)
    world.fail(fact, "no such tool")
    with pytest.raises(Inconclusive, match=f"{fact} .* was not read: no such tool"):
        world.node().comparison("other_tunnel")


def test_a_peer_without_a_key_and_a_recording_without_a_beginning(wireguard):
    del wireguard.recording.meta["started"]
    with pytest.raises(Inconclusive, match="does not tell when it began"):
        wireguard.node().comparison("other_tunnel")
    wireguard.api_node(WORKER2)["metadata"]["annotations"]["flannel.alpha.coreos.com/backend-data"] = "null"
    with pytest.raises(Inconclusive, match=f"node {WORKER2}: .* holds no PublicKey"):
        wireguard.node().comparison("other_tunnel")
