"""The content of resolv.conf by policy (Kubernetes documentation, "DNS for Services and Pods"; kubelet's dns.go)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.inventory import Inventory, Node
from pytest_k8snet.parse.resolv import ResolvConf
from pytest_k8snet.plan.resolver import load, plans
from pytest_k8snet.plan.resolver_file import NO_FILE, NONE_FILE, KubeletDns, SearchLimit, expected_file, host_file, limited, with_config

KUBELET = KubeletDns(("10.96.0.10",), "cluster.local", "/etc/resolv.conf")
HOST = ResolvConf(("9.9.9.9", "9.9.9.10"), ("lan", "cluster.local"), ("rotate",))
LABELS = st.text("abcdefghij-", min_size=1, max_size=30).map(lambda text: f"x{text}")


def test_cluster_first():
    assert expected_file("ClusterFirst", "shop", KUBELET, HOST) == ResolvConf(
        ("10.96.0.10",), ("shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "lan"), ("ndots:5",)
    )


def test_default_is_the_nodes_file():
    assert expected_file("Default", "shop", KUBELET, HOST) == HOST


def test_none_has_nothing_but_its_own():
    assert expected_file("None", "shop", KUBELET, HOST) == NONE_FILE


def test_cluster_first_without_cluster_dns_falls_back():
    assert expected_file("ClusterFirst", "shop", KubeletDns((), "cluster.local", "/etc/resolv.conf"), HOST) == HOST


def test_without_a_domain_nothing_is_generated():
    assert expected_file("ClusterFirst", "shop", KubeletDns(("10.96.0.10",), "", "/x"), HOST).search == ("lan", "cluster.local")


def test_no_file_means_a_loopback_server():
    assert expected_file("Default", "shop", KubeletDns(("10.96.0.10",), "cluster.local", ""), HOST) == NO_FILE


def test_no_policy_decides_nothing():
    with pytest.raises(KeyError):
        expected_file("", "shop", KUBELET, HOST)


def test_trailing_dots_are_stripped_and_a_lone_dot_is_kept():
    assert expected_file("Default", "shop", KUBELET, ResolvConf((), ("lan.", "."), ())).search == ("lan", ".")


@given(st.lists(LABELS, max_size=60), st.lists(st.just("9.9.9.9"), max_size=6))
def test_limits(searches, servers):
    found = expected_file("ClusterFirst", "shop", KUBELET, ResolvConf(tuple(servers), tuple(searches), ()))
    assert len(found.search) <= 32
    assert len(" ".join(found.search)) <= 2048
    assert len(set(found.search)) == len(found.search)
    assert found.search[:3] == ("shop.svc.cluster.local", "svc.cluster.local", "cluster.local")
    assert len(expected_file("Default", "shop", KUBELET, ResolvConf(tuple(servers), (), ())).nameservers) <= 3


@pytest.mark.parametrize(
    ("version", "gate", "entries"),
    [("v1.25.9", None, 6), ("v1.25.9", True, 32), ("v1.26.0", None, 32), ("", None, 32)],
)
def test_search_lists_grew_with_1_26(version, gate, entries):
    assert SearchLimit.of(version, gate).entries == entries
    configz = {"kubeletconfig": {"featureGates": {"ExpandedDNSConfig": gate} if gate else {}}}
    assert KubeletDns.of(configz, version).limit.entries == entries


def test_the_search_list_is_cut_at_its_end():
    many = ResolvConf((), ("a" * 100, "b" * 254, "c" * 100, "d" * 100, "e"), ())
    assert limited(many, SearchLimit(6, 256)).search == ("a" * 100, "c" * 100)


def test_a_dns_config_is_appended_without_repeats_and_its_options_win():
    config = {
        "nameservers": ["10.96.0.10", "192.0.2.1"],
        "searches": ["lan", "svc.cluster.local", "lan"],
        "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}],
    }
    base = expected_file("ClusterFirst", "shop", KUBELET, ResolvConf((), (), ()))
    assert with_config(base, config) == ResolvConf(
        ("10.96.0.10", "192.0.2.1"), ("shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "lan"), ("ndots:2", "edns0")
    )


@given(st.lists(LABELS, max_size=40), st.integers(1, 32), st.integers(1, 400))
def test_a_limited_list_is_the_start_of_the_list(searches, entries, characters):
    found = limited(ResolvConf((), tuple(searches), ()), SearchLimit(entries, characters)).search
    assert found == tuple(searches)[: len(found)]
    assert len(found) <= entries
    assert len(" ".join(found)) <= characters
    longer = tuple(searches)[: len(found) + 1]
    assert longer == found or len(longer) > entries or len(" ".join(longer)) > characters


def test_host_file_as_kubelet_reads_it():
    assert host_file("domain lan\nnameserver 9.9.9.9\noptions rotate\n") == ResolvConf(("9.9.9.9",), (), ("rotate",))


def test_kubelet_configuration():
    body = {"kubeletconfig": {"clusterDNS": ["10.96.0.10"], "clusterDomain": "corp.test.", "resolvConf": "/run/r"}}
    assert KubeletDns.of(body) == KubeletDns(("10.96.0.10",), "corp.test", "/run/r")
    assert KubeletDns.of({"kubeletconfig": {"resolvConf": ""}}) == KubeletDns((), "", "")
    assert KubeletDns.of({"kubeletconfig": {}}).path == "/etc/resolv.conf"
    with pytest.raises(KeyError):
        KubeletDns.of({})


def _inventory(*names):
    nodes = tuple(Node(name, ("1.2.3.4",), (), True, True, False, "linux", "", "") for name in names)
    return Inventory("", "", "", nodes, (), "", "", "", "", "", "", "", None, None, "", "", ())


ROW = {"requirement": "NET-DNS-008", "pods": ["pod/hostdns", "host"], "policy": "ClusterFirst", "answers": {"cluster": "kubernetes"}}


def test_one_plan_per_node_and_available_pod():
    found = plans(load([ROW]), "NET-DNS-008", _inventory("w1", "w2"), {"hostdns", "host"})
    assert [str(plan) for plan in found] == ["pod/hostdns@w1", "host@w1", "pod/hostdns@w2", "host@w2"]
    assert [str(probe) for probe in found[1].probes] == ["resolve4+udp-cluster:host@w1>resolver", "resolve4+tcp-cluster:host@w1>resolver"]
    assert [str(plan) for plan in plans(load([ROW]), "NET-DNS-008", _inventory("w1"), {"host"})] == ["host@w1"]
    assert plans(load([ROW]), "NET-DNS-006", _inventory("w1"), {"host"}) == ()


def test_queries_go_to_the_dns_service():
    row = {"requirement": "NET-DNS-027", "pods": ["pod/a"], "queries": {"udp-edns-big": "big"}}
    (plan,) = plans(load([row]), "NET-DNS-027", _inventory("w1"), {"a"})
    assert {str(probe): word for probe, word in plan.probes.items()} == {"query4+udp-edns-big:pod/a@w1>service/kube-dns": "big"}
    assert plan.policy == ""


@pytest.mark.parametrize("change", [{"policy": "Clusterfirst"}, {"answers": {"cluster": "kubernets"}}, {"queries": {"udp-big": "huge"}}])
def test_a_misspelt_row_is_refused(change):
    with pytest.raises(UsageProblem, match=r"matrix.yaml, resolvers, NET-DNS-008: .* is not known"):
        load([{**ROW, **change}])
