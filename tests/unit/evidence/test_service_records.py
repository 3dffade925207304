"""The records that a Service must have, from the API's objects alone."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_k8snet.evidence.service_records import ServiceRecords
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan.questions import QUESTIONS

PORTS = [{"name": "tcp", "protocol": "TCP", "port": 80}, {"protocol": "UDP", "port": 53}]


def endpoint(last: int, ready: bool | None = True, **more: Any) -> dict[str, Any]:
    return {"addresses": [f"10.244.1.{last}"], "conditions": {"ready": ready}, "hostname": f"a-{last}", **more}


def six(last: int) -> dict[str, Any]:
    return {**endpoint(last), "addresses": [f"fd00::{last}"]}


class Api:
    """A recording with one Service of the run."""

    def __init__(self, name: str, spec: dict[str, Any], *endpoints: dict[str, Any], v6: tuple[dict[str, Any], ...] = ()) -> None:
        self.recording = Recording()
        self.recording.append("events", {"what": "service", "name": name, "namespace": "shop"})
        self._object("services", {"metadata": {"name": name, "namespace": "shop"}, "spec": {"ports": PORTS, **spec}})
        pieces = [("IPv4", endpoints), ("IPv6", v6)]
        self._object("endpointslices", *(self._piece(name, family, ends) for family, ends in pieces if ends))

    def ask(self, question: str, name: str = "") -> frozenset[str]:
        return ServiceRecords(self.recording, "Cluster.local").expected(QUESTIONS[question], name)

    def _piece(self, name: str, family: str, endpoints: tuple[dict[str, Any], ...]) -> dict[str, Any]:
        metadata = {"name": family, "namespace": "shop", "labels": {"kubernetes.io/service-name": name}}
        ports = [{**port, "port": port["port"] + 8000} for port in PORTS]
        return {"metadata": metadata, "addressType": family, "ports": ports, "endpoints": list(endpoints)}

    def _object(self, name: str, *items: dict[str, Any]) -> None:
        self.recording.append("objects", {"name": name, "status": 200, "body": {"items": list(items)}})


WEB = {"clusterIP": "10.96.0.7", "clusterIPs": ["10.96.0.7", "fd00:96::7"]}
HEADLESS = {"clusterIP": "None", "clusterIPs": ["None"]}


def test_a_cluster_ip_of_each_family():
    api = Api("web", WEB)
    assert (api.ask("web-a"), api.ask("web-aaaa")) == ({"10.96.0.7"}, {"fd00:96::7"})
    assert Api("web", {**WEB, "clusterIPs": ["10.96.0.7"]}).ask("web-aaaa") == frozenset()


def test_ports_of_a_cluster_ip():
    api = Api("web", WEB)
    assert api.ask("web-srv-tcp") == {"80 web.shop.svc.cluster.local."}
    assert (api.ask("web-srv-udp"), api.ask("web-srv-other")) == (frozenset(), frozenset())
    assert api.ask("web-ptr") == {"web.shop.svc.cluster.local."}


def test_a_headless_service_has_its_ready_endpoints():
    api = Api("peers", HEADLESS, endpoint(1), endpoint(2, None), endpoint(3, False), v6=(six(1),))
    assert api.ask("peers-a") == {"10.244.1.1", "10.244.1.2"}
    assert api.ask("peers-aaaa") == {"fd00::1"}
    assert api.ask("own-a", "a-2.peers.shop.svc.cluster.local.") == {"10.244.1.2"}
    assert api.ask("own-a", "a-3.peers.shop.svc.cluster.local.") == frozenset()
    ports = {f"8080 a-{last}.peers.shop.svc.cluster.local." for last in (1, 2)}
    assert api.ask("peers-srv") == ports


def test_unready_endpoints_where_the_service_wants_them():
    assert Api("published", {**HEADLESS, "publishNotReadyAddresses": True}, endpoint(3, False)).ask("published-a") == {"10.244.1.3"}
    assert Api("unready", HEADLESS, endpoint(3, False)).ask("unready-a") == frozenset()


def test_without_endpoints_nothing_is_known():
    with pytest.raises(Inconclusive, match="no endpoint of Service peers is known"):
        Api("peers", HEADLESS).ask("peers-a")


def test_an_endpoint_without_a_name_has_no_documented_target():
    with pytest.raises(Inconclusive, match=r"the endpoint 10\.244\.1\.1 has no hostname"):
        Api("peers", HEADLESS, endpoint(1, hostname="")).ask("peers-srv")


def test_an_alias():
    assert Api("alias", {"type": "ExternalName", "externalName": "Outside.example.com"}).ask("alias-cname") == {"outside.example.com."}
    assert Api("alias", WEB).ask("alias-cname") == frozenset()


def test_a_service_that_was_not_read():
    api = Api("web", WEB)
    api.recording.streams["objects"] = []
    with pytest.raises(Inconclusive, match="Service shop/web was not read"):
        api.ask("web-a")
    with pytest.raises(Inconclusive, match="Service peers of the run was not created"):
        api.ask("peers-a")


def test_only_unready_endpoints_can_be_absent():
    question = QUESTIONS["unready-a"]
    ServiceRecords(Api("unready", HEADLESS, endpoint(1, False)).recording, "x").require_unready(question)
    with pytest.raises(Inconclusive, match="an endpoint of Service unready is ready"):
        ServiceRecords(Api("unready", HEADLESS, endpoint(1), endpoint(2, False)).recording, "x").require_unready(question)


def test_what_was_looked_at_is_told():
    records = ServiceRecords(Api("peers", HEADLESS, endpoint(1)).recording, "x")
    records.expected(QUESTIONS["peers-a"], "")
    assert [entry["object"] for entry in records.used] == ["services", "endpointslices"]
