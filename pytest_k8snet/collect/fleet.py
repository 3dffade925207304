"""The fleet of probe pods of one run: created with an owner and an expiry, watched until ready, and deleted again."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any, Protocol

from pytest_k8snet.cluster.channel import Channel
from pytest_k8snet.cluster.connection import Answer, Connection
from pytest_k8snet.cluster.exec import open_exec
from pytest_k8snet.cluster.preflight import OWNER, OWNER_LABEL
from pytest_k8snet.errors import NoVerdict
from pytest_k8snet.model.endpoint import Endpoint
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.settings import Settings, Tier
from pytest_k8snet.plan.available import nodes_of
from pytest_k8snet.plan.resolver_file import SearchLimit

from . import fleet_status, manifests, manifests_patch, manifests_services
from .fleet_close import Cleanup
from .fleet_watch import Patience, PodWatch
from .manifests_agent import bundle
from .scenarios.objects import Ground
from .stream import Stream

PARALLEL = 8
ACCOUNT_PATIENCE = 15.0  # s until a new namespace has its service account
CORE, SLICES = "/api/v1", "/apis/discovery.k8s.io/v1"
Progress = Callable[[int, int], None]


class Needs(Protocol):
    """What of plan.selection.Needs decides which pods and Services there are."""

    @property
    def roles(self) -> Collection[str]: ...

    @property
    def services(self) -> Collection[str]: ...


@dataclass(slots=True)
class ProbePod:
    """One probe pod: planned, then created, then ready or with a problem."""

    role: manifests.Role
    node: str
    namespace: str
    name: str
    pod: Mapping[str, Any] | None = None
    problem: str = ""
    settled: bool = False  # ready, or given up

    @property
    def key(self) -> str:
        """namespace/name."""
        return f"{self.namespace}/{self.name}"


class Fleet:
    """Creation comes in steps, because host pods must read their node before any pod-network pod changes it.

    A pod that is refused or does not start is data (stream "fleet"), not an exception: it costs the checks that need it.
    """

    def __init__(self, connection: Connection, settings: Settings, inventory: Inventory, needs: Needs, recording: Recording) -> None:
        self._connection, self._settings, self._inventory = connection, settings, inventory
        self._recording, self._services = recording, frozenset(needs.services)
        self._owner = manifests.Owner.of(settings)
        self._patch = manifests_patch.load(settings.pod_patch)
        wanted = [role for name, role in manifests.ROLES.items() if name in needs.roles]
        self._probes = [self._planned(role, node) for role in wanted for node in nodes_of(role.name, inventory)]
        self._refused: dict[Tier, str] = {}  # tiers that cannot be had, with the rule that forbids them
        self._cleanup = Cleanup(connection, settings.run_id, shared=bool(settings.namespace))
        self._spaces: set[Tier] = set()
        self._lock = Lock()

    @property
    def planned(self) -> int:
        """How many probe pods the run wants."""
        return len(self._probes)

    def create_host(self) -> None:
        """Namespaces, and the host pods. Raises NoVerdict when no namespace can be had."""
        tiers = {probe.role.tier for probe in self._probes} | ({Tier.RESTRICTED} if self._services else set())
        for tier in (tier for tier in Tier if tier in tiers):
            self._open_namespace(tier)
        if tiers and not self._spaces:
            raise NoVerdict(f"context {self._connection.context}: {'; '.join(self._refused.values())}")
        self._create(probe for probe in self._probes if probe.role.name == "host")

    def create_pods(self) -> None:
        """All other pods, and the dry run of a pod that the API must refuse."""
        self._create(probe for probe in self._probes if probe.role.name != "host")
        if Tier.RESTRICTED in self._spaces:
            manifest = manifests.nameless_dns_pod(self._owner, self._settings)
            answer = self._connection.post(self._path("pods"), manifest, [("dryRun", "All")])
            self._object("dry-run/dns-none-without-nameserver", answer)

    def create_services(self) -> None:
        """The Services that are needed, except the marker, which is created when the pods behind it are ready."""
        self._note_kubernetes()
        if Tier.RESTRICTED not in self._spaces:
            return
        for name in manifests_services.ORDER:
            if name in self._services:
                self._create_service(name)
        if "big" in self._services:
            path = f"{SLICES}/namespaces/{self._space(Tier.RESTRICTED)}/endpointslices"
            self._post_event(path, manifests_services.big_slice(self._owner))

    def wait(self, deadline: float, progress: Progress) -> None:
        """Wait until every created pod is ready or has a problem, at most `deadline` seconds; then record where each one is."""
        waiting = {probe.key: probe for probe in self._probes if probe.pod is not None and not probe.settled}
        ends = time.monotonic() + deadline
        patience = Patience(self._unready_nodes())
        with PodWatch(self._connection, {probe.namespace for probe in waiting.values()}, f"k8snet/run={self._settings.run_id}") as watch:
            while (open_ := [p for p in waiting.values() if not p.settled]) and time.monotonic() < ends:
                self._note(waiting, watch.take(0.5))
                for probe in open_:
                    self._judge(probe, patience)
                progress(self._ready, self.planned)
        self._give_up([probe for probe in waiting.values() if not probe.settled], deadline)
        self._record(waiting.values())
        if "marker" in self._services and any(p.role.name == "a" and self._is_ready(p) for p in self._probes):
            self._services -= {"marker"}
            self._create_service(manifests_services.MARKER)

    def read_events(self) -> None:
        """What kubelets say about the resolver files they wrote."""
        if any(probe.role.name == "custom" for probe in self._probes) and Tier.RESTRICTED in self._spaces:
            answer = self._connection.get(self._path("events"), [("fieldSelector", "reason=DNSConfigForming")])
            self._object("events/dns-config-forming", answer)

    def streams(self) -> dict[Endpoint, Stream]:
        """A control stream to the agent of every ready pod, not open yet."""
        return {probe.role.endpoint(probe.node): self._stream(probe) for probe in self._probes if self._is_ready(probe)}

    def ground(self) -> Ground:
        """Where scenarios may make objects of their own."""
        return Ground(self._connection, self._settings, self._owner, {tier: self._space(tier) for tier in self._spaces}, self._patch)

    def close(self) -> tuple[str, ...]:
        """Delete everything of this run, confirm that it is gone, and name what is not. Safe to call at any moment, again too."""
        return self._cleanup.run()

    def leftovers(self) -> tuple[str, ...]:
        """What of this run is still there now."""
        return self._cleanup.leftovers()

    @property
    def _ready(self) -> int:
        return sum(self._is_ready(probe) for probe in self._probes)

    def _planned(self, role: manifests.Role, node: str) -> ProbePod:
        position = self._inventory.names.index(node)
        return ProbePod(role, node, self._space(role.tier), manifests.pod_name(role, node, position))

    def _space(self, tier: Tier) -> str:
        return f"{self._settings.prefix}-{tier}"

    def _path(self, resource: str, tier: Tier = Tier.RESTRICTED) -> str:
        return f"{CORE}/namespaces/{self._space(tier)}/{resource}"

    def _open_namespace(self, tier: Tier) -> None:
        """The namespace and the agent's ConfigMap in it; a refusal closes the tier, the others go on."""
        name = self._space(tier)
        if tier is not Tier.RESTRICTED and self._settings.tier is not Tier.PRIVILEGED:
            return self._refuse(tier, f"tier {tier} is declared off by --k8snet-tier {self._settings.tier}")
        if problem := self._enter(name, tier):
            return self._refuse(tier, problem)
        stored = self._connection.post(self._path("configmaps", tier), manifests.agent_map(self._owner, bundle()))
        if not stored.ok:
            return self._refuse(tier, f"the agent cannot be stored in namespace {name}: {stored.message}")
        self._spaces.add(tier)
        self._event({"what": "namespace", "tier": str(tier), "name": name})

    def _enter(self, name: str, tier: Tier) -> str:
        """Create the namespace, or use one of ours that was there; returns what is in the way, "" for nothing."""
        self._cleanup.expect(name)
        answer = self._connection.post(f"{CORE}/namespaces", manifests.namespace(self._owner, name, tier))
        if answer.ok:
            self._cleanup.own(name, answer.body["metadata"]["uid"])
            return ""
        problem = f"namespace {name} cannot be created: {answer.message}"
        if answer.status >= 500:  # it may have been created all the same: then it carries this run's label
            return problem
        self._cleanup.forget(name)
        return self._share(name, problem)

    def _share(self, name: str, problem: str) -> str:
        """A namespace with our label that was there (preflight looked too, but some time ago) is used and never deleted."""
        answer = self._connection.get(f"{CORE}/namespaces/{name}")
        if not answer.ok:
            return problem
        if (answer.body["metadata"].get("labels") or {}).get(OWNER_LABEL) != OWNER:
            return f"namespace {name} exists and is not ours"
        if answer.body["metadata"].get("deletionTimestamp"):
            return f"namespace {name} is still being deleted"
        self._cleanup.keep(name)
        return ""

    def _refuse(self, tier: Tier, rule: str) -> None:
        self._refused[tier] = rule
        self._event({"what": "tier-refused", "tier": str(tier), "rule": rule})
        for probe in self._probes:
            if probe.role.tier is tier and not probe.settled:
                probe.problem, probe.settled = rule, True
                self._record([probe])

    def _create(self, probes: Iterable[ProbePod]) -> None:
        """The first pod of a tier alone, until the namespace is ready for pods and the tier is known to be allowed."""
        unsettled = [probe for probe in probes if not probe.settled]
        for tier in sorted(self._spaces):
            mine = [probe for probe in unsettled if probe.role.tier is tier]
            if mine and self._create_first(mine[0]):
                with ThreadPoolExecutor(PARALLEL) as pool:
                    list(pool.map(self._create_one, mine[1:]))

    def _create_first(self, probe: ProbePod) -> bool:
        ends = time.monotonic() + ACCOUNT_PATIENCE
        while True:
            answer = self._post_pod(probe)
            if answer.ok or "serviceaccount" not in answer.message or time.monotonic() > ends:
                break
            time.sleep(0.5)
        if answer.status == 403 and not answer.ok:
            self._refuse(probe.role.tier, f"namespace {probe.namespace} admits no probe pod: {answer.message}")
            return False
        self._created(probe, answer)
        return True

    def _create_one(self, probe: ProbePod) -> None:
        self._created(probe, self._post_pod(probe))

    def _post_pod(self, probe: ProbePod) -> Answer:
        place, searches = self._inventory.names.index(probe.node), SearchLimit.of(self._inventory.version).entries
        manifest = manifests.pod(self._owner, self._settings, probe.role, probe.node, probe.name, place, searches)
        return self._connection.post(self._path("pods", probe.role.tier), manifests_patch.apply(manifest, self._patch))

    def _created(self, probe: ProbePod, answer: Answer) -> None:
        if answer.ok:
            probe.pod = answer.body
        else:
            probe.problem, probe.settled = f"refused: {answer.message}", True
            self._record([probe])

    def _create_service(self, name: str) -> None:
        body = manifests_services.service(self._owner, name, len(self._inventory.families) > 1)
        answer = self._post_event(self._path("services"), body)
        if answer.ok:
            self._event(manifests_services.event(answer.body))

    def _post_event(self, path: str, body: Mapping[str, Any]) -> Answer:
        answer = self._connection.post(path, body)
        if not answer.ok:
            self._event({"what": "refused", "object": f"{body['kind']} {body['metadata']['name']}", "reason": answer.message})
        return answer

    def _note_kubernetes(self) -> None:
        """Service default/kubernetes as an event like our own: it is probed too."""
        for item in (self._recording.object("services") or {"items": []})["items"]:
            if (item["metadata"].get("namespace"), item["metadata"]["name"]) == ("default", "kubernetes"):
                self._event(manifests_services.event(item))

    def _note(self, waiting: Mapping[str, ProbePod], change: tuple[str, Mapping[str, Any]] | None) -> None:
        if change is not None and change[0] in waiting:
            waiting[change[0]].pod = change[1]

    def _judge(self, probe: ProbePod, patience: Patience) -> None:
        if probe.pod is not None and fleet_status.ready(probe.pod):
            probe.problem, probe.settled = fleet_status.misplaced(probe.pod, probe.node), True
        elif problem := patience.problem(probe.key, probe.pod, probe.node):
            probe.problem, probe.settled = problem, True

    def _give_up(self, probes: list[ProbePod], seconds: float) -> None:
        """Time is over: say why, in the words of the pod's last warning event where there is one."""
        warnings = self._warnings({probe.namespace for probe in probes})
        for probe in probes:
            why = warnings.get(probe.key) or (fleet_status.describe(probe.pod) if probe.pod else "")
            probe.problem, probe.settled = f"not ready within {seconds:.0f} s: {why}", True

    def _warnings(self, namespaces: Iterable[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for namespace in namespaces:
            answer = self._connection.get(f"{CORE}/namespaces/{namespace}/events", [("fieldSelector", "type=Warning")])
            for item in answer.body["items"] if answer.ok else ():
                found[f"{namespace}/{item['involvedObject']['name']}"] = f"{item.get('reason')}: {item.get('message')}"
        return found

    def _unready_nodes(self) -> dict[str, str]:
        """Nodes that are not ready, with the kubelet's or controller's reason."""
        listed = (self._recording.object("nodes") or {"items": []})["items"]
        conditions = {n["metadata"]["name"]: c for n in listed for c in n["status"].get("conditions") or () if c["type"] == "Ready"}
        return {name: f"{c.get('reason')}: {c.get('message')}" for name, c in conditions.items() if c["status"] != "True"}

    def _stream(self, probe: ProbePod) -> Stream:
        return Stream(probe.role.endpoint(probe.node), self._settings.run_id, partial(self._channel, probe), self._event)

    def _channel(self, probe: ProbePod) -> Channel:
        relay = ["python3", manifests.BUNDLE, "relay", "--socket", manifests.SOCKET]
        return open_exec(self._connection, probe.namespace, probe.name, "agent", relay)

    def _is_ready(self, probe: ProbePod) -> bool:
        return probe.settled and not probe.problem

    def _record(self, probes: Iterable[ProbePod]) -> None:
        for probe in probes:
            entry = {"endpoint": str(probe.role.endpoint(probe.node)), "namespace": probe.namespace, "pod": probe.name}
            where = {"ip": "", "ips": []} if probe.pod is None else fleet_status.where(probe.pod)
            how = {"port": probe.role.port(self._settings.run_id), "tier": str(probe.role.tier), "problem": probe.problem}
            with self._lock:
                self._recording.append("fleet", {**entry, **where, **how, "spec": fleet_status.naming(probe.pod)})

    def _object(self, name: str, answer: Answer) -> None:
        with self._lock:
            self._recording.append("objects", {"name": name, "status": answer.status, "body": answer.body})

    def _event(self, event: Mapping[str, Any]) -> None:
        with self._lock:
            self._recording.append("events", dict(event))
