from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_k8snet.cluster import pods
from pytest_k8snet.cluster.discovery import OBJECTS, discover, selected
from pytest_k8snet.errors import NoVerdict, UsageProblem


def statuses(recording, name):
    return [entry["status"] for entry in recording.entries("objects", name=name)]


def test_every_object_is_recorded_with_its_status(api, connection, settings, recording):
    discover(connection, recording, settings)
    assert {"version", "namespace/kube-system", *OBJECTS, "configz/n1", "configz/n2"} <= {e["name"] for e in recording.entries("objects")}
    assert statuses(recording, "configmap/kube-system/coredns") == [404]
    assert recording.object("configmap/kube-system/coredns") is None
    assert recording.object("configz/n1")["kubeletconfig"]["clusterDomain"] == "cluster.local"


def test_a_refused_read_is_evidence_not_an_end(api, connection, settings, recording):
    api.deny = lambda verb, path, body: (403, "services is forbidden") if path == "/api/v1/services" else None
    discover(connection, recording, settings)
    (entry,) = recording.entries("objects", name="services")
    assert (entry["status"], entry["body"]["message"]) == (403, "services is forbidden")


def test_a_dead_kubelet_costs_its_own_configuration_only(api, connection, settings, recording):
    api.deny = lambda verb, path, body: (503, "dial tcp 10.0.0.2:10250: no route to host") if "/n2/proxy" in path else None
    discover(connection, recording, settings)
    assert (statuses(recording, "configz/n1"), statuses(recording, "configz/n2")) == ([200], [503])


def test_without_the_right_to_list_nodes_there_is_no_verdict(api, connection, settings, recording):
    api.deny = lambda verb, path, body: (403, "nodes is forbidden") if path == "/api/v1/nodes" else None
    with pytest.raises(NoVerdict, match="context lab: nodes cannot be listed: nodes is forbidden"):
        discover(connection, recording, settings)


def test_the_server_applies_the_node_selector(api, connection, settings, recording):
    api.objects["nodes", "", "n2"]["metadata"]["labels"] = {"zone": "b"}
    discover(connection, recording, replace(settings, nodes="zone=b"))
    assert selected(recording) == ("n2",)
    assert len(recording.object("nodes")["items"]) == 2, "all nodes are recorded, also those that are not selected"
    assert statuses(recording, "configz/n1") == []


def test_a_selector_that_selects_nothing(connection, settings, recording):
    with pytest.raises(UsageProblem, match="--k8snet-nodes 'zone=nowhere' selects no Linux node"):
        discover(connection, recording, replace(settings, nodes="zone=nowhere"))


def test_a_selector_that_is_none(api, connection, settings, recording):
    connection.get("/version")
    seen = []

    def refuse(verb, path, body):
        seen.append(path)
        return (400, "unable to parse requirement") if seen.count("/api/v1/nodes") == 2 and path == "/api/v1/nodes" else None

    api.deny = refuse
    with pytest.raises(UsageProblem, match="--k8snet-nodes 'a=b=c': unable to parse requirement"):
        discover(connection, recording, replace(settings, nodes="a=b=c"))


def test_logs_of_coredns_and_of_its_previous_life(api, connection, settings, recording):
    labels = {"k8s-app": "kube-dns"}
    api.put("pods", "kube-system", "coredns-1", {"metadata": {"labels": labels}, "status": {"containerStatuses": [{"restartCount": 2}]}})
    api.put("pods", "kube-system", "coredns-2", {"metadata": {"labels": labels}, "status": {"containerStatuses": [{"restartCount": 0}]}})
    api.put("pods", "kube-system", "etcd", {})
    discover(connection, recording, settings)
    assert not any("/log?" in line for line in api.log)
    discover(connection, recording, settings, again=True)
    logs = {entry["name"] for entry in recording.entries("objects") if entry["name"].startswith("log/")}
    assert logs == {"log/kube-system/coredns-1", "log/kube-system/coredns-1/previous", "log/kube-system/coredns-2"}
    assert any("/coredns-1/log?container=coredns&tailLines=200&previous=true" in line for line in api.log)


