"""Waiting for the cluster's DNS to know the run's Services: the real agent asks a small server on loopback."""

from __future__ import annotations

import socket
import threading

import dns.message
import dns.rcode
import dns.rrset
import pytest

from pytest_k8snet.collect import names
from pytest_k8snet.collect.stream import LocalStream
from pytest_k8snet.model.endpoint import Endpoint
from pytest_k8snet.model.recording import Recording

NAME = "marker.k8snet-1-restricted.svc.cluster.local."


@pytest.fixture
def stream():
    stream = LocalStream(Endpoint.parse("outside/runner"), "r1", "127.0.0.1")
    yield stream
    stream.close()


@pytest.fixture
def server():
    """Answers NXDOMAIN to the first `unknown` questions; no answer at all while `unknown` is None."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    state = {"unknown": 0, "asked": 0, "port": sock.getsockname()[1]}

    def serve():
        while True:
            try:
                data, peer = sock.recvfrom(512)
            except OSError:
                return
            state["asked"] += 1
            if state["unknown"] is not None:
                sock.sendto(_answer(data, state["asked"] <= state["unknown"]), peer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield state
    sock.close()


def _answer(data, unknown):
    asked = dns.message.from_wire(data)
    reply = dns.message.make_response(asked)
    if unknown:
        reply.set_rcode(dns.rcode.NXDOMAIN)
    else:
        reply.answer.append(dns.rrset.from_text(NAME, 5, "IN", "A", "10.96.0.77"))
    return reply.to_wire()


def test_it_asks_until_the_name_is_known(stream, server):
    server["unknown"] = 3
    event = names.await_name(stream, NAME, "127.0.0.1", server["port"])
    assert (event["what"], event["known"], event["rcode"], server["asked"]) == ("names", True, "NOERROR", 4)
    assert event["seconds"] >= 3 * names.PAUSE


def test_a_name_that_stays_unknown_is_told_and_does_not_stop_the_run(stream, server, monkeypatch):
    monkeypatch.setattr(names, "TIMEOUT", 1.0)
    server["unknown"] = 10**6
    event = names.await_name(stream, NAME, "127.0.0.1", server["port"])
    assert (event["known"], event["rcode"]) == (False, "NXDOMAIN")


def test_a_silent_replica_costs_little(stream, server, monkeypatch):
    monkeypatch.setattr(names, "SILENT", 0.5)
    server["unknown"] = None
    event = names.await_name(stream, NAME, "127.0.0.1", server["port"])
    assert (event["known"], event["rcode"], server["asked"]) == (False, "", 1)


def test_only_ready_replicas_of_the_cluster_dns_are_asked():
    recording = Recording({})
    ready, not_ready = [{"type": "Ready", "status": status} for status in ("True", "False")]
    pods = [_pod("kube-dns", "w1", "10.0.0.1", ready), _pod("kube-dns", "w2", "10.0.0.2", not_ready), _pod("etcd", "w1", "10.0.0.3", ready)]
    recording.append("objects", {"name": "pods/kube-system", "status": 200, "body": {"items": pods}})
    assert list(names.replicas(recording)) == [("w1", "10.0.0.1")]
    assert list(names.replicas(Recording({}))) == []


def _pod(app, node, ip, condition):
    metadata = {"name": f"{app}-{node}", "labels": {"k8s-app": app}}
    return {"metadata": metadata, "spec": {"nodeName": node}, "status": {"podIP": ip, "conditions": [condition]}}
