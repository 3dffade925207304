from __future__ import annotations

import json
import re
import threading
import time

import pytest

from pytest_k8snet.collect import fleet_close, fleet_watch
from pytest_k8snet.errors import NoVerdict, UsageProblem
from pytest_k8snet.model.settings import Tier

from .fakeapi import FakeAgent
from .fakeapi.server import running, waiting

HOST, PODS = "n1", {"a", "b", "default", "none", "hostdns"}


def quiet(done, total):
    return


def deploy(fleet, seconds=5.0):
    fleet.create_host()
    fleet.wait(seconds, quiet)
    fleet.create_services()
    fleet.create_pods()
    fleet.wait(seconds, quiet)
    return fleet


def placed(recording):
    return {entry["endpoint"]: entry for entry in recording.entries("fleet")}


def test_host_pods_come_before_every_other_pod_and_the_marker_comes_last(api, fleet_of):
    deploy(fleet_of())
    made = [line.split("?")[0] for line in api.log if line.startswith("POST") and "reviews" not in line]
    pods = [name.split("-")[0] for (kind, _, name) in api.objects if kind == "pods"]
    assert pods[:2] == ["host", "host"]
    assert sorted(pods[2:]) == sorted([*PODS, *PODS])
    assert made[-1].endswith("/services")
    assert [name for (kind, _, name) in api.objects if kind == "services"][-1] == "marker"


def test_only_host_pods_exist_while_nodes_are_read(api, fleet_of):
    fleet = fleet_of()
    fleet.create_host()
    assert [name for (kind, _, name) in api.objects if kind == "pods"] == ["host-0-n1", "host-1-n2"]


def test_ready_pods_are_recorded_with_their_address(api, fleet_of, recording):
    fleet = deploy(fleet_of())
    assert set(placed(recording)) == {f"{end}@{node}" for node in ("n1", "n2") for end in ("host", *(f"pod/{name}" for name in PODS))}
    assert all(re.fullmatch(r"10\.4\.0\.\d+", entry["ip"]) and entry["problem"] == "" for entry in placed(recording).values())
    assert set(map(str, fleet.streams())) == set(placed(recording))
    assert len([*recording.entries("fleet")]) == 12


def test_services_become_events_that_probes_can_use(api, fleet_of, recording):
    api.put("services", "default", "kubernetes", {"spec": {"clusterIP": "10.96.0.1", "ports": [{"protocol": "TCP", "port": 443}]}})
    deploy(fleet_of())
    events = {event["name"]: event for event in recording.entries("events", what="service")}
    assert events["web"]["ports"] == {"tcp": 80, "udp": 80}
    assert events["web"]["node_ports"] == {"tcp": 30080, "udp": 30081}
    assert events["kubernetes"]["cluster_ip"] == "10.96.0.1"
    assert set(events) == {"web", "self", "empty", "big", "marker", "kubernetes"}
    assert api.objects["services", "k8snet-r1-restricted", "self"]["spec"]["internalTrafficPolicy"] == "Local"
    assert len(api.objects["endpointslices", "k8snet-r1-restricted", "big"]["endpoints"]) == 40


def test_one_pod_is_custom_and_its_records_have_services(api, fleet_of, recording):
    deploy(fleet_of(roles={"host", "a", "custom"}, services={"peers", "published", "unready", "alias"}))
    assert [name for name in placed(recording) if "custom" in name] == ["pod/custom@n1"]
    spec = placed(recording)["pod/custom@n1"]["spec"]
    assert (set(spec), len(spec["dnsConfig"]["searches"])) == ({"dnsPolicy", "dnsConfig"}, 32)
    assert placed(recording)["pod/a@n2"]["spec"]["hostname"] == "a-1-n2"
    made = {name: body["spec"] for (kind, _, name), body in api.objects.items() if kind == "services"}
    assert {name: spec.get("clusterIP") for name, spec in made.items()}.keys() >= {"peers", "published", "unready", "alias"}
    assert [name for name in ("peers", "published", "unready") if made[name]["clusterIP"] != "None"] == []
    assert (made["published"]["publishNotReadyAddresses"], "publishNotReadyAddresses" in made["unready"]) == (True, False)
    assert made["alias"]["type"] == "ExternalName"


def test_the_refusal_of_a_pod_without_nameserver_is_kept_as_evidence(fleet_of, recording):
    deploy(fleet_of(roles={"host", "a"}))
    (entry,) = recording.entries("objects", name="dry-run/dns-none-without-nameserver")
    assert entry["status"] == 422
    assert "spec.dnsConfig" in entry["body"]["message"]


