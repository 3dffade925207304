"""One pod's dnsConfig on top of its policy: what was merged, and what of it fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.parse.resolv import ResolvConf
from pytest_k8snet.plan.resolver_file import MAX_NAMESERVERS, complete, limited, with_config

from .comparison import Comparison

if TYPE_CHECKING:
    from .resolver import PodResolver

EVENTS = "events/dns-config-forming"
EVENT = "a DNSConfigForming event about {}"
SILENCE = "no such event"


def merged(pod: PodResolver) -> Comparison:
    """Lists in their order and without repeats, as far as they fit; options by name. How many fit is judged elsewhere."""
    wanted, conf, limit = _wanted(pod), pod.conf, pod.kubelet.limit.entries
    fits = limited(wanted, pod.kubelet.limit)
    found = {"nameserver": conf.nameservers[:MAX_NAMESERVERS], "search": conf.search[:limit], "options": tuple(sorted(conf.options))}
    expected = {"nameserver": fits.nameservers, "search": fits.search, "options": tuple(sorted(fits.options))}
    return Comparison(_caption(pod), found, expected)


def servers(pod: PodResolver) -> Comparison:
    """The first three nameservers, and the event where there are more."""
    wanted = _wanted(pod)
    cut = len(wanted.nameservers) > MAX_NAMESERVERS
    kept = limited(wanted, pod.kubelet.limit).nameservers
    found = {"nameserver": pod.conf.nameservers, "event": _event(pod, "nameserver")}
    expected = {"nameserver": kept, "event": EVENT.format("nameserver") if cut else SILENCE}
    return Comparison(_caption(pod), found, expected, {"nameserver": f"wanted are {' '.join(wanted.nameservers)}"})


def searches(pod: PodResolver) -> Comparison:
    """The first search entries, as many as kubelet's version allows."""
    limit, wanted, node = pod.kubelet.limit, _wanted(pod), pod.inventory.node(pod.plan.node)
    kept = limited(wanted, limit).search
    most = f"{limit.entries} entries and {limit.characters} characters fit with kubelet {node.kubelet_version} and {node.runtime}"
    why = f"{most}; wanted are {len(wanted.search)}; {_event(pod, 'search')}"
    found = {"search": pod.conf.search, "entries": len(pod.conf.search)}
    return Comparison(_caption(pod), found, {"search": kept, "entries": len(kept)}, dict.fromkeys(found, why))


def _wanted(pod: PodResolver) -> ResolvConf:
    """The whole content, before anything is cut."""
    config = (pod.fleet.get("spec") or {}).get("dnsConfig")
    if not config:
        raise Inconclusive(f"{pod.plan.source}: the dnsConfig of the probe pod is not known")
    return with_config(complete(pod.plan.policy, pod.fleet["namespace"], pod.kubelet, pod.host_conf), config)


def _event(pod: PodResolver, about: str) -> str:
    """Whether kubelet told about what it left out."""
    body = pod.recording.object(EVENTS)
    if body is None:
        raise Inconclusive(f"{pod.plan.source}: events of the probe pod were not read")
    mine = [item for item in body.get("items") or () if item["involvedObject"].get("name") == pod.fleet["pod"]]
    told = [str(item.get("message", "")) for item in mine]
    pod.objects.append({"object": EVENTS, "messages": told})
    return EVENT.format(about) if any(_subject(message) == about for message in told) else SILENCE


def _subject(message: str) -> str:
    """What an event is about: the word of the two that stands first in it."""
    places = {word: message.lower().find(word) for word in ("nameserver", "search")}
    found: dict[str, Any] = {word: place for word, place in places.items() if place >= 0}
    return min(found, key=lambda word: found[word], default="")


def _caption(pod: PodResolver) -> str:
    return f"/etc/resolv.conf, content of dnsPolicy {pod.plan.policy} with a dnsConfig"