def test_policies_of_all_namespaces_are_listed_once_at_the_end(api, connection, settings, recording):
    api.put("networkpolicies", "shop", "deny-all", {})
    discover(connection, recording, settings)
    assert recording.object("networkpolicies") is None
    discover(connection, recording, settings, again=True)
    found = recording.object("networkpolicies")["items"]
    assert [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in found] == [("shop", "deny-all")]
    assert sum("networkpolicies" in line for line in api.log) == 1


def test_flannel_from_before_019_is_looked_for_in_kube_system(api, connection, settings, recording):
    api.put("configmaps", "kube-system", "kube-flannel-cfg", {"data": {"net-conf.json": "{}"}})
    discover(connection, recording, settings)
    assert recording.object("configmap/kube-system/kube-flannel-cfg")["data"] == {"net-conf.json": "{}"}
    api.put("configmaps", "kube-flannel", "kube-flannel-cfg", {"data": {}})
    before = len(api.log)
    discover(connection, recording, settings, again=True)
    assert not any("kube-system/configmaps/kube-flannel-cfg" in line for line in api.log[before:])


def test_a_second_read_appends_and_wins(api, connection, settings, recording):
    discover(connection, recording, settings)
    assert statuses(recording, "services") == [200]
    api.put("services", "default", "late", {"spec": {"clusterIP": "10.96.0.9"}})
    before = connection.requests
    discover(connection, recording, settings, again=True)
    assert statuses(recording, "services") == [200, 200]
    assert "late" in [item["metadata"]["name"] for item in recording.object("services")["items"]]
    assert statuses(recording, "configmap/kube-system/kube-proxy") == [404], "settings are read once"
    assert statuses(recording, "configz/n1") == [200]
    assert connection.requests - before <= len(OBJECTS) + 2


def test_what_makes_recordings_large_is_left_out(api, connection, settings, recording):
    node = api.objects["nodes", "", "n1"]
    node["metadata"]["managedFields"], node["status"]["images"] = ["x" * 1000], ["y" * 1000]
    discover(connection, recording, settings)
    item = recording.object("nodes")["items"][0]
    assert "managedFields" not in item["metadata"]
    assert "images" not in item["status"]


def _pods(api, number):
    for index in range(number):
        status = {"phase": "Running", "podIP": f"10.4.0.{index}", "conditions": [{"type": "Ready"}]}
        api.put("pods", f"ns-{index % 3}", f"p{index:02}", {"spec": {"nodeName": "n1", "containers": ["env"]}, "status": status})


def test_pods_of_all_namespaces_page_by_page(api, connection, settings, recording, monkeypatch):
    monkeypatch.setattr(pods, "PAGE", 4)
    _pods(api, 10)
    discover(connection, recording, settings, again=True)
    found = recording.object("pods")["items"]
    assert sorted(pod["metadata"]["name"] for pod in found) == [f"p{index:02}" for index in range(10)]
    assert {pod["metadata"]["namespace"] for pod in found} == {"ns-0", "ns-1", "ns-2"}
    assert sum(line.startswith("GET /api/v1/pods?") for line in api.log) == 3


def test_of_other_peoples_pods_only_place_and_addresses_are_kept(api, connection, settings, recording):
    _pods(api, 1)
    discover(connection, recording, settings, again=True)
    assert recording.object("pods")["items"] == [
        {
            "metadata": {"name": "p00", "namespace": "ns-0"},
            "spec": {"nodeName": "n1"},
            "status": {"phase": "Running", "podIP": "10.4.0.0"},
        }
    ]


def test_a_part_of_the_pods_is_no_evidence(api, connection, settings, recording, monkeypatch):
    monkeypatch.setattr(pods, "PAGE", 4)
    _pods(api, 10)
    asked = []

    def expired(verb, path, body):
        asked.extend([path] if path == "/api/v1/pods" else [])
        return (410, "the continue token is too old") if path == "/api/v1/pods" and len(asked) == 2 else None

    api.deny = expired
    discover(connection, recording, settings, again=True)
    assert recording.object("pods") is None
    (entry,) = recording.entries("objects", name="pods")
    assert (entry["status"], entry["body"]["message"]) == (410, "the continue token is too old")
