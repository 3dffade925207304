from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from pytest_k8snet.cluster.connection import connect
from pytest_k8snet.cluster.preflight import check
from pytest_k8snet.cluster.rbac import permissions, role
from pytest_k8snet.cluster.sweep import expired, sweep
from pytest_k8snet.errors import NoVerdict, UsageProblem
from pytest_k8snet.model.settings import Tier

OURS = {"app.kubernetes.io/managed-by": "pytest-k8snet"}


def without(tier, resource, verb):
    """The rules of our role but one verb."""
    rules = yaml.safe_load(role(tier))["rules"]
    for rule in rules:
        if rule["resources"] == [resource]:
            rule["verbs"].remove(verb)
    return rules


def creations(api):
    return [line for line in api.log if line.startswith(("POST", "DELETE")) and "reviews" not in line]


@pytest.mark.parametrize("tier", list(Tier))
def test_the_role_that_rbac_prints_is_enough(api, connection, settings, recording, tier):
    api.rules = yaml.safe_load(role(tier))["rules"]
    check(connection, replace(settings, tier=tier), recording)
    assert list(recording.entries("events")) == []


@pytest.mark.parametrize("tier", list(Tier))
def test_every_verb_of_the_role_is_asked_for(api, connection, settings, recording, tier):
    for permission in permissions(tier):
        for verb in permission.verbs:
            rules = without(tier, permission.resource, verb)
            api.rules = [r for r in rules if r["verbs"]]
            before = len(recording.streams["events"])
            try:
                check(connection, replace(settings, tier=tier), recording)
            except NoVerdict:
                assert any(p.required for p in permissions(tier) if p.resource == permission.resource)
            assert len(recording.streams["events"]) > before, f"{verb} {permission.resource} is in the role but never asked for"
    assert creations(api) == []


def test_missing_rights_are_named_and_nothing_is_created(api, connection, settings, recording):
    api.rules = without(Tier.PRIVILEGED, "pods/exec", "create")
    with pytest.raises(NoVerdict) as caught:
        check(connection, settings, recording)
    assert str(caught.value) == (
        "context lab: the user 'ci' may not create pods/exec in namespace k8snet-r1-restricted; nothing was created; "
        "print the needed role with: python -m pytest_k8snet rbac"
    )
    assert creations(api) == []


def test_rights_that_only_some_checks_need_are_noted(api, connection, settings, recording):
    api.rules = without(Tier.PRIVILEGED, "nodes/proxy", "get")
    check(connection, settings, recording)
    assert list(recording.entries("events")) == [{"what": "missing-right", "right": "get nodes/proxy"}]


def test_few_requests(api, connection, settings, recording):
    before = connection.requests
    check(connection, settings, recording)
    assert connection.requests - before <= 3


def test_an_authorizer_that_cannot_list_its_rules_is_asked_verb_by_verb(api, connection, settings, recording):
    api.rules, api.incomplete = [], True
    with pytest.raises(NoVerdict, match=r"may not create, delete, get, list namespaces; list nodes; .*create, get pods/exec in namespace"):
        check(connection, settings, recording)


def test_rights_that_an_authorizer_cannot_list_count(api, connection, settings, recording):
    api.rules, api.unlisted, api.incomplete = [], api.rules, True
    check(connection, settings, recording)
    assert list(recording.entries("events")) == []


def test_reading_rights_may_hold_in_kube_system_only(api, connection, settings, recording):
    api.rules = without(Tier.PRIVILEGED, "pods/log", "get")
    api.rules = [rule for rule in api.rules if rule["verbs"]]
    api.unlisted = [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]
    check(connection, settings, recording)
    assert list(recording.entries("events")) == []


def test_wildcards_grant(api, connection, settings, recording):
    api.rules = [{"verbs": ["*"], "apiGroups": ["", "apps", "discovery.k8s.io"], "resources": ["*"]}]
    check(connection, settings, recording)
    api.rules[0]["resourceNames"] = ["one"]
    with pytest.raises(NoVerdict):
        check(connection, settings, recording)


def test_a_cluster_may_refuse(api, settings, recording):
    api.objects["namespaces", "", "kube-system"]["metadata"]["labels"] = {"k8snet/refuse": ""}
    with pytest.raises(UsageProblem, match="this cluster refuses network tests"):
        check(connect(settings), settings, recording)
    assert creations(api) == []


def test_a_foreign_namespace_is_refused(api, connection, settings, recording):
    api.put("namespaces", "", "prod-restricted", {})
    with pytest.raises(UsageProblem, match=r"namespace prod-restricted exists and is not ours .*choose another --k8snet-namespace"):
        check(connection, replace(settings, namespace="prod"), recording)
    assert creations(api) == []


def test_a_namespace_of_ours_may_be_used_without_the_right_to_create_some(api, connection, settings, recording):
    api.put("namespaces", "", "mine-restricted", {"metadata": {"labels": OURS}})
    api.rules = without(Tier.RESTRICTED, "namespaces", "create")
    check(connection, replace(settings, namespace="mine", tier=Tier.RESTRICTED), recording)


def old(hours: float) -> dict:
    return {"k8snet/expires": (datetime.now(UTC) - timedelta(hours=hours)).isoformat()}


def test_sweep_removes_only_what_is_ours_and_expired(api, connection):
    api.put("namespaces", "", "expired", {"metadata": {"labels": OURS, "annotations": old(1)}})
    api.put("namespaces", "", "running", {"metadata": {"labels": OURS, "annotations": old(-1)}})
    api.put("namespaces", "", "undated", {"metadata": {"labels": OURS}})
    api.put("namespaces", "", "nonsense", {"metadata": {"labels": OURS, "annotations": {"k8snet/expires": "soon"}}})
    api.put("namespaces", "", "k8snet-foreign", {"metadata": {"annotations": old(1)}})
    assert sweep(connection) == ("expired",)
    left = {name for (kind, _, name) in api.objects if kind == "namespaces"}
    assert left == {"kube-system", "running", "undated", "nonsense", "k8snet-foreign"}


def test_what_is_not_ours_is_never_expired():
    foreign = {"metadata": {"name": "prod", "annotations": old(1)}}
    assert list(expired([foreign], datetime.now(UTC))) == []


def test_sweep_says_when_it_may_not(api, connection):
    api.deny = lambda verb, path, body: (403, "namespaces is forbidden") if verb == "GET" else None
    with pytest.raises(NoVerdict, match="context lab: namespaces cannot be listed: namespaces is forbidden"):
        sweep(connection)