def test_an_image_that_cannot_be_pulled_names_image_and_node(api, fleet_of, recording, monkeypatch):
    monkeypatch.setattr(fleet_watch, "PULL_PATIENCE", 0.5)
    api.status_of = lambda pod: waiting(pod, "ImagePullBackOff", "Back-off pulling") if pod["spec"]["nodeName"] == "n2" else running(pod)
    fleet = deploy(fleet_of(roles={"host"}, services=()), 30.0)
    problem = placed(recording)["host@n2"]["problem"]
    assert problem == "image probe:1 cannot be pulled on node n2: ImagePullBackOff: Back-off pulling"
    assert list(map(str, fleet.streams())) == ["host@n1"]


def test_a_pull_failure_is_decided_within_thirty_seconds():
    assert fleet_watch.PULL_PATIENCE + 1 < 30


def test_patience_with_a_pull_begins_anew_after_a_success(monkeypatch):
    monkeypatch.setattr(fleet_watch, "PULL_PATIENCE", 0.3)
    patience = fleet_watch.Patience({})
    pod = {"metadata": {}, "spec": {"nodeName": "n1", "containers": [{"name": "agent", "image": "i"}]}}
    failing = {**pod, "status": waiting(pod, "ErrImagePull", "reset")}
    creating = {**pod, "status": waiting(pod, "ContainerCreating", "")}
    assert patience.problem("p", failing, "n1") == ""
    time.sleep(0.4)
    assert patience.problem("p", creating, "n1") == ""
    assert patience.problem("p", failing, "n1") == ""
    time.sleep(0.4)
    assert patience.problem("p", failing, "n1") == "image i cannot be pulled on node n1: ErrImagePull: reset"


def test_a_pull_that_recovers_is_no_problem(api, fleet_of, recording, monkeypatch):
    monkeypatch.setattr(fleet_watch, "PULL_PATIENCE", 3.0)
    api.status_of = lambda pod: waiting(pod, "ErrImagePull", "connection reset")
    fleet = fleet_of(roles={"host"}, services=())
    fleet.create_host()

    def recover():
        for key, pod in list(api.objects.items()):
            if key[0] == "pods":
                api.put(*key, {**pod, "status": {**running(pod), "podIP": "10.4.0.99"}})

    threading.Timer(0.5, recover).start()
    fleet.wait(10, quiet)
    assert {entry["problem"] for entry in placed(recording).values()} == {""}


@pytest.mark.parametrize(
    "rule",
    [
        'pods "a" is forbidden: violates PodSecurity "restricted:latest": seccompProfile',
        'pods "a" is forbidden: exceeded quota: compute',
        'admission webhook "policy.example" denied the request: no',
    ],
)
def test_a_tier_that_is_not_admitted_costs_itself_only(api, fleet_of, recording, rule):
    api.deny = lambda verb, path, body: (403, rule) if verb == "POST" and path.endswith("restricted/pods") else None
    fleet = deploy(fleet_of())
    (event,) = recording.entries("events", what="tier-refused")
    assert event["tier"] == "restricted"
    assert event["rule"] == f"namespace k8snet-r1-restricted admits no probe pod: {rule}"
    assert set(map(str, fleet.streams())) == {"host@n1", "host@n2", "pod/hostdns@n1", "pod/hostdns@n2"}
    assert rule in placed(recording)["pod/a@n1"]["problem"]


def test_one_refused_pod_costs_itself_only(api, fleet_of, recording):
    api.deny = lambda verb, path, body: (422, "too long") if (body or {}).get("metadata", {}).get("name", "").startswith("b-1") else None
    fleet = deploy(fleet_of(roles={"host", "a", "b"}))
    assert placed(recording)["pod/b@n2"]["problem"] == "refused: too long"
    assert len(fleet.streams()) == 5


def test_no_namespace_at_all_is_no_verdict(api, fleet_of):
    api.deny = lambda verb, path, body: (403, "namespaces are forbidden here") if (verb, path) == ("POST", "/api/v1/namespaces") else None
    with pytest.raises(NoVerdict, match=r"context lab: namespace k8snet-r1-restricted cannot be created: namespaces are forbidden here"):
        fleet_of().create_host()


def test_a_restricted_run_has_no_privileged_namespace(api, fleet_of, recording):
    fleet = deploy(fleet_of(tier=Tier.RESTRICTED))
    assert ("namespaces", "", "k8snet-r1-privileged") not in api.objects
    assert "declared off by --k8snet-tier restricted" in placed(recording)["host@n1"]["problem"]
    assert len(fleet.streams()) == 8


