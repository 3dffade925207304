"""The small parsers, over what a real node printed and over what must be refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.parse import ParseError, bridge, cni, corefile, ip, kube_proxy, kubelet, nft, resolv, subnet_env, sysctl

LAB = Path(__file__).parents[2] / "fixtures" / "dumps" / "lab"
NODE = "k8snet-worker1"


def dump(name: str) -> str:
    return (LAB / name).read_text()


def test_links() -> None:
    found = {link.name: link for link in ip.links(dump(f"{NODE}.ip-link.json"))}
    tunnel = found["flannel.1"]
    assert (tunnel.kind, tunnel.mtu, tunnel.vni, tunnel.port, tunnel.local) == ("vxlan", 1450, 1, 8472, "172.30.0.12")
    assert (tunnel.link, tunnel.learning, tunnel.up, tunnel.mac, tunnel.index) == ("eth0", False, True, "d6:59:31:4d:80:ea", 3)
    assert (found["cni0"].kind, found["cni0"].vni, found["cni0"].learning) == ("bridge", None, None)
    assert [link.name for link in found.values() if link.master == "cni0"] == ["veth66b26801"]
    assert (found["lo"].kind, found["lo"].link) == ("", "")


def test_link_that_is_down() -> None:
    (link,) = ip.links('[{}, {"ifname":"x","ifindex":9,"mtu":1500,"flags":["BROADCAST"]}]')
    assert (link.up, link.mac) == (False, "")


def test_addresses() -> None:
    found = ip.addresses(dump(f"{NODE}.ip-addr.json"))
    assert ip.Address("eth0", "172.30.0.12", 24, "global") in found
    assert ip.Address("flannel.1", "10.244.1.0", 32, "global") in found
    assert ip.Address("lo", "::1", 128, "host") in found


def test_routes() -> None:
    found = ip.routes(dump(f"{NODE}.ip-route.json"))
    assert found[0] == ip.Route("0.0.0.0/0", "172.30.0.1", "eth0", "", "unicast", (), 0, "", "", "")
    assert found[1] == ip.Route("10.244.0.0/24", "10.244.0.0", "flannel.1", "", "unicast", ("onlink",), 0, "", "", "")
    assert ip.Route("10.244.1.1", "", "cni0", "local", "local", (), 0, "10.244.1.1", "host", "kernel") in found
    assert any(route.destination == "fe80::/64" and route.metric == 256 for route in found)


def test_unusual_routes() -> None:
    text = """[{"dst":"default","via":{"family":"inet6","host":"fe80::1"},"dev":"eth0","flags":[]},
      {"dst":"default","dev":"eth0","pref":"medium"}, {"type":"blackhole","dst":"10.9.0.0/16","table":7},
      {"dst":"10.8.0.0/16","nexthops":[{"gateway":"10.0.0.1","dev":"a","weight":1,"flags":[]},{"gateway":"10.0.0.2","dev":"b"}]}]"""
    first, second, third, fourth = ip.routes(text)
    assert (first.destination, first.gateway) == ("::/0", "fe80::1")
    assert second.destination == "::/0"
    assert ip.routes('[{"dst":"default","dev":"x"}]', 4)[0].destination == "0.0.0.0/0"
    assert ip.routes('[{"dst":"default","dev":"x"}]', 6)[0].destination == "::/0"
    assert (third.kind, third.table, third.dev) == ("blackhole", "7", "")
    assert (fourth.gateway, fourth.nexthops) == ("", (("10.0.0.1", "a"), ("10.0.0.2", "b")))


def test_neighbours() -> None:
    found = ip.neighbours(dump(f"{NODE}.ip-neigh.json"))
    assert ip.Neighbour("10.244.3.0", "flannel.1", "06:11:0c:31:c1:4b", ("PERMANENT",)) in found
    assert ip.neighbours('[{"dst":"10.0.0.9","dev":"e","state":["FAILED"]}]') == (ip.Neighbour("10.0.0.9", "e", "", ("FAILED",)),)


def test_rules() -> None:
    found = ip.rules(dump(f"{NODE}.ip-rule.json"))
    assert [(rule.priority, rule.source, rule.table) for rule in found] == [
        (0, "all", "local"),
        (32766, "all", "main"),
        (32767, "all", "default"),
    ]
    (rule,) = ip.rules('[{"priority":5,"src":"10.0.0.0","srclen":8,"table":"7","fwmark":"0x1"}]')
    assert (rule.source, rule.destination, rule.selectors) == ("10.0.0.0/8", "all", {"fwmark": "0x1"})


def test_fdb_and_ports() -> None:
    found = bridge.fdb(dump(f"{NODE}.bridge-fdb.json"))
    assert bridge.Entry("06:11:0c:31:c1:4b", "flannel.1", "172.30.0.13", ("self",), "permanent") in found
    assert bridge.Entry("36:9c:5b:a9:bd:87", "veth66b26801", "", (), "", "cni0") in found
    assert bridge.links(dump(f"{NODE}.bridge-link.json")) == (bridge.Port("veth66b26801", "cni0", "forwarding", 1450, True, False),)
    assert bridge.links(dump("k8snet-control.bridge-link.json")) == ()


@pytest.mark.parametrize("parser", [ip.links, ip.addresses, ip.routes, ip.neighbours, ip.rules, bridge.fdb, bridge.links])
@pytest.mark.parametrize("text", ["", "{}", "[", "[1]", '[{"flags":1}]', "Error: x", "[" * 100_000])
def test_json_of_tools_refused(parser: Callable[[str], object], text: str) -> None:
    with pytest.raises(ParseError, match=r"^(ip|bridge) -j \w+ output: "):
        parser(text)


def test_json_error_cites_the_line() -> None:
    with pytest.raises(ParseError) as caught:
        ip.links('[\n{"a":}]')
    assert str(caught.value) == "ip -j link output: not JSON (Expecting value), line 2: '{\"a\":}]'"


def test_resolv() -> None:
    text = "# c\n;nameserver 1\nnameserver 10.96.0.10\nsearch a.\n\tnameserver fd00::1%eth0 # x\ndomain b c\nsearch d e.\n"
    text += "sortlist 1\noptions ndots:5 rotate\noptions ndots:2\n"
    assert resolv.parse(text) == resolv.ResolvConf(("10.96.0.10", "fd00::1%eth0"), ("d", "e."), ("ndots:2", "rotate"))
    assert resolv.parse("search a\ndomain b c") == resolv.ResolvConf((), ("b",), ())
    assert resolv.parse("search a\nsearch\n").search == ()
    assert resolv.parse(dump(f"{NODE}.resolv.conf")).nameservers == ("198.51.100.53",)


@pytest.mark.parametrize("line", ["nameserver", "nameserver dns.example"])
def test_resolv_refused(line: str) -> None:
    with pytest.raises(ParseError) as caught:
        resolv.parse("search x\n" + line)
    assert str(caught.value) == f"resolv.conf: nameserver without an IP address, line 2: {line!r}"


@given(st.lists(st.ip_addresses()), st.lists(st.sampled_from(["ndots:5", "rotate", "timeout:1"]), unique=True))
def test_resolv_round_trip(addresses: list[object], options: list[str]) -> None:
    text = "".join(f"nameserver {address}\n" for address in addresses) + "options " + " ".join(options)
    assert resolv.parse(text) == resolv.ResolvConf(tuple(map(str, addresses)), (), tuple(options))


def test_subnet_env() -> None:
    found = subnet_env.parse("# by flannel\n\n" + dump(f"{NODE}.subnet.env"))
    assert found == {"FLANNEL_NETWORK": "10.244.0.0/16", "FLANNEL_SUBNET": "10.244.1.1/24", "FLANNEL_MTU": "1450", "FLANNEL_IPMASQ": "true"}
    assert subnet_env.parse("A='b'") == {"A": "b"}


@pytest.mark.parametrize("text", ["A=1\nB", "A=1\nA=2", "A=1\n=2", "A=1\nA B=2"])
def test_subnet_env_refused(text: str) -> None:
    with pytest.raises(ParseError, match=r"^subnet.env: expected KEY=value, each key once, line 2: "):
        subnet_env.parse(text)


def test_cni() -> None:
    found = cni.parse(dump(f"{NODE}.conflist"))
    assert (found.name, found.version, found.types) == ("cbr0", "1.0.0", ("flannel", "portmap"))
    plugin = found.plugin("flannel")
    assert plugin is not None
    assert plugin["delegate"] == {"hairpinMode": True, "isDefaultGateway": True}
    assert found.plugin("bridge") is None
    assert cni.parse('{"name":"x","type":"bridge"}').types == ("bridge",)


@pytest.mark.parametrize("text", ["[]", "{}", '{"plugins":[]}', '{"plugins":[{"x":1}]}', '{"plugins":{"type":"x"}}', "{"])
def test_cni_refused(text: str) -> None:
    with pytest.raises(ParseError, match=r"^CNI configuration: "):
        cni.parse(text)


def test_corefile() -> None:
    (block,) = corefile.parse(dump("Corefile"))
    assert (block.keys, block.zones) == ((".:53",), (".",))
    assert [plugin.name for plugin in block.plugins][:4] == ["errors", "health", "ready", "kubernetes"]
    kubernetes = block.plugin("kubernetes")
    assert kubernetes is not None
    assert kubernetes.args == ("cluster.local", "in-addr.arpa", "ip6.arpa")
    assert kubernetes.property("pods") == ("insecure",)
    assert kubernetes.property("fallthrough") == ("in-addr.arpa", "ip6.arpa")
    assert kubernetes.property("nothing") is None
    assert block.plugin("forward") == corefile.Plugin("forward", (".", "/etc/resolv.conf"), (("max_concurrent", "1000"),))
    assert block.plugin("cache") == corefile.Plugin(
        "cache", ("30",), (("disable", "success", "cluster.local"), ("disable", "denial", "cluster.local"))
    )
    assert block.plugin("hosts") is None


def test_corefile_of_several_blocks() -> None:
    text = "(snip) {\n errors\n}\nexample.org, tls://b.example:853,\n c.example { # here\n import snip\n"
    text += ' template IN A {\n  answer "{{ .Name }} 60 IN A 1.2.3.4"\n  rcode X {\n   a b\n  }\n }\n}\n:5353 {\n}\n'
    first, second, third = corefile.parse(text)
    assert first.keys == ("(snip)",)
    assert second.zones == ("example.org", "b.example", "c.example")
    assert second.plugin("import") == corefile.Plugin("import", ("snip",))
    assert second.plugin("template") == corefile.Plugin(
        "template", ("IN", "A"), (("answer", "{{ .Name }} 60 IN A 1.2.3.4"), ("rcode", "X"), ("a", "b"))
    )
    assert (third.zones, third.plugins) == ((".",), ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (".:53 {\n errors\n", "Corefile: the block that opens in line 1 is not closed"),
        (". {\n cache {\n", "Corefile: the block that opens in line 2 is not closed"),
        (".\n", "Corefile: expected zones and an opening brace, line 1: '.'"),
        ("}\n", "Corefile: expected zones and an opening brace, line 1: '}'"),
        ("a,\n", "Corefile: ends early"),
        (". {\n {\n}\n", "Corefile: a brace out of place, line 2"),
        (". {\n errors }\n", "Corefile: a brace out of place, line 2: 'errors }'"),
        (". {\n cache {\n x }\n}\n}\n", "Corefile: a brace out of place, line 3: 'x }'"),
    ],
)
def test_corefile_refused(text: str, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        corefile.parse(text)
    assert str(caught.value) == message


def test_configz() -> None:
    found = kubelet.configz(dump(f"{NODE}.configz.json"))
    assert (found["clusterDNS"], found["clusterDomain"]) == (["10.96.0.10"], "cluster.local")
    assert kubelet.configz({"kubeletconfig": {"a": 1}}) == {"a": 1}
    with pytest.raises(ParseError, match=r"^kubelet /configz: no kubeletconfig in it"):
        kubelet.configz("{}")


def test_kube_proxy() -> None:
    found = kube_proxy.config(dump("kube-proxy.conf"))
    assert (kube_proxy.mode(found), kube_proxy.masquerade_bit(found), found["clusterCIDR"]) == ("iptables", 14, "10.244.0.0/16")
    nftables = {"mode": "nftables", "nftables": {"masqueradeBit": 0}, "iptables": {"masqueradeBit": 3}}
    assert kube_proxy.masquerade_bit(nftables) == 0
    assert kube_proxy.mode({}) == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: [", "kube-proxy config.conf: not YAML (expected the node content, but found '<stream end>'), line 2"),
        ("kind: X", "kube-proxy config.conf: no KubeProxyConfiguration: 'kind: X'"),
        ("", "kube-proxy config.conf: no KubeProxyConfiguration"),
    ],
)
def test_kube_proxy_refused(text: str, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        kube_proxy.config(text)
    assert str(caught.value) == message


def test_sysctl() -> None:
    assert sysctl.integer("net.ipv4.ip_forward", "1\n") == 1
    assert sysctl.integers("net.ipv4.ip_local_port_range", "32768\t60999\n", 2) == (32768, 60999)
    with pytest.raises(ParseError) as caught:
        sysctl.integer("net.ipv4.ip_forward", "")
    assert str(caught.value) == "sysctl net.ipv4.ip_forward: expected 1 number"


def test_nft_of_a_node() -> None:
    found = nft.parse_json(dump(f"{NODE}.nft.json"))
    assert ("ip", "nat") in found.tables
    assert {(chain.table, chain.name, chain.hook, chain.priority) for chain in found.base_chains} >= {
        ("nat", "POSTROUTING", "postrouting", 100)
    }
    assert found.chain("ip", "nat", "KUBE-MARK-MASQ") is not None
    assert len(found.chain("ip", "nat", "KUBE-MARK-MASQ").rules) == 1  # type: ignore[union-attr]
    assert found.chain("ip6", "nat", "X") is None


def test_nft_policy() -> None:
    hook = {"type": "filter", "hook": "forward", "prio": 0, "policy": "drop"}
    parts = [
        {"metainfo": {}},
        {"table": {"family": "inet", "name": "t"}},
        {"chain": {"family": "inet", "table": "t", "name": "c", **hook}},
        {"rule": {"family": "inet", "table": "t", "chain": "c", "expr": []}},
    ]
    (chain,) = nft.parse_json(json.dumps({"nftables": parts})).base_chains
    assert (chain.type, chain.hook, chain.policy, len(chain.rules)) == ("filter", "forward", "drop", 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"nftables":[1]}',
        '{"nftables":[{"chain":{"family":"ip"}}]}',
        '{"nftables":[{"chain":{"family":"ip","table":"t","name":"c","hook":"forward"}}]}',
    ],
)
def test_nft_refused(text: str) -> None:
    with pytest.raises(ParseError, match=r"^nft -j list ruleset output: "):
        nft.parse_json(text)
