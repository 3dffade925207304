"""One pod's hosts file and the name it has for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_k8snet.model.endpoint import EndpointKind
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.parse import hosts as hosts_file
from pytest_k8snet.plan.readers import NAMED
from pytest_k8snet.plan.resolver import role

from .comparison import Comparison

if TYPE_CHECKING:
    from .resolver import PodResolver

POD_HEADER = f"{hosts_file.MANAGED}."
OWN = "hostname -f"


def hosts(pod: PodResolver) -> Comparison:
    """On the pod network kubelet's file with the pod's own names, on the host network what the node's file holds."""
    file = pod.node.parsed(f"hosts/{role(pod.plan.source)}", hosts_file.parse)
    if pod.plan.source.kind is EndpointKind.HOST:
        node = pod.node.parsed("hosts", hosts_file.parse)
        return Comparison("/etc/hosts, the node's own on the host network", _numbered(file), _numbered(node))
    names, address = _names(pod), str(pod.fleet.get("ip") or "")
    found = {"first line": file.header, address: file.names(address)}
    expected = {"first line": POD_HEADER, address: names}
    if role(pod.plan.source) == NAMED:
        found[OWN] = (pod.node.text(f"full-name/{NAMED}").strip(),)
        expected[OWN] = names[:1]
    return Comparison("/etc/hosts and the pod's own name", found, expected)


def _names(pod: PodResolver) -> tuple[str, ...]:
    """Names that kubelet gives a pod: with a subdomain the full one first (Kubernetes, DNS for Services and Pods)."""
    spec = pod.fleet.get("spec")
    if spec is None or not pod.fleet.get("ip"):
        raise Inconclusive(f"{pod.plan.source}: name and address of the probe pod are not known")
    hostname = str(spec.get("hostname") or pod.fleet["pod"])
    domain = f"{pod.fleet['namespace']}.svc.{pod.inventory.dns_domain}"
    return (f"{hostname}.{spec['subdomain']}.{domain}", hostname) if spec.get("subdomain") else (hostname,)


def _numbered(file: hosts_file.Hosts) -> dict[str, tuple[str, ...]]:
    return {f"entry {number}": words for number, words in enumerate(file.entries, 1)}
