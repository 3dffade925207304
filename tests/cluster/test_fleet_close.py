from __future__ import annotations

import pytest

from pytest_k8snet.cluster.connection import Unreachable
from pytest_k8snet.collect import fleet_close
from pytest_k8snet.errors import NoVerdict

from .test_fleet import deploy

OURS = {"app.kubernetes.io/managed-by": "pytest-k8snet"}
PRECIOUS = ("configmaps", "team-restricted", "precious")
CREATE = ("POST", "/api/v1/namespaces")


@pytest.fixture
def given(api):
    """Namespaces that the user made for our runs, with something of the user's in one."""
    for tier in ("restricted", "privileged"):
        api.put("namespaces", "", f"team-{tier}", {"metadata": {"labels": OURS, "uid": f"uid-{tier}"}})
    api.put(*PRECIOUS, {"data": {"a": "b"}})


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(fleet_close, "PAUSES", (0.05,))
    monkeypatch.setattr(fleet_close, "PATIENCE", 1.0)


def namespaces(api):
    return sorted(name for kind, _, name in api.objects if kind == "namespaces")


def of_run(api, run):
    return [key for key, body in api.objects.items() if (body["metadata"].get("labels") or {}).get("k8snet/run") == run]


def test_given_namespaces_are_used_by_who_may_not_create_any_and_stay(api, given, fleet_of):
    api.deny = lambda verb, path, body: (403, "cannot create resource namespaces") if (verb, path) == CREATE else None
    fleet = deploy(fleet_of(namespace="team"))
    assert len(fleet.streams()) == 12
    assert fleet.close() == ()
    assert of_run(api, "r1") == []
    assert namespaces(api) == ["kube-system", "team-privileged", "team-restricted"]
    assert PRECIOUS in api.objects


@pytest.mark.parametrize("status", [403, 429, 500, 503])
@pytest.mark.parametrize("prefix", ["team", ""])
def test_a_create_that_failed_leads_to_no_delete(api, given, fleet_of, status, prefix, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    api.put("namespaces", "", "k8snet-r1-restricted", {"metadata": {"labels": {"app": "somebody's"}, "uid": "u"}})
    before = namespaces(api)
    api.deny = lambda verb, path, body: (status, "no") if (verb, path) == CREATE else None
    fleet = fleet_of(namespace=prefix)
    if status >= 500 or not prefix:
        with pytest.raises(NoVerdict, match=r"namespace (team|k8snet-r1)-restricted"):
            fleet.create_host()
    else:
        fleet.create_host()
    api.deny = lambda verb, path, body: None
    assert fleet.close() == ()
    assert namespaces(api) == before
    assert PRECIOUS in api.objects


@pytest.mark.parametrize("prefix", ["team", ""])
def test_an_interrupt_while_a_namespace_is_created_deletes_nothing_of_others(api, given, fleet_of, connection, monkeypatch, prefix):
    fleet = fleet_of(namespace=prefix)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(connection, "post", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fleet.create_host()
    assert fleet.close() == ()
    assert namespaces(api) == ["kube-system", "team-privileged", "team-restricted"]
    assert PRECIOUS in api.objects


def test_a_namespace_whose_create_had_no_answer_is_found_by_its_run_and_deleted(api, fleet_of, connection, monkeypatch):
    fleet, real = fleet_of(), connection.post

    def lost(path, body, query=()):
        answer = real(path, body, query)
        if path == CREATE[1]:
            raise Unreachable("connection reset by peer")
        return answer

    monkeypatch.setattr(connection, "post", lost)
    with pytest.raises(Unreachable):
        fleet.create_host()
    assert "k8snet-r1-restricted" in namespaces(api)
    assert fleet.close() == ()
    assert namespaces(api) == ["kube-system"]


def test_a_namespace_made_anew_by_somebody_else_is_not_deleted(api, fleet_of):
    fleet = deploy(fleet_of(roles={"host"}, services=()))
    api.delete("namespaces", "", "k8snet-r1-privileged")
    labels = {**OURS, "k8snet/run": "another"}
    api.put("namespaces", "", "k8snet-r1-privileged", {"metadata": {"labels": labels, "uid": "another"}})
    assert fleet.close() == ()
    assert namespaces(api) == ["k8snet-r1-privileged", "kube-system"]


def test_two_runs_in_one_namespace_delete_their_own_only(api, fleet_of):
    first = deploy(fleet_of(namespace="team", roles={"a"}, services=(), run_id="r1"))
    second = fleet_of(namespace="team", roles={"b"}, services=(), run_id="r2")
    second.create_host()
    second.create_pods()
    others = [key for key in of_run(api, "r2") if key[0] == "pods"]
    assert others
    (left,) = first.close()
    assert left == "namespace team-restricted (pods that are not of this run are in it)"
    assert [key for key in of_run(api, "r2") if key[0] == "pods"] == others
    assert [key for key in of_run(api, "r1") if key[0] == "pods"] == []
    assert second.close() == ()
    assert first.close() == ()
    assert namespaces(api) == ["kube-system"]


def test_one_failed_delete_is_repeated(api, fleet_of):
    fleet, answers = deploy(fleet_of()), iter([(500, "etcdserver: leader changed")])
    api.deny = lambda verb, path, body: next(answers, None) if verb == "DELETE" and path.endswith("/k8snet-r1-privileged") else None
    assert fleet.close() == ()
    assert namespaces(api) == ["kube-system"]


def test_a_lost_connection_holds_up_no_other_delete(api, fleet_of, connection, monkeypatch):
    fleet, real, lost = deploy(fleet_of()), connection.delete, []

    def flaky(path, *rest):
        if not lost:
            lost.append(path)
            raise Unreachable("connection reset by peer")
        return real(path, *rest)

    monkeypatch.setattr(connection, "delete", flaky)
    assert fleet.close() == ()
    assert lost
    assert namespaces(api) == ["kube-system"]


def test_what_cannot_be_deleted_is_named_with_the_reason_and_the_rest_is_gone(api, given, fleet_of):
    fleet = deploy(fleet_of(namespace="team"))
    api.deny = lambda verb, path, body: (500, "etcd is full") if verb == "DELETE" and path.endswith("team-restricted/configmaps") else None
    assert fleet.close() == ("configmaps in namespace team-restricted (etcd is full)",)
    assert [key[:2] for key in of_run(api, "r1")] == [("configmaps", "team-restricted")]


def test_an_api_that_is_gone_is_told_within_the_patience(fleet_of, connection, monkeypatch):
    fleet = deploy(fleet_of(roles={"host"}, services=()))

    def gone(*_, **__):
        raise Unreachable("no route to host")

    monkeypatch.setattr(connection, "delete", gone)
    monkeypatch.setattr(connection, "get", gone)
    left = fleet.close()
    assert "pods in namespace k8snet-r1-privileged (no route to host)" in left
    assert any(text.startswith("namespace k8snet-r1-privileged (") for text in left)