def test_a_namespace_without_service_account_yet_is_waited_for(api, fleet_of, recording):
    answers = iter([(403, 'error looking up service account x/default: serviceaccount "default" not found')])
    api.deny = lambda verb, path, body: next(answers, None) if verb == "POST" and path.endswith("/pods") else None
    fleet = deploy(fleet_of(roles={"host"}, services=()))
    assert len(fleet.streams()) == 2


def test_a_pod_that_ended_is_given_up_at_once(api, fleet_of, recording):
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "message": "no python3"}}
    status = {"phase": "Failed", "containerStatuses": [{"name": "agent", "state": ended}]}
    api.status_of = lambda pod: status
    deploy(fleet_of(roles={"host"}, services=()), 60.0)
    assert placed(recording)["host@n1"]["problem"] == "container agent ended with exit code 1: Error: no python3"


def test_a_pod_that_never_starts_is_explained_by_its_last_warning(api, fleet_of, recording):
    api.status_of = lambda pod: waiting(pod, "ContainerCreating", "")
    fleet = fleet_of(roles={"host"}, services=())
    fleet.create_host()
    involved = {"reason": "FailedCreatePodSandBox", "message": "open /run/flannel/subnet.env: no such file"}
    api.put("events", "k8snet-r1-privileged", "e1", {**involved, "involvedObject": {"name": "host-0-n1"}})
    fleet.wait(1.0, quiet)
    assert placed(recording)["host@n1"]["problem"] == f"not ready within 1 s: {involved['reason']}: {involved['message']}"
    assert "the kubelet of node n2 has not started it (Pending)" in placed(recording)["host@n2"]["problem"]


def test_a_node_that_is_not_ready_is_not_waited_for_long(api, fleet_of, recording, monkeypatch):
    monkeypatch.setattr(fleet_watch, "NOT_READY_PATIENCE", 0.5)
    api.node("n2", ready=False)
    api.status_of = lambda pod: waiting(pod, "ContainerCreating", "") if pod["spec"]["nodeName"] == "n2" else running(pod)
    deploy(fleet_of(roles={"host"}, services=()), 30.0)
    assert placed(recording)["host@n2"]["problem"] == "node n2 is not ready: KubeletNotReady: no network"


def test_the_pod_patch_reaches_every_probe_pod(api, fleet_of, tmp_path):
    patch = tmp_path / "patch.yaml"
    spec = "{imagePullSecrets: [{name: pull}], containers: [{name: '*', resources: {limits: {cpu: 1}}}]}"
    patch.write_text(f"spec: {spec}\nmetadata: {{labels: {{team: net}}}}")
    deploy(fleet_of(pod_patch=patch))
    for pod in [body for (kind, _, _), body in api.objects.items() if kind == "pods"]:
        assert pod["metadata"]["labels"]["team"] == "net"
        assert pod["metadata"]["labels"]["k8snet/run"] == "r1"
        assert pod["spec"]["imagePullSecrets"] == [{"name": "pull"}]
        assert all(c["resources"]["limits"] == {"memory": "256Mi", "cpu": 1} for c in pod["spec"]["containers"])
        assert [c["name"] for c in pod["spec"]["containers"]] in (["agent"], ["agent", "peer"])


def test_a_patch_that_is_no_pod_patch_is_named(fleet_of, tmp_path):
    (tmp_path / "patch.yaml").write_text("containers: []")
    with pytest.raises(UsageProblem, match=r"patch\.yaml is no patch of a pod: it may hold metadata and spec only"):
        fleet_of(pod_patch=tmp_path / "patch.yaml")


def test_close_deletes_everything_of_the_run_and_confirms(api, fleet_of):
    fleet = deploy(fleet_of())
    assert fleet.leftovers() == ("namespace k8snet-r1-privileged", "namespace k8snet-r1-restricted")
    assert fleet.close() == ()
    assert [key for key in api.objects if key[1].startswith("k8snet") or key[2].startswith("k8snet")] == []
    assert fleet.close() == ()


