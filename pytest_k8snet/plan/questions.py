"""The questions of the catalogue about names: what each asks for, of which type, and which Service of the run it is about.

Names are templates: {space} is the namespace of the run's Services, {domain} the cluster's, {external} the declared name, {hostname}
the asking pod's own, {ip} the reverse form of the Service's ClusterIP. A trailing dot means: absolute, no search list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Question:
    """`service` is the Service whose records are asked for, of the run unless it is `kubernetes`; `port` its "name/PROTOCOL"."""

    name: str
    kind: str = "A"
    service: str = ""
    port: str = ""


def _of(service: str, kind: str, prefix: str = "", port: str = "") -> Question:
    return Question(f"{prefix}{service}.{{space}}.svc.{{domain}}.", kind, service, port)


_KUBERNETES = "kubernetes.default.svc.{domain}."
QUESTIONS: Mapping[str, Question] = MappingProxyType(
    {
        "cluster": Question(_KUBERNETES),
        "kubernetes": Question("kubernetes.default"),
        "kubernetes-svc": Question("kubernetes.default.svc"),
        "kubernetes-a": Question(_KUBERNETES, "A", "kubernetes"),
        "kubernetes-aaaa": Question(_KUBERNETES, "AAAA", "kubernetes"),
        "kubernetes-ptr": Question("{ip}", "PTR", "kubernetes"),
        "short": Question("web", service="web"),
        "space": Question("web.{space}", service="web"),
        "space-svc": Question("web.{space}.svc", service="web"),
        "web-a": _of("web", "A"),
        "web-aaaa": _of("web", "AAAA"),
        "web-ptr": Question("{ip}", "PTR", "web"),
        "web-srv-tcp": _of("web", "SRV", "_tcp._tcp.", "tcp/TCP"),
        "web-srv-udp": _of("web", "SRV", "_udp._udp.", "udp/UDP"),
        "web-srv-other": _of("web", "SRV", "_tcp._udp.", "tcp/UDP"),
        "peers-srv": _of("peers", "SRV", "_tcp._tcp.", "tcp/TCP"),
        "peers-a": _of("peers", "A"),
        "peers-aaaa": _of("peers", "AAAA"),
        "own-a": _of("peers", "A", "{hostname}."),
        "own-aaaa": _of("peers", "AAAA", "{hostname}."),
        "published-a": _of("published", "A"),
        "unready-a": _of("unready", "A"),
        "alias-cname": _of("alias", "CNAME"),
        "published-srv": _of("published", "SRV", "_tcp._tcp.", "tcp/TCP"),
        "missing": Question("nope.{space}.svc.{domain}."),
        "private": Question("who"),  # only the server inside the `none` pods knows it, as who.k8snet.test
        "big": _of("big", "A"),
        "external": Question("{external}"),
        "external-absolute": Question("{external}."),
    }
)


def of(detail: str) -> str:
    """The question in a probe's detail, "<udp|tcp>[-edns]-<question>"."""
    return detail.partition("-")[2].removeprefix("edns-")


def service(detail: str) -> str:
    """The Service of the run that a probe's question needs, "" for none."""
    question = QUESTIONS.get(of(detail))
    return "" if question is None or question.service == "kubernetes" else question.service
