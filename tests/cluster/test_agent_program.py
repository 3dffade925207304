from __future__ import annotations

import base64

from pytest_k8snet.collect.manifests_agent import bundle

from .test_fleet import deploy, placed

OURS = {"app.kubernetes.io/managed-by": "pytest-k8snet"}
FOREIGN = {"binaryData": {"agent.pyz": base64.b64encode(b"somebody else's program").decode()}}


def give(api, name):
    for tier in ("restricted", "privileged"):
        api.put("namespaces", "", f"team-{tier}", {"metadata": {"labels": OURS, "uid": tier}})
    api.put("configmaps", "team-privileged", name, FOREIGN)


def test_probe_pods_run_the_program_of_their_own_run(api, fleet_of):
    give(api, "agent")
    deploy(fleet_of(namespace="team"))
    for (_, namespace, _), pod in [(key, body) for key, body in api.objects.items() if key[0] == "pods"]:
        (name,) = [volume["configMap"]["name"] for volume in pod["spec"]["volumes"] if volume["name"] == "agent"]
        stored = api.objects["configmaps", namespace, name]
        assert base64.b64decode(stored["binaryData"]["agent.pyz"]) == bundle()
        assert stored["metadata"]["labels"]["k8snet/run"] == "r1"


def test_a_program_that_is_there_already_closes_the_tier(api, fleet_of, recording):
    give(api, "k8snet-agent-r1")
    fleet = deploy(fleet_of(namespace="team"))
    problem = 'the agent cannot be stored in namespace team-privileged: configmaps "k8snet-agent-r1" already exists'
    assert placed(recording)["host@n1"]["problem"] == problem
    assert [key for key in api.objects if key[:2] == ("pods", "team-privileged")] == []
    assert sorted({str(endpoint).split("@")[0] for endpoint in fleet.streams()}) == ["pod/a", "pod/b", "pod/default", "pod/none"]


def test_a_pod_that_runs_on_another_node_is_not_used(api, fleet_of, recording):
    original = api.create

    def moved(kind, namespace, body):
        if body["metadata"]["name"] == "host-1-n2":
            body["spec"]["nodeName"] = "n1"
        return original(kind, namespace, body)

    api.create = moved
    fleet = deploy(fleet_of(roles={"host"}, services=()))
    problem = "it runs on node n1, not on n2: something changed the pod after its creation"
    assert placed(recording)["host@n2"]["problem"] == problem
    assert list(map(str, fleet.streams())) == ["host@n1"]
