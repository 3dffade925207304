"""Three pods of one node share one hostPort: on 127.0.0.1 over TCP, on the node's address over TCP and over UDP."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from pytest_k8snet.collect import manifests
from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.probe import Action, Family
from pytest_k8snet.model.settings import Tier

from .pods import role
from .stage import Stage, all_reached

NAME = "host-port"
FIRST = 18901  # above the ports of the probe pods on the host network; runs at the same time take different ones
LOOPBACK, TCP, UDP = (role(f"{NAME}-{kind}", Tier.PRIVILEGED) for kind in ("loopback", "tcp", "udp"))


def play(stage: Stage) -> None:
    """The pods say who they are, so that the one of the right address and protocol must answer."""
    node, port = stage.nodes[-1], FIRST + zlib.crc32(stage.run.encode()) % manifests.HOST_PORT_STEPS
    address, target = stage.node_address(node), Endpoint(EndpointKind.NODE_PORT, NAME, node)
    pods = {TCP: (address, "TCP"), UDP: (address, "UDP")} | ({LOOPBACK: ("127.0.0.1", "TCP")} if stage.has(Family.IPV4) else {})
    with stage.step("asked"):
        for one, (host, protocol) in pods.items():
            stage.pods.create(one, node, _exposed(host, port, protocol))
        for one in pods:
            stage.pods.ready(one, node)
        stage.objects.port(NAME, port)
        probes = [probe for action in (Action.TCP, Action.UDP) for probe in stage.probes([target], action)]
        hosts = [Endpoint(EndpointKind.HOST, "", name) for name in stage.nodes]
        probes += [stage.probe(action, host, target) for host in hosts for action in (Action.TCP, Action.UDP)]
        if LOOPBACK in pods:
            inner = Endpoint(EndpointKind.LOOPBACK, NAME, node)
            probes += [stage.probe(Action.TCP, Endpoint(EndpointKind.HOST, "", node), inner, Family.IPV4)]
        stage.until(probes, all_reached)


def _exposed(host: str, port: int, protocol: str) -> Callable[[dict[str, Any]], None]:
    ports = [{"containerPort": manifests.ECHO_PORT, "hostPort": port, "hostIP": host, "protocol": protocol}]
    return lambda manifest: manifest["spec"]["containers"][0].update(ports=ports)
