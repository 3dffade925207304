"""What is read on a node, when, and in what order: looking must not create anything."""

from fnmatch import fnmatch

import pytest

from pytest_k8snet.model.recording import Recording
from pytest_k8snet.plan.readers import LEGACY4, READERS, names_for, pod_readers, readers_for

WRITING = ("modprobe", "sysctl -w", " -A ", " -I ", " add ", " del ", " set ")


def _recording(*facts):
    recording = Recording()
    for name, text, ok in facts:
        fact = {"node": "w1", "phase": "after", "name": name, "source": name, "ok": ok, "code": 0, "text": text, "error": ""}
        recording.append("facts", fact)
    return recording


def _asked(names, phase, recording):
    return [stage(recording, "w1") for stage in readers_for(frozenset(names), phase)]


def test_legacy_tables_are_dumped_only_after_their_names_were_read():
    recording = _recording()
    first, second = _asked({"iptables", "legacy-tables"}, "after", recording)
    assert [reader["name"] for reader in first] == ["iptables", "legacy-tables"]
    assert second == []
    second = _asked({"legacy-tables"}, "after", _recording(("legacy-tables", "nat\nfilter\n", True)))[1]
    assert [reader["argv"] for reader in second] == [
        ["iptables-legacy-save", "-c", "-t", "filter"], ["iptables-legacy-save", "-c", "-t", "nat"],
    ]  # fmt: skip


def test_no_legacy_dump_where_the_names_are_missing():
    assert LEGACY4.tables(_recording(("legacy-tables", "filter", False)), "w1") == ()
    assert LEGACY4.tables(_recording(), "w1") == ()


@pytest.mark.parametrize("name", READERS)
def test_readers_only_look(name):
    how = READERS[name].how
    assert sum(key in how for key in ("argv", "path", "list", "http")) == 1
    assert not any(word in " ".join(how.get("argv", [])) + " " for word in WRITING)
    assert READERS[name].phases


def test_forwarding_is_read_before_the_pods():
    (asked,) = _asked(READERS.keys() - {"legacy-tables"}, "before", _recording())
    assert {reader["name"] for reader in asked} == {"ip-forward", "forwarding", "bridge-nf", "ip6-forward", "netstat", "conntrack-stat"}


def test_the_resolver_file_is_the_one_that_kubelet_names():
    recording = _recording()
    assert _asked({"resolv.conf"}, "after", recording)[0][0]["path"] == "/host/etc/resolv.conf"
    body = {"kubeletconfig": {"resolvConf": "/run/systemd/resolve/resolv.conf"}}
    recording.append("objects", {"name": "configz/w1", "status": 200, "body": body})
    assert _asked({"resolv.conf"}, "after", recording)[0][0]["path"] == "/host/run/systemd/resolve/resolv.conf"


def test_kubeconfigs_beside_the_cni_configuration_are_never_read():
    (asked,) = _asked({"cni"}, "after", _recording())
    assert {reader["name"] for reader in asked} == {"cni"}
    patterns = [reader["path"] for reader in asked]
    assert patterns == [f"/host/etc/cni/net.d/*{ending}" for ending in (".conf", ".conflist", ".json")]
    names = (
        "10-flannel.conflist",
        "87-podman.conf",
        "x.json",
        "calico-kubeconfig",
        "calico-tls",
        "multus.d",
        "x.conf.bak",
        "cni.kubeconfig",
    )
    read = [name for name in names if any(fnmatch(f"/host/etc/cni/net.d/{name}", pattern) for pattern in patterns)]
    assert read == ["10-flannel.conflist", "87-podman.conf", "x.json"]


def test_names_for_requirements():
    assert names_for(["NET-NODE-002", "NET-FLANNEL-004"]) == {"bridge-nf", "subnet.env"}
    assert names_for(["NET-REACH-005"]) == frozenset()
    assert {"iptables", "legacy-tables", "nft"} <= names_for(["NET-NAT-009"])


def test_an_unknown_reader_is_an_error():
    with pytest.raises(KeyError):
        readers_for(frozenset({"no-such-reader"}), "after")


def test_what_a_pod_reads_about_itself():
    file, addresses, hosts, name = pod_readers("a")
    assert (file["name"], file["path"]) == ("resolv.conf/a", "/etc/resolv.conf")
    assert (addresses["name"], addresses["argv"]) == ("addresses/a", ["ip", "-j", "addr", "show"])
    assert (hosts["name"], hosts["path"]) == ("hosts/a", "/etc/hosts")
    assert (name["name"], name["argv"][:2]) == ("full-name/a", ["python3", "-c"])
    assert [reader["name"] for reader in pod_readers("none")] == ["resolv.conf/none", "addresses/none"]


@pytest.mark.parametrize(("role", "more"), [("host", ["hosts/host"]), ("hostdns", [])])
def test_a_pod_on_the_host_network_has_no_addresses_of_its_own(role, more):
    assert [reader["name"] for reader in pod_readers(role)] == [f"resolv.conf/{role}", *more]
