"""One pod's resolver: the file kubelet wrote for it, and what it finds when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.observation import Outcome
from pytest_k8snet.model.probe import Probe
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.parse import resolv
from pytest_k8snet.plan.resolver import ResolverPlan, role
from pytest_k8snet.plan.resolver_file import NO_FILE, KubeletDns, expected_file, host_file

from . import resolver_config, resolver_hosts, resolver_latency, resolver_records
from .comparison import Compared, Comparison
from .node_facts import NodeFacts
from .observations import Observations
from .resolver_answers import Answers, answered, described, names_asked, servers_asked, silent
from .resolver_domain import domains
from .service_records import ServiceRecords

SOME_ADDRESS = "an address"
SOME_ANSWER = "an answer of its servers"
NO_ADDRESS = "no address"
CUT = "truncated"
REFUSAL = "dry-run/dns-none-without-nameserver"
REFUSED = "refused for its dnsConfig (422)"


class PodResolver:
    """Facts about one pod's resolver."""

    def __init__(self, recording: Recording, inventory: Inventory, plan: ResolverPlan, observations: Observations | None = None) -> None:
        self.plan, self.recording, self.inventory = plan, recording, inventory
        self.node = NodeFacts(recording, inventory, plan.node)
        self.answers = Answers(recording, observations)
        self.records = ServiceRecords(recording, inventory.dns_domain)
        self.objects: list[Mapping[str, Any]] = []

    @property
    def used(self) -> list[Mapping[str, Any]]:
        """Raw entries that were looked at."""
        return [*self.node.used, *self.answers.used, *self.records.used, *self.objects]

    @cached_property
    def conf(self) -> resolv.ResolvConf:
        """The pod's own file."""
        return self.node.parsed(f"resolv.conf/{role(self.plan.source)}", resolv.parse)

    @cached_property
    def kubelet(self) -> KubeletDns:
        """DNS settings of the kubelet that wrote it."""
        try:
            version = self.inventory.node(self.plan.node).kubelet_version
            return KubeletDns.of(self.node.recording.object(f"configz/{self.plan.node}") or {}, version)
        except (KeyError, TypeError) as error:
            raise Inconclusive(f"{self.plan.node}: kubelet's configuration (configz) was not read") from error

    @cached_property
    def expected_conf(self) -> resolv.ResolvConf:
        """What kubelet should have written."""
        return expected_file(self.plan.policy, self.fleet["namespace"], self.kubelet, self.host_conf)

    @cached_property
    def host_conf(self) -> resolv.ResolvConf:
        """The node's own file, as kubelet reads it."""
        return self.node.parsed("resolv.conf", host_file) if self.kubelet.path else NO_FILE

    @cached_property
    def fleet(self) -> Mapping[str, Any]:
        """Where the pod ended up, and what of its spec is recorded."""
        for entry in self.recording.entries("fleet", endpoint=str(self.plan.source)):
            return entry
        raise Inconclusive(f"{self.plan.source}: the probe pod was not created")


def file(pod: PodResolver) -> Comparison:
    """nameserver, search and options; the order counts inside a keyword, not between keywords, and not among options."""
    path = pod.kubelet.path or "no file"
    origin = f"kubelet: clusterDNS {' '.join(pod.kubelet.servers)}, clusterDomain {pod.kubelet.domain}, resolvConf {path}"
    policy = pod.plan.policy
    return Comparison(f"/etc/resolv.conf, content of dnsPolicy {policy} ({origin})", _lines(pod.conf), _lines(pod.expected_conf))


def answers(pod: PodResolver) -> Comparison:
    """Every question over every transport."""
    found: dict[str, Any] = {}
    expected: dict[str, Any] = {}
    notes: dict[str, str] = {}
    for probe, word in pod.plan.probes.items():
        if pod.answers.undeclared(probe):
            continue
        pair = _judged(pod, probe, word)
        if pair is None:
            continue
        found[probe.detail], expected[probe.detail] = pair
        notes[probe.detail] = _asked(pod, probe)
        if "absolute" in probe.detail:
            _add_cost(pod, probe, found, expected)
    if not found:
        raise Inconclusive(f"{pod.plan.source}: no question was asked")
    return Comparison("answers through its own resolver", found, expected, notes)


