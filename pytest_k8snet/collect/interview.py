"""Talking to the agents: every question goes to all streams at once, every answer goes into the recording as it came."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.probe import Action
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.settings import Settings
from pytest_k8snet.plan.matrix import CellPlan
from pytest_k8snet.plan.readers import pod_readers, readers_for
from pytest_k8snet.plan.selection import Needs

from . import names
from .addresses import AddressBook, NoAddress
from .questions import Names
from .requests import RequestBuilder, Sampling
from .runner import RUNNER, own_address
from .schedule import by_source
from .stream import LocalStream, StreamLost

PARALLEL = 16  # probes under way at one source
RULES_TIMEOUT = 30.0  # s until the node's proxy has programmed the marker Service
FACTS_TIMEOUT = 15.0


class Stream(Protocol):
    """What an interview needs of a control stream (collect/stream.py)."""

    endpoint: Endpoint

    def request(self, do: str, **body: Any) -> Iterable[Mapping[str, Any]]: ...

    def close(self) -> None: ...


class Interview:
    """All control streams of a run."""

    def __init__(self, settings: Settings, inventory: Inventory, needs: Needs, recording: Recording) -> None:
        self._settings, self._inventory, self._needs, self._recording = settings, inventory, needs, recording
        self._streams: dict[Endpoint, Stream] = {}
        self._lock = threading.Lock()
        self.facts_read = ""

    @property
    def connected(self) -> int:
        """Streams to probe pods that are open."""
        return sum(endpoint != RUNNER for endpoint in self._streams)

    def join(self, streams: Mapping[Endpoint, Stream]) -> None:
        """Take over streams that are not there yet."""
        self._streams |= {endpoint: stream for endpoint, stream in streams.items() if endpoint not in self._streams}

    @property
    def streams(self) -> Mapping[Endpoint, Stream]:
        """Every stream by the endpoint of its agent."""
        return dict(self._streams)

    def start_runner(self) -> None:
        """Start the agent of this process if outside cells are wanted and the nodes are routable from here."""
        if "runner" not in self._needs.roles:
            return
        address = own_address(self._settings, self._inventory)
        event: dict[str, Any] = {"what": "runner", "address": address, "port": 0}
        try:
            stream = LocalStream(RUNNER, self._settings.run_id, address or "127.0.0.1")
        except StreamLost as problem:
            event |= {"address": "", "problem": str(problem)}
        else:
            self._streams[RUNNER] = stream
            event["port"] = stream.hello["echo_port"]
        self._record("events", event)

    def read_facts(self, phase: str) -> None:
        """Every node's facts through its host pod; `phase` is "before" or "after" the probes."""
        hosts = self._of_kind(EndpointKind.HOST)
        for stage in readers_for(self._needs.readers, phase):
            self._everywhere(hosts, lambda stream, stage=stage: self._facts(stream, phase, stage))  # type: ignore[misc]
        self.facts_read = f"{len(hosts)} of {len(self._inventory.nodes)} nodes read"

    def read_pods(self) -> None:
        """What every probe pod reads about itself, as facts "resolv.conf/<role>" and "addresses/<role>" of its node."""
        self._everywhere([stream for endpoint, stream in self._streams.items() if endpoint != RUNNER], self._own_facts)

    def await_rules(self) -> None:
        """Wait until the marker Service answers on every node: then the proxies have seen all Services made before it."""
        marker = next(self._recording.entries("events", what="service", name="marker"), None)
        if marker is None:
            return
        for address in marker.get("cluster_ips") or [marker["cluster_ip"]]:  # a proxy programs its families one by one
            body = {"address": address, "port": marker["ports"]["tcp"], "timeout": RULES_TIMEOUT}
            self._everywhere(list(self._witnesses().values()), lambda stream, body=body: self._await_marker(stream, body))  # type: ignore[misc]

    def await_names(self) -> None:
        """Wait until every replica of the cluster's DNS knows the marker Service: then it knows all Services made before it."""
        marker = next(self._recording.entries("events", what="service", name="marker"), None)
        if marker is None or not any(map(names.resolves, self._needs.probes)):
            return
        name = f"marker.{marker['namespace']}.svc.{self._inventory.dns_domain}."
        near = self._witnesses()
        servers = {near[node]: address for node, address in names.replicas(self._recording) if node in near}
        self._everywhere(list(servers), lambda stream: self._record("events", names.await_name(stream, name, servers[stream])))

    def probe(self, plans: Iterable[CellPlan], progress: Callable[[int, int], None]) -> None:
        """Ask every probe once. What cannot be asked is recorded as an event with the reason.

        Bulk transfers come last: where a program forwards the packets they fill its buffers, and others' packets are lost.
        """
        wanted = tuple(plans)
        rounds = [self._batches(plan for plan in wanted if (plan.probe.action is Action.BULK) is bulk) for bulk in (False, True)]
        counter = _Counter(sum(len(batch) for batches in rounds for batch in batches.values()), progress)
        for batches in rounds:
            self._ask(batches, counter)
        counter.finish()

    def count_nonces(self) -> None:
        """What every echo server saw, counted at the target."""
        self._everywhere(list(self._streams.values()), lambda stream: self._frames(stream, stream.request("seen")))

    def close(self) -> None:
        """Stop the agents (best effort: they also end by themselves)."""
        self._everywhere(list(self._streams.values()), lambda stream: stream.close())
        self._streams.clear()

    def _ask(self, batches: Mapping[Endpoint, list[dict[str, Any]]], counter: _Counter) -> None:
        self._everywhere([self._streams[source] for source in batches], lambda s: self._probe(s, batches[s.endpoint], counter))

    def _batches(self, plans: Iterable[CellPlan]) -> dict[Endpoint, list[dict[str, Any]]]:
        sampling = _merge(plans)
        builder = self._builder()
        batches: dict[Endpoint, list[dict[str, Any]]] = {}
        for source, probes in by_source(sampling).items():
            if source not in self._streams:
                continue
            for probe in probes:
                try:
                    batches.setdefault(source, []).append(builder.build(probe, sampling[probe]))
                except (NoAddress, KeyError) as reason:
                    self._record("events", {"what": "not-asked", "probe": str(probe), "reason": str(reason)})
        return batches

    def _builder(self) -> RequestBuilder:
        book, known = AddressBook(self._inventory, self._recording), Names(self._settings, self._inventory, self._recording)
        return RequestBuilder(book, known, self._settings.probe_timeout)

    def _probe(self, stream: Stream, batch: Sequence[Mapping[str, Any]], counter: _Counter) -> None:
        for frame in stream.request("probe", probes=list(batch), parallel=PARALLEL, rate=self._settings.rate):
            if frame["kind"] == "result":
                self._record("frames", {"source": str(stream.endpoint), "frame": frame})
                counter.add()

    def _facts(self, stream: Stream, phase: str, stage: Any) -> None:
        readers = stage(self._recording, stream.endpoint.node)
        for frame in stream.request("facts", readers=readers, timeout=FACTS_TIMEOUT) if readers else ():
            if frame["kind"] == "fact":
                self._fact(stream.endpoint.node, phase, frame)

    def _own_facts(self, stream: Stream) -> None:
        readers = pod_readers(stream.endpoint.name or "host")
        for frame in stream.request("facts", readers=readers, timeout=FACTS_TIMEOUT):
            if frame["kind"] == "fact":
                self._fact(stream.endpoint.node, "after", frame)

    def _fact(self, node: str, phase: str, frame: Mapping[str, Any]) -> None:
        fields = {key: frame.get(key) for key in ("name", "source", "ok", "code", "text", "error")}
        self._record("facts", {"node": node, "phase": phase, **fields})

    def _await_marker(self, stream: Stream, body: Mapping[str, Any]) -> None:
        for frame in stream.request("wait", **body):
            self._record("events", {"what": "rules", "source": str(stream.endpoint), "frame": dict(frame)})

    def _frames(self, stream: Stream, frames: Iterable[Mapping[str, Any]]) -> None:
        for frame in frames:
            self._record("frames", {"source": str(stream.endpoint), "frame": frame})

    def _witnesses(self) -> dict[str, Stream]:
        pods = {e.node: s for e, s in self._streams.items() if e.name == "a"}
        return pods | {stream.endpoint.node: stream for stream in self._of_kind(EndpointKind.HOST)}

    def _of_kind(self, kind: EndpointKind) -> list[Stream]:
        return [stream for endpoint, stream in self._streams.items() if endpoint.kind is kind]

    def _everywhere(self, streams: Sequence[Stream], ask: Callable[[Stream], None]) -> None:
        if not streams:
            return
        with ThreadPoolExecutor(len(streams), thread_name_prefix="k8snet-stream") as pool:
            list(pool.map(lambda stream: self._guarded(stream, ask), streams))

    def _guarded(self, stream: Stream, ask: Callable[[Stream], None]) -> None:
        try:
            ask(stream)
        except StreamLost as loss:
            self._record("events", {"what": "stream-lost", "source": str(stream.endpoint), "reason": str(loss)})

    def _record(self, stream: str, entry: Mapping[str, Any]) -> None:
        with self._lock:
            self._recording.append(stream, entry)


class _Counter:
    def __init__(self, total: int, progress: Callable[[int, int], None]) -> None:
        self._done, self._total, self._progress, self._lock = 0, total, progress, threading.Lock()

    def add(self) -> None:
        with self._lock:
            self._done += 1
            if self._done % 50 == 0 and self._done < self._total:
                self._progress(self._done, self._total)

    def finish(self) -> None:
        self._progress(self._done, self._total)


def _merge(plans: Iterable[CellPlan]) -> dict[Any, Sampling]:
    """One sampling per probe: the most thorough that any requirement wants."""
    merged: dict[Any, Sampling] = {}
    for plan in plans:
        wanted = Sampling(plan.samples, 1, plan.until, plan.maximum)
        merged[plan.probe] = max(merged.get(plan.probe, wanted), wanted, key=lambda s: (s.until, s.samples))
    return merged
