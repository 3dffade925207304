"""Which endpoints every node should send Service packets to."""

import pytest

from pytest_k8snet.evidence.rules_services import service_ports
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.verdict import Inconclusive

NODE = {"metadata": {"name": "w1"}}


def _service(name="web", **spec):
    ports = [{"name": "http", "port": 80, "protocol": "TCP"}]
    return {"metadata": {"name": name, "namespace": "shop"}, "spec": {"clusterIP": "10.96.4.4", "ports": ports, **spec}}


def _slice(*endpoints, name="web", port="http", **more):
    labels = {"kubernetes.io/service-name": name}
    ports = [{"name": port, "port": 7801, "protocol": "TCP"}]
    metadata = {"name": "x", "namespace": "shop", "labels": labels}
    return {"metadata": metadata, "addressType": "IPv4", "ports": ports, "endpoints": list(endpoints), **more}


def _end(address, node="w1", **conditions):
    return {"addresses": [address], "nodeName": node, "conditions": conditions}


def _ports(services, slices, *earlier):
    recording = Recording()
    for first, second in (*earlier, (services, slices)):
        recording.append("objects", {"name": "services", "status": 200, "body": {"items": first}})
        recording.append("objects", {"name": "endpointslices", "status": 200, "body": {"items": second}})
    return service_ports(recording, NODE)


def _ever(*args):
    return {str(port): set(port.ever) for port in _ports(*args)}


def test_ready_endpoints():
    found = _ever([_service()], [_slice(_end("10.4.1.2", ready=True), _end("10.4.2.2", "w2"), _end("10.4.3.2", ready=False))])
    assert found == {"shop/web 10.96.4.4:80/tcp": {"10.4.1.2:7801", "10.4.2.2:7801"}}


def test_terminating_endpoints_serve_when_nothing_else_does():
    leaving = {"ready": False, "serving": True, "terminating": True}
    assert _ever([_service()], [_slice(_end("10.4.1.2", **leaving))]) == {"shop/web 10.96.4.4:80/tcp": {"10.4.1.2:7801"}}
    found = _ever([_service()], [_slice(_end("10.4.1.2", **leaving), _end("10.4.1.3", ready=True))])
    assert found == {"shop/web 10.96.4.4:80/tcp": {"10.4.1.3:7801"}}


def test_local_policy_keeps_to_the_node():
    pieces = [_slice(_end("10.4.1.2"), _end("10.4.2.2", "w2"))]
    assert _ever([_service(internalTrafficPolicy="Local")], pieces) == {"shop/web 10.96.4.4:80/tcp": {"10.4.1.2:7801"}}
    assert _ever([_service(internalTrafficPolicy="Local")], [_slice(_end("10.4.2.2", "w2"))]) == {}


@pytest.mark.parametrize(
    "service",
    [
        _service(clusterIP="None"),
        _service(clusterIP="", type="ExternalName"),
        _service(clusterIP="fd00::1"),
        {**_service(), "metadata": {"name": "web", "namespace": "shop", "labels": {"service.kubernetes.io/service-proxy-name": "x"}}},
    ],
)
def test_services_that_kube_proxy_leaves_alone(service):
    assert _ever([service], [_slice(_end("10.4.1.2"))]) == {}


def test_dual_stack_service_counts_by_its_ipv4_address():
    assert _ever([_service(clusterIP="fd00::1", clusterIPs=["fd00::1", "10.96.4.4"])], [_slice(_end("10.4.1.2"))]) == {
        "shop/web 10.96.4.4:80/tcp": {"10.4.1.2:7801"}
    }


@pytest.mark.parametrize(
    "piece",
    [_slice(_end("10.4.1.2"), port="other"), _slice(_end("10.4.1.2"), name="other"), _slice(_end("fd00::2"), addressType="IPv6")],
)
def test_slices_of_others_do_not_count(piece):
    assert _ever([_service()], [piece]) == {}


def test_a_change_between_two_readings_leaves_both_right():
    (port,) = _ports([_service()], [_slice(_end("10.4.1.3"))], ([_service()], [_slice(_end("10.4.1.2"), _end("10.4.1.3"))]))
    assert (set(port.always), set(port.ever)) == ({"10.4.1.3:7801"}, {"10.4.1.2:7801", "10.4.1.3:7801"})


def test_hints_let_the_proxy_choose():
    (port,) = _ports([_service()], [_slice({**_end("10.4.1.2"), "hints": {"forZones": [{"name": "a"}]}})])
    assert port.any_of


def test_unread_services_are_unknown():
    with pytest.raises(Inconclusive, match="services were not read"):
        service_ports(Recording(), NODE)