def test_what_cannot_be_deleted_is_named(api, fleet_of, monkeypatch):
    monkeypatch.setattr(fleet_close, "PATIENCE", 1.0)
    monkeypatch.setattr(fleet_close, "FORCE_AFTER", 0.3)
    monkeypatch.setattr(fleet_close, "PAUSES", (0.2,))
    fleet = deploy(fleet_of(roles={"host"}, services=()))
    api.sticky.add("k8snet-r1-privileged")
    assert fleet.close() == ("namespace k8snet-r1-privileged",)
    forced = [body for path, body in api.deleted if path.endswith("/pods") and body == {"gracePeriodSeconds": 0}]
    assert len(forced) == 1, "pods of a dead node are deleted by force, once"


def test_a_namespace_that_was_there_keeps_standing(api, fleet_of):
    labels = {"app.kubernetes.io/managed-by": "pytest-k8snet"}
    api.put("namespaces", "", "mine-restricted", {"metadata": {"labels": labels}})
    fleet = deploy(fleet_of(namespace="mine", tier=Tier.RESTRICTED))
    assert fleet.close() == ()
    assert ("namespaces", "", "mine-restricted") in api.objects
    assert [key for key in api.objects if key[1] == "mine-restricted"] == []


def test_a_namespace_that_somebody_else_made_meanwhile_is_not_touched(api, fleet_of, recording):
    api.put("namespaces", "", "k8snet-r1-restricted", {})
    fleet = deploy(fleet_of())
    assert "namespace k8snet-r1-restricted exists and is not ours" in placed(recording)["pod/a@n1"]["problem"]
    assert [key for key in api.objects if key[1] == "k8snet-r1-restricted"] == []
    assert fleet.close() == ()
    assert ("namespaces", "", "k8snet-r1-restricted") in api.objects


def test_requests_of_a_whole_run_stay_within_budget(api, fleet_of, connection, recording, settings):
    from pytest_k8snet.cluster.discovery import discover
    from pytest_k8snet.cluster.preflight import check

    nodes = 10
    for number in range(nodes):
        api.node(f"n{number}")
    check(connection, settings, recording)
    fleet = deploy(fleet_of())
    streams = fleet.streams()
    for endpoint, stream in streams.items():
        pod = next(entry["pod"] for entry in recording.entries("fleet", endpoint=str(endpoint)))
        api.agents[pod] = FakeAgent(str(endpoint), "r1")
        assert [frame["kind"] for frame in stream.request("ping")] == ["pong"]
        stream.close()
    discover(connection, recording, settings, again=True)
    assert fleet.close() == ()
    assert len(streams) == 6 * nodes
    assert connection.requests == len(api.log)
    assert connection.requests <= 14 * nodes + 80, connection.counts


def test_a_lost_exec_is_resumed_over_the_api(api, fleet_of, recording):
    fleet = deploy(fleet_of(roles={"host"}, services=()))
    api.agents["host-0-n1"] = FakeAgent("host@n1", "r1", answers=50)
    budget = {"bytes": 20_000}

    def cut(pod, data):
        budget["bytes"] -= len(data)
        return data if budget["bytes"] > 0 or budget.pop("used", None) else (budget.update(bytes=10**9), None)[1]

    api.mangle = cut
    stream = next(s for e, s in fleet.streams().items() if str(e) == "host@n1")
    ids = [frame.get("id") for frame in stream.request("probe", padding=5000)]
    assert ids == [*(f"probe{n}" for n in range(50)), None]
    (event,) = recording.entries("events", what="stream-reopened")
    assert event["reason"].startswith("command terminated with exit code 137; a warning of the runtime on stderr; ")


def test_an_exec_that_is_refused_says_why(api, fleet_of, monkeypatch):
    from pytest_k8snet.collect import stream as module

    monkeypatch.setattr(module, "PAUSES", (0.0,))
    fleet = deploy(fleet_of(roles={"host"}, services=()))
    api.deny = lambda verb, path, body: (403, 'pods "host-0-n1" is forbidden: cannot create pods/exec') if path.endswith("/exec") else None
    stream = next(iter(fleet.streams().values()))
    with pytest.raises(module.StreamLost, match=r"exec in k8snet-r1-privileged/host-0-n1 refused: 403 .*cannot create pods/exec"):
        list(stream.request("ping"))


def test_everything_carries_owner_run_and_expiry(api, fleet_of):
    deploy(fleet_of())
    ours = [body for (kind, namespace, name), body in api.objects.items() if "k8snet-r1" in (namespace + name)]
    assert len(ours) == 2 + 2 + 12 + 5 + 1
    for body in ours:
        assert body["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "pytest-k8snet", json.dumps(body)
        assert body["metadata"]["labels"]["k8snet/run"] == "r1"
        assert body["metadata"]["annotations"]["k8snet/expires"].endswith("+00:00")
