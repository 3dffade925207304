"""The cluster's domain as everybody who needs to know it knows it: kubeadm, kubelet, CoreDNS, the pod's file, the records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pytest_k8snet.model.observation import Sample
from pytest_k8snet.model.probe import Probe
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.parse import ParseError, dns_message

from . import cluster_corefile
from .cluster_objects import ClusterObjects
from .comparison import Comparison

if TYPE_CHECKING:
    from .resolver import PodResolver

SERVICES = ".svc."  # what stands between a Service's name and the domain
REVERSE = ("in-addr.arpa", "ip6.arpa")


def domains(pod: PodResolver) -> Comparison:
    """Who knows the domain -> the domain; all agree with kubeadm's, or with kubelet's where kubeadm did not make the cluster."""
    cluster = ClusterObjects(pod.recording, pod.node.inventory)
    try:
        objects = dict(_objects(cluster))
    finally:
        pod.node.used += cluster.used
    kubelet = pod.kubelet.domain or "no domain"
    wanted = objects.get("kubeadm-config dnsDomain", kubelet)
    found = objects | {"kubelet clusterDomain": kubelet, "search entry in the pod's file": _searched(pod)}
    zones = found.pop("Corefile", None)
    if zones is not None:
        found["kubernetes zone of the Corefile"] = wanted if wanted in zones.split() else zones
    found |= {f"records of {pod.answers.name(probe)}": _answered(pod, probe) for probe in pod.plan.probes}
    return Comparison("domain of the cluster", found, dict.fromkeys(found, wanted))


def _objects(cluster: ClusterObjects) -> Iterator[tuple[str, str]]:
    if cluster.networking is not None:
        yield "kubeadm-config dnsDomain", str(cluster.networking.get("dnsDomain") or "").rstrip(".") or "no domain"
    if not cluster.absent(cluster_corefile.NAME):
        served = [(block, plugin) for block in cluster_corefile.parsed(cluster) if (plugin := block.plugin("kubernetes"))]
        zones = (zone.rstrip(".") for block, plugin in served for zone in plugin.args or block.zones)
        yield "Corefile", " ".join(dict.fromkeys(zone for zone in zones if zone not in REVERSE)) or "no zone"


def _searched(pod: PodResolver) -> str:
    """The last of the three entries that kubelet generates: "<namespace>.svc.<domain> svc.<domain> <domain>"."""
    generated = pod.conf.search[:3]
    if len(generated) == 3 and generated[0].endswith(f".{generated[1]}") and generated[1] == f"svc.{generated[2]}":
        return generated[2].rstrip(".")
    return f"no generated entries, but {' '.join(pod.conf.search) or 'no search list'}"


def _answered(pod: PodResolver, probe: Probe) -> str:
    """The domain in the names that a Service's records hold."""
    found = sorted(set(_told(pod.answers.name(probe), pod.answers.samples(probe))))
    if not found:
        raise Inconclusive(f"{pod.plan.source}: question {pod.answers.name(probe)} was not answered")
    return ", ".join(found)


def _told(name: str, samples: Iterable[Sample]) -> Iterator[str]:
    for sample in samples:
        if not sample.detail.get("wire"):
            raise Inconclusive(f"question {name} was not answered: {sample.outcome}")
        try:
            reply = dns_message.reply(str(sample.detail["wire"]))
        except ParseError as error:
            raise Inconclusive(f"the answer to question {name} cannot be understood: {error}") from error
        if not reply.records:
            yield reply.rcode if reply.rcode != "NOERROR" else "no record"
        yield from (record.rpartition(" ")[2].partition(SERVICES)[2].rstrip(".") or f"no Service, {record}" for record in reply.records)
