"""What a pod's resolv.conf holds under each dnsPolicy.

It follows from kubelet's effective configuration, the node's own file and the pod's dnsConfig, never from constants
(kubelet pkg/kubelet/network/dns; Kubernetes documentation, "DNS for Services and Pods").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pytest_k8snet.parse.resolv import ResolvConf, parse

MAX_NAMESERVERS = 3
MAX_NAME = 253  # characters of one search entry: longer ones are dropped
NONE_FILE = ResolvConf(("127.0.0.1",), ("k8snet.test",), ("ndots:2",))  # dnsConfig of the probe pod with policy None
NO_FILE = ResolvConf(("127.0.0.1",), (".",), ())  # what kubelet gives Default pods when resolvConf is ""


@dataclass(frozen=True, slots=True)
class SearchLimit:
    """How many search entries fit, and how many characters of them with the blanks between."""

    entries: int = 32
    characters: int = 2048

    @classmethod
    def of(cls, version: str, gate: Any = None) -> SearchLimit:
        """By version (KEP-2595: 32 and 2048 from 1.26, before that 6 and 256 unless the gate ExpandedDNSConfig is on)."""
        numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
        return cls(6, 256) if not gate and numbers and numbers < (1, 26) else cls()


@dataclass(frozen=True, slots=True)
class KubeletDns:
    """The DNS part of a kubelet's effective configuration. `path` "" means that kubelet hands no file of the node to pods."""

    servers: tuple[str, ...]
    domain: str
    path: str
    limit: SearchLimit = SearchLimit()

    @classmethod
    def of(cls, configz: Mapping[str, Any], version: str = "") -> KubeletDns:
        """From the body of /configz and kubelet's version. Raises KeyError when it is no kubelet configuration."""
        config = configz["kubeletconfig"]
        path = config.get("resolvConf", "/etc/resolv.conf")
        domain = str(config.get("clusterDomain") or "").rstrip(".")
        gate = (config.get("featureGates") or {}).get("ExpandedDNSConfig")
        return cls(tuple(config.get("clusterDNS") or ()), domain, path or "", SearchLimit.of(version, gate))


def host_file(text: str) -> ResolvConf:
    """The node's file as kubelet reads it: unlike a resolver it does not know the keyword `domain`. Raises ParseError."""
    return parse("\n".join("" if line.split()[:1] == ["domain"] else line for line in text.split("\n")))


def expected_file(policy: str, namespace: str, kubelet: KubeletDns, node_file: ResolvConf) -> ResolvConf:
    """The content by policy, where `policy` is the one in effect: a pod on the host network with ClusterFirst has Default.

    Raises KeyError for a policy that decides nothing.
    """
    return NONE_FILE if policy == "None" else limited(complete(policy, namespace, kubelet, node_file), kubelet.limit)


def complete(policy: str, namespace: str, kubelet: KubeletDns, node_file: ResolvConf) -> ResolvConf:
    """The content by policy before limits. Raises KeyError for a policy that decides nothing."""
    host = _without_dots(node_file) if kubelet.path else NO_FILE
    match policy:
        case "ClusterFirst" if kubelet.servers:
            return ResolvConf(kubelet.servers, _searches(namespace, kubelet.domain, host.search), ("ndots:5",))
        case "ClusterFirst" | "Default":
            return host
    raise KeyError(policy)


def with_config(conf: ResolvConf, config: Mapping[str, Any]) -> ResolvConf:
    """A pod's dnsConfig on top: lists are appended without repeats, an option of the pod replaces one of the same name."""
    given = {option["name"]: option for option in config.get("options") or ()}
    mine = tuple(f"{name}:{option['value']}" if option.get("value") else name for name, option in given.items())
    kept = tuple(option for option in conf.options if option.partition(":")[0] not in given)
    return ResolvConf(
        _unique((*conf.nameservers, *(config.get("nameservers") or ()))), _unique((*conf.search, *(config.get("searches") or ()))),
        (*kept, *mine),
    )  # fmt: skip


def limited(conf: ResolvConf, limit: SearchLimit) -> ResolvConf:
    """The first entries of each list, as many as fit."""
    kept = [entry for entry in conf.search[: limit.entries] if len(entry) <= MAX_NAME]
    while len(" ".join(kept)) > limit.characters:
        kept.pop()
    return ResolvConf(conf.nameservers[:MAX_NAMESERVERS], tuple(kept), conf.options)


def _without_dots(conf: ResolvConf) -> ResolvConf:
    return replace(conf, search=tuple(entry.rstrip(".") or "." for entry in conf.search))


def _searches(namespace: str, domain: str, own: Iterable[str]) -> tuple[str, ...]:
    generated = (f"{namespace}.svc.{domain}", f"svc.{domain}", domain) if domain else ()
    return _unique((*generated, *own))


def _unique(entries: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entries))
