"""The Service and the Corefile of cluster DNS, the settings of CNI plugins, the versions of kube-proxy."""

import json

import pytest
from object_world import kubeadm, refuse

from pytest_k8snet.model.verdict import Inconclusive

FLANNEL = "configmap/kube-flannel/kube-flannel-cfg"
COREDNS = "configmap/kube-system/coredns"


def _dns(world):
    return next(item for item in world.object("services")["items"] if item["metadata"]["name"] == "kube-dns")


def _differences(world, name):
    return world.cluster.comparison(name).differences


def test_dns_service_at_another_address(world):
    _dns(world)["spec"]["clusterIP"] = "10.96.0.11"
    assert world.cluster.explain("dns_service") == (
        "cluster: Service kube-system/kube-dns\n"
        "  ClusterIP: expected 10.96.0.10, found 10.96.0.11 (tenth address of serviceSubnet 10.96.0.0/16)"
    )


@pytest.mark.parametrize("subnet", ["10.96.0.0/16,fd00:96::/112", "10.96.0.0/12"])
def test_the_first_service_subnet_counts(world, subnet):
    kubeadm(world, "10.96.0.0/16", subnet)
    assert _differences(world, "dns_service") == ()


def test_an_ipv6_service_subnet(world):
    kubeadm(world, "10.96.0.0/16", "fd00:96::/112")
    _dns(world)["spec"]["clusterIP"] = "fd00:96:0::a"
    assert _differences(world, "dns_service") == ()


@pytest.mark.parametrize(
    ("port", "change", "difference"),
    [
        ("dns", {"port": 5353}, "port dns: expected 53/UDP, found 5353/UDP"),
        ("dns-tcp", {"protocol": "UDP"}, "port dns-tcp: expected 53/TCP, found 53/UDP"),
        ("metrics", {"name": "other"}, "port metrics: expected 9153/TCP, found missing"),
    ],
)
def test_dns_service_ports(world, port, change, difference):
    next(entry for entry in _dns(world)["spec"]["ports"] if entry["name"] == port).update(change)
    assert _differences(world, "dns_service") == (difference,)


def test_metrics_are_of_coredns(world):
    _dns(world)["spec"]["ports"] = [port for port in _dns(world)["spec"]["ports"] if port["name"] != "metrics"]
    for container in world.object("deployments/kube-system")["items"][0]["spec"]["template"]["spec"]["containers"]:
        container["image"] = "registry.k8s.io/kube-dns:1.14"
    assert _differences(world, "dns_service") == ()


def test_no_dns_service(world):
    world.object("services")["items"].remove(_dns(world))
    text = world.cluster.explain("dns_service")
    assert "Service kube-system/kube-dns, which does not exist" in text
    assert "ClusterIP: expected 10.96.0.10, found nothing" in text


@pytest.mark.parametrize("subnet", ["10.96.0.0/29", '""'])
def test_no_tenth_address(world, subnet):
    kubeadm(world, "serviceSubnet: 10.96.0.0/16", f"serviceSubnet: {subnet}")
    with pytest.raises(Inconclusive, match="serviceSubnet"):
        world.cluster.comparison("dns_service")


def _corefile(world, old, new):
    data = world.object(COREDNS)["data"]
    assert old in data["Corefile"]
    data["Corefile"] = data["Corefile"].replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        (
            "kubernetes cluster.local",
            "kubernetes corp.test",
            "kubernetes: expected cluster.local, in-addr.arpa, ip6.arpa, found corp.test,",
        ),
        ("cluster.local in-addr.arpa ip6.arpa {", "cluster.local {", "kubernetes: expected cluster.local, in-addr.arpa, ip6.arpa, found"),
        ("pods insecure", "pods verified", "kubernetes, pods: expected insecure, found verified"),
        ("ttl 30", "ttl 5", "kubernetes, ttl: expected 30, found 5"),
        ("ttl 30", "", "kubernetes, ttl: expected 30, found nothing"),
        ("forward . /etc/resolv.conf", "forward . 9.9.9.9", "forward: expected . /etc/resolv.conf, found . 9.9.9.9"),
        ("    loop\n", "", "loop: expected present, found missing"),
        ("    reload\n", "", "reload: expected present, found missing"),
        ("    loadbalance\n", "", "loadbalance: expected present, found missing"),
        ("    ready\n", "", "ready: expected present, found missing"),
        (".:53 {", ".:5353 {", "server block .:53: expected present, found missing (it serves .:5353)"),
    ],
)
def test_the_corefile_differs(world, old, new, difference):
    _corefile(world, old, new)
    (found,) = _differences(world, "corefile_plugins")
    assert found.startswith(difference)


def test_ready_came_with_1_16(world):
    _corefile(world, "    ready\n", "")
    world.object("version")["gitVersion"] = "v1.15.12"
    assert _differences(world, "corefile_plugins") == ()


def test_the_zones_may_be_those_of_the_block(world):
    _corefile(world, ".:53 {", "cluster.local:53 in-addr.arpa:53 ip6.arpa:53 .:53 {")
    _corefile(world, "kubernetes cluster.local in-addr.arpa ip6.arpa {", "kubernetes {")
    (found,) = _differences(world, "corefile_plugins")
    assert found.endswith("found ., cluster.local, in-addr.arpa, ip6.arpa")


def test_without_the_kubernetes_plugin(world):
    _corefile(world, "kubernetes cluster.local", "k8s_external cluster.local")
    assert _differences(world, "corefile_plugins")[0] == "kubernetes: expected cluster.local, in-addr.arpa, ip6.arpa, found nothing"