def refusal(pod: PodResolver) -> Comparison:
    """The API's answer to a pod with dnsPolicy None and no nameserver (server-side dry run)."""
    entries = list(pod.recording.entries("objects", name=REFUSAL))
    if not entries or entries[-1]["status"] not in (200, 201, 422):
        answer = f"the API answered {entries[-1]['status']}" if entries else "it was not tried"
        raise Inconclusive(f"whether the API refuses a pod with dnsPolicy None and no nameserver is not known: {answer}")
    status, body = entries[-1]["status"], entries[-1]["body"]
    pod.objects.append({"object": REFUSAL, "status": status})
    message = str((body or {}).get("message", "")) if isinstance(body, Mapping) else str(body)
    found = REFUSED if status == 422 and "dnsConfig" in message else f"answered {status} {message}".strip()
    key = "pod with dnsPolicy None and no nameserver"
    return Comparison("the API", {key: found}, {key: REFUSED})


class ResolverEvidence(Compared):
    """One pod's resolver, by node and requirement."""

    comparisons = {  # noqa: RUF012
        "file": file,
        "answers": answers,
        "refusal": refusal,
        "domains": domains,
        "merged": resolver_config.merged,
        "servers": resolver_config.servers,
        "searches": resolver_config.searches,
        "hosts": resolver_hosts.hosts,
        "latency": resolver_latency.latency,
        "errors": resolver_latency.errors,
    }

    def __init__(self, recording: Recording, inventory: Inventory, plan: ResolverPlan, observations: Observations | None = None) -> None:
        """`observations`: the index over the recording's frames, where the caller has one already."""
        super().__init__(PodResolver(recording, inventory, plan, observations), str(plan.source))


def _lines(conf: resolv.ResolvConf) -> dict[str, tuple[str, ...]]:
    return {"nameserver": tuple(conf.nameservers), "search": tuple(conf.search), "options": tuple(sorted(conf.options))}


def _judged(pod: PodResolver, probe: Probe, word: str) -> tuple[Any, Any] | None:
    """What was found and what is expected, in the same words where they agree; None where there is nothing to compare."""
    samples = pod.answers.samples(probe)
    if word in resolver_records.WORDS:
        return resolver_records.judged(pod.records, probe.detail, word, pod.answers.request(probe), samples)
    found = described(samples)
    if word == "unknown" and pod.plan.policy == "None":
        return (NO_ADDRESS if answered(samples) and not isinstance(found, frozenset) else found), NO_ADDRESS
    if word == "unknown":
        if silent(samples):
            _assert_assessable(pod, probe)
        return (SOME_ANSWER if answered(samples) else found), SOME_ANSWER
    if word == CUT:
        return (CUT if all(sample.outcome is Outcome.TRUNCATED or sample.reply.get("tc") for sample in samples) else found), CUT
    wanted = pod.answers.addresses(word)
    if wanted is None:
        return (SOME_ADDRESS if isinstance(found, frozenset) and found else found), SOME_ADDRESS
    return found, wanted


def _assert_assessable(pod: PodResolver, probe: Probe) -> None:
    """Servers that answer neither the pod nor its node say nothing about the pod, unless the operator declared that they answer."""
    if _declared(pod) or all(server.startswith("127.") or server == "::1" for server in pod.conf.nameservers):
        return
    twins = [p for p in _asked_by_node(pod, probe) if p != probe]
    if any(answered(pod.answers.samples(twin)) for twin in twins):
        return
    servers = f"the node's own servers ({' '.join(pod.conf.nameservers)})"
    raise Inconclusive(f"{pod.plan.source}: {servers} answer neither the pod nor the node; declare a dns:// target to judge them")


def _asked_by_node(pod: PodResolver, probe: Probe) -> list[Probe]:
    twin = replace(probe, source=Endpoint(EndpointKind.HOST, node=pod.plan.node))
    return [twin] if pod.answers.known(twin) else []


def _declared(pod: PodResolver) -> bool:
    external = [probe for probe in pod.plan.probes if "external" in probe.detail]
    return bool(external) and not any(pod.answers.undeclared(probe) for probe in external)


def _asked(pod: PodResolver, probe: Probe) -> str:
    """The question as it was sent, and the servers that were asked."""
    servers, kind = servers_asked(pod.answers.samples(probe)), pod.answers.request(probe).get("type", "A")
    asked = f"question {pod.answers.name(probe)}" + ("" if kind == "A" else f" {kind}")
    return asked + (f" to {', '.join(servers)}" if servers else "")


def _add_cost(pod: PodResolver, probe: Probe, found: dict[str, Any], expected: dict[str, Any]) -> None:
    """A name with a trailing dot is asked as it is: one name, not one per search entry."""
    key = f"{probe.detail}, names asked"
    found[key] = names_asked(pod.answers.samples(probe))
    expected[key] = frozenset({pod.answers.name(probe).rstrip(".").lower()})
