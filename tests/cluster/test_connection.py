from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace

import pytest

from pytest_k8snet.cluster.connection import connect
from pytest_k8snet.errors import NoVerdict, UsageProblem


def test_an_unknown_context_names_the_known_ones(settings):
    with pytest.raises(UsageProblem) as caught:
        connect(replace(settings, context="stagging"))
    message = str(caught.value)
    assert message.startswith("no context 'stagging' in ")
    assert message.endswith("known contexts: lab, staging; did you mean 'staging'?")


def test_a_missing_kubeconfig_is_named(settings, tmp_path):
    with pytest.raises(UsageProblem, match=r"there is no kubeconfig at .*/nothing; name one with --k8snet-kubeconfig PATH or KUBECONFIG"):
        connect(replace(settings, kubeconfig=tmp_path / "nothing"))


def test_a_kubeconfig_that_is_no_yaml_is_named(settings, tmp_path):
    (tmp_path / "broken").write_text("contexts: [")
    with pytest.raises(UsageProblem, match="broken is not a readable kubeconfig"):
        connect(replace(settings, kubeconfig=tmp_path / "broken"))


def test_kubeconfig_variable_may_list_files(api, settings, tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'missing'}:{settings.kubeconfig}")
    assert connect(replace(settings, kubeconfig=None)).address == api.url


def test_another_cluster_than_expected(settings):
    with pytest.raises(UsageProblem, match=r"another cluster than expected.* is uid-1, --k8snet-expect-cluster says uid-2"):
        connect(replace(settings, expect_cluster="uid-2"))
    assert connect(replace(settings, expect_cluster="uid-1")).greeting["namespace/kube-system"].ok


def test_refused_connection_names_address_and_reason(api, settings, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = api.kubeconfig(tmp_path / "dead", f"http://127.0.0.1:{port}")
    with pytest.raises(NoVerdict) as caught:
        connect(replace(settings, kubeconfig=config))
    assert f"context lab: no answer from http://127.0.0.1:{port}: " in str(caught.value)
    assert "Connection refused" in str(caught.value)
    assert "object at" not in str(caught.value)


def test_a_server_that_says_nothing_costs_seconds_only(api, settings, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = api.kubeconfig(tmp_path / "silent", f"http://127.0.0.1:{silent.getsockname()[1]}")
        started = time.monotonic()
        with pytest.raises(NoVerdict, match=r"(?i)timed out"):
            connect(replace(settings, kubeconfig=config))
    assert time.monotonic() - started < 7


def test_refused_credentials_are_no_verdict(api, settings):
    settings.kubeconfig.write_text(settings.kubeconfig.read_text().replace("secret", "wrong"))
    with pytest.raises(NoVerdict, match=r"does not accept the credentials of user 'ci' \(401\)"):
        connect(settings)


def test_something_that_is_no_api_server(api, settings):
    api.deny = lambda verb, path, body: (404, "page not found")
    with pytest.raises(NoVerdict, match=r"does not answer like a Kubernetes API server \(status 404\)"):
        connect(settings)


def test_every_thread_has_its_own_client_and_all_requests_count(connection):
    clients = []
    threads = [threading.Thread(target=lambda: (connection.get("/version"), clients.append(connection._client()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, clients))) == 4
    assert connection.requests == 2 + 4


def test_a_busy_server_is_asked_again(api, connection):
    answers = iter([(429, "too many requests")])
    api.deny = lambda verb, path, body: next(answers, None)
    assert connection.get("/version").ok
