"""How many logs are read, and what becomes of objects whose last reading failed."""

from __future__ import annotations

import pytest

from pytest_k8snet.cluster import discovery
from pytest_k8snet.cluster.discovery import discover
from pytest_k8snet.evidence.cluster_objects import ClusterObjects
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.parse.objects import inventory


def coredns(api, count):
    for number in range(count):
        api.put("pods", "kube-system", f"coredns-{number:02}", {"metadata": {"labels": {"k8s-app": "kube-dns"}}})


def test_logs_of_more_than_four_coredns_pods_are_read(api, connection, recording, settings):
    coredns(api, 9)
    discover(connection, recording, settings)
    discover(connection, recording, settings, again=True)
    assert [recording.object(f"log/kube-system/coredns-{number:02}") is None for number in range(9)] == [False] * 9


def test_a_log_beyond_the_bound_is_told(api, connection, recording, settings):
    coredns(api, discovery.LOG_PODS + 1)
    discover(connection, recording, settings)
    discover(connection, recording, settings, again=True)
    objects = ClusterObjects(recording, inventory(recording))
    with pytest.raises(
        Inconclusive, match=f"coredns-{discovery.LOG_PODS} was not read: .*logs of {discovery.LOG_PODS} CoreDNS pods are read"
    ):
        objects.body(f"log/kube-system/coredns-{discovery.LOG_PODS:02}")


def test_a_later_refusal_makes_what_was_read_before_no_evidence(api, connection, recording, settings):
    discover(connection, recording, settings)
    objects = ClusterObjects(recording, inventory(recording))
    assert len(objects.items("nodes")) == 2
    api.deny = lambda verb, path, body: (403, "forbidden now") if path in ("/api/v1/nodes", "/api/v1/services") else None
    discover(connection, recording, settings, again=True)
    for name in ("nodes", "services"):
        with pytest.raises(Inconclusive, match=f"{name} was not read: the API answered 403 forbidden now"):
            objects.items(name)
    assert inventory(recording).names == ("n1", "n2"), "what is to be judged is known all the same"