def test_a_corefile_that_cannot_be_read(world):
    _corefile(world, "    loadbalance\n}", "    loadbalance\n")
    with pytest.raises(Inconclusive, match="is not closed"):
        world.cluster.comparison("corefile_plugins")
    world.object(COREDNS)["data"] = {}
    with pytest.raises(Inconclusive, match="has no key Corefile"):
        world.cluster.comparison("corefile_plugins")


@pytest.mark.parametrize("name", [COREDNS, "configmap/kube-system/kubeadm-config"])
def test_a_corefile_without_its_sides(world, name):
    refuse(world, name)
    with pytest.raises(Inconclusive, match=f"{name} was not read"):
        world.cluster.comparison("corefile_plugins")


def test_a_damaged_kubeadm_config(world):
    world.object("configmap/kube-system/kubeadm-config")["data"]["ClusterConfiguration"] = "["
    with pytest.raises(Inconclusive, match="kubeadm-config, key ClusterConfiguration"):
        world.cluster.comparison("corefile_plugins")


def _cni(world, change):
    data = world.object(FLANNEL)["data"]
    conf = json.loads(data["cni-conf.json"])
    change(conf)
    data["cni-conf.json"] = json.dumps(conf)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (lambda c: c["plugins"][0]["delegate"].update(hairpinMode=False), "flannel, hairpinMode: expected True, found False"),
        (lambda c: c["plugins"][0]["delegate"].pop("isDefaultGateway"), "flannel, isDefaultGateway: expected True, found missing"),
        (lambda c: c["plugins"][1].pop("capabilities"), "portmap, portMappings: expected True, found missing"),
        (lambda c: c["plugins"].reverse(), "plugins: expected flannel portmap, found portmap flannel"),
        (lambda c: c.pop("cniVersion"), "cniVersion: expected set, found missing"),
    ],
)
def test_plugin_settings(world, change, difference):
    _cni(world, change)
    assert _differences(world, "cni_settings") == (difference,)


def test_without_portmap(world):
    _cni(world, lambda conf: conf["plugins"].pop())
    assert _differences(world, "cni_settings") == (
        "plugins: expected flannel portmap, found flannel",
        "portmap, portMappings: expected True, found missing",
    )


def test_further_plugins_are_the_operators_affair(world):
    _cni(world, lambda conf: conf["plugins"].insert(1, {"type": "tuning"}))
    assert _differences(world, "cni_settings") == ()


def test_older_flannel_sets_no_version(world):
    _cni(world, lambda conf: conf.pop("cniVersion"))
    for container in world.object("daemonsets/kube-flannel")["items"][0]["spec"]["template"]["spec"]["containers"]:
        container["image"] = "quay.io/coreos/flannel:v0.11.0-amd64"
    assert _differences(world, "cni_settings") == ()


@pytest.mark.parametrize(("text", "reason"), [("{", "cni-conf.json"), (None, "has no key cni-conf.json")])
def test_plugin_settings_that_cannot_be_read(world, text, reason):
    data = world.object(FLANNEL)["data"]
    data.pop("cni-conf.json")
    data.update({"cni-conf.json": text} if text else {})
    with pytest.raises(Inconclusive, match=reason):
        world.cluster.comparison("cni_settings")


def _image(world, image, count=1):
    pods = [pod for pod in world.object("pods/kube-system")["items"] if pod["metadata"]["name"].startswith("kube-proxy")]
    for pod in pods[:count]:
        pod["spec"]["containers"][0]["image"] = image


@pytest.mark.parametrize(
    ("server", "tag", "found"),
    [
        ("v1.36.4", "v1.36.0", ""),
        ("v1.36.0", "v1.36.9", ""),
        ("v1.36.4", "v1.33.1-eks", ""),
        ("v1.36.4", "v1.37.0", "1.37, newer than the API server"),
        ("v1.36.4", "v1.32.0", "1.32, more than 3 minor versions older than the API server"),
        ("v1.26.4", "v1.24.0", ""),
        ("v1.27.4", "v1.24.0", "1.24, more than 2 minor versions older than the API server"),
        ("v1.28.4", "v1.25.0", ""),
        ("v2.0.0", "v1.36.0", "1.36, more than 3 minor versions older than the API server"),
    ],
)
def test_version_skew(world, server, tag, found):
    world.object("version")["gitVersion"] = server
    _image(world, f"localhost:5000/kube-proxy:{tag}", 3)
    assert set(world.cluster.comparison("proxy_versions").actual.values()) == {found or "a version that fits the API server"}


def test_the_pod_and_its_image_are_named(world):
    _image(world, "registry.k8s.io/kube-proxy:v1.38.0@sha256:0123")
    (difference,) = _differences(world, "proxy_versions")
    assert difference.startswith("kube-proxy-")
    assert "found 1.38, newer than the API server (image registry.k8s.io/kube-proxy:v1.38.0@sha256:0123 on k8snet-" in difference


@pytest.mark.parametrize("image", ["kube-proxy@sha256:0123", "localhost:5000/kube-proxy", "kube-proxy:latest"])
def test_an_image_without_a_version(world, image):
    _image(world, image)
    with pytest.raises(Inconclusive, match="does not tell its version: kube-proxy-"):
        world.cluster.comparison("proxy_versions")
    _image(world, "kube-proxy:v1.99.0", 3)
    _image(world, image)
    assert len(_differences(world, "proxy_versions")) == 2


def test_a_server_without_a_version(world):
    world.object("version")["gitVersion"] = "unknown"
    with pytest.raises(Inconclusive, match="'unknown' is no version"):
        world.cluster.comparison("proxy_versions")
