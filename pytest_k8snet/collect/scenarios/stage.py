"""What a scenario can do: make and change objects, wait for conditions, ask agents. It observes and records, it never judges."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from pytest_k8snet.collect.addresses import AddressBook, NoAddress
from pytest_k8snet.collect.requests import RequestBuilder, Sampling
from pytest_k8snet.collect.stream import Stream, StreamLost
from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.probe import Action, Family, Probe
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.settings import Tier

from .exchange import Exchange
from .journal import Journal
from .objects import Broken, Ground, Objects
from .pods import Pods
from .watch import Body, Watch

BETWEEN = 0.25  # s between two rounds of the same questions
CHANGE = 15.0  # s for a change in the API to arrive where it works
TIMEOUT = 1.0  # s for one answer: what does not answer costs that much a round
ANSWER = 130.0  # s for a result frame; a stream gives up earlier
ONCE, TWICE, THRICE = Sampling(1, 0), Sampling(2, 0), Sampling(3, 0)  # TWICE where silence is waited for: every try costs TIMEOUT
SERVICE_OF_SLICE = "kubernetes.io/service-name"


@dataclass(frozen=True, slots=True)
class Answer:
    """How one probe ended, as far as waiting goes: outcomes of its samples, who answered and as whom that one saw who asked."""

    outcomes: tuple[str, ...]
    servers: tuple[str, ...]
    clients: tuple[str, ...] = ()

    @property
    def reached(self) -> bool:
        """Every sample reached."""
        return bool(self.outcomes) and set(self.outcomes) == {"reached"}

    @property
    def lost(self) -> bool:
        """No sample reached."""
        return "reached" not in self.outcomes


Answers = Mapping[Probe, Answer]
Accept = Callable[[Answers], bool]


def all_reached(answers: Answers) -> bool:
    """Every probe reached."""
    return all(answer.reached for answer in answers.values())


def lost_alone(lost: Container[Probe]) -> Accept:
    """Those probes reach nobody while every other one reaches: who asks is well, and the network too."""
    return lambda answers: all(answer.lost if probe in lost else answer.reached for probe, answer in answers.items())


def only_from(server: Endpoint) -> Accept:
    """Every answer is from that one."""
    return lambda answers: all(answer.reached and set(answer.servers) == {str(server)} for answer in answers.values())


def seen_as(address: str, probe: Probe) -> Accept:
    """Whoever answered that probe saw no other address than this."""
    return lambda answers: {ip_address(client) for client in answers[probe].clients if client} <= {ip_address(address)}


def both(first: Accept, second: Accept) -> Accept:
    """One and the other."""
    return lambda answers: first(answers) and second(answers)


def from_several(number: int) -> Accept:
    """Every client has heard so many servers."""
    return lambda answers: all(answer.reached and len(set(answer.servers)) >= number for answer in answers.values())


@dataclass(frozen=True, slots=True)
class Common:
    """What all scenarios of a run share."""

    ground: Ground
    inventory: Inventory
    recording: Recording
    streams: Mapping[Endpoint, Any]
    exchange: Exchange
    watch: Watch
    stop: threading.Event
    begun: float


class Stage:
    """One scenario's own."""

    def __init__(self, common: Common, scenario: str) -> None:
        self._common, self.scenario = common, scenario
        self.journal = Journal(common.recording, scenario, common.begun)
        self.objects = Objects(common.ground, scenario, self.journal)
        self.pods = Pods(common.ground, self.objects, self.journal, self.watched, common.inventory.names)
        self._round = 0

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of the nodes."""
        return self._common.inventory.names

    @property
    def outside(self) -> str:
        """Address under which this process asks from outside, "" if it is not known."""
        return next((str(event["address"] or "") for event in self._common.recording.entries("events", what="runner")), "")

    @property
    def run(self) -> str:
        """Id of the run."""
        return self._common.ground.owner.run

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Everything within belongs to a step of that name."""
        self.journal.step = name
        self.journal.note("begun")
        yield
        self.journal.note("done")

    def probes(self, targets: Iterable[Endpoint] | Callable[[str], Endpoint], action: Action = Action.TCP, role: str = "a") -> list[Probe]:
        """From the pod of a role on every node to each target, or to the target that belongs to the node."""
        chosen = (lambda node: [targets(node)]) if callable(targets) else (lambda node, all=tuple(targets): all)
        return [self.probe(action, Endpoint(EndpointKind.POD, role, node), target) for node in self.nodes for target in chosen(node)]

    def probe(self, action: Action, source: Endpoint, target: Endpoint, family: Family | None = None) -> Probe:
        """A question of this scenario; its step is filled in when it is asked."""
        return Probe(action, source, target, "", family or self._family)

    def has(self, family: Family) -> bool:
        """Whether the cluster has it."""
        return family in (self._common.inventory.families or (Family.IPV4,))

    def families_of(self, addresses: Iterable[str]) -> list[Family]:
        """The families in which a Service has an address."""
        found = list(addresses)
        return [family for family in Family if family.first(found)]

    def until(
        self, probes: Sequence[Probe], accept: Accept, sampling: Sampling = ONCE, seconds: float = 0.0, between: float = 0.0, **more: Any
    ) -> Answers:
        """Ask again and again until `accept` takes the answers or time is over; the last answers are the step's.

        `between` are seconds from one round to the next, `more` goes into the questions.
        """
        begun = time.monotonic()
        ends = begun + (seconds or CHANGE)
        while True:
            answers = self._ask(probes, sampling, more)
            settled, over = accept(answers), time.monotonic() > ends
            if settled or over:
                self._conclude(probes, "settled" if settled else "gave-up", time.monotonic() - begun)
                return answers
            self.pause(between or BETWEEN)

    def ask(self, probes: Sequence[Probe], sampling: Sampling = THRICE, **more: Any) -> Answers:
        """Ask once; these answers are the step's."""
        begun = time.monotonic()
        answers = self._ask(probes, sampling, more)
        self._conclude(probes, "asked", time.monotonic() - begun)
        return answers

    def read(self, name: str, url: Callable[[str], str]) -> None:
        """Get an HTTP address of every node, from the node itself; a node without a stream is not read."""
        for node in self.nodes:
            source = Endpoint(EndpointKind.HOST, "", node)
            if stream := self._common.streams.get(source):
                self._tell(source, stream, "facts", readers=[{"name": f"{name}@{node}", "http": url(node)}], timeout=TIMEOUT * 3)

    def tell(self, stream: Stream, do: str, **body: Any) -> None:
        """Let one agent do something. Raises Broken if it does not."""
        self._tell(stream.endpoint, stream, do, **body)

    def address_of(self, endpoint: Endpoint) -> str:
        """Where a pod of the run is. Raises Broken."""
        try:
            return AddressBook(self._common.inventory, self._common.recording).find(endpoint, endpoint, Action.TCP, self._family).ip
        except NoAddress as reason:
            raise Broken(str(reason)) from reason

    def node_address(self, node: str) -> str:
        """Address of a node in the family of the probes."""
        return self._common.inventory.node(node).address(self._family)

    def literal(self, node: str) -> str:
        """The same, as it stands in a URL."""
        address = self.node_address(node)
        return f"[{address}]" if ":" in address else address

    def slices(self, service: str, accept: Callable[[list[Body]], bool], seconds: float = 0.0) -> list[Body]:
        """The EndpointSlices of a Service, once `accept` takes them. Raises Broken if it never does."""
        chosen = lambda body: (body["metadata"].get("labels") or {}).get(SERVICE_OF_SLICE) == service  # noqa: E731
        return self.watched("endpointslices", f"EndpointSlices/{service}", chosen, accept, seconds)

    def watched(
        self, kind: str, name: str, choose: Callable[[Body], bool], accept: Callable[[list[Body]], bool], seconds: float = 0.0,
        tier: Tier = Tier.RESTRICTED,
    ) -> list[Body]:  # fmt: skip
        """Objects as the API shows them, once `accept` takes them. Raises Broken if it never does."""
        space = self._common.ground.space(tier)
        seconds = seconds or CHANGE
        found = self._common.watch.wait(kind, space, choose, accept, seconds)
        self.journal.watched(name, found)
        self._go_on()
        if not accept(found):
            why = self._common.watch.problem(kind, space) or f"not as wanted within {seconds:.0f} s"
            raise Broken(f"{name} in namespace {space}: {why}")
        return found

    def pause(self, seconds: float) -> None:
        """Wait. Raises Broken when the run is being stopped."""
        self._common.stop.wait(seconds)
        self._go_on()

    def _go_on(self) -> None:
        if self._common.stop.is_set():
            raise Broken("the run was stopped")

    @property
    def _family(self) -> Family:
        return self._common.inventory.families[0] if self._common.inventory.families else Family.IPV4

    def _tell(self, source: Endpoint, stream: Any, do: str, **body: Any) -> None:
        try:
            for frame in stream.request(do, **body):
                self.journal.frame(source, frame)
        except StreamLost as loss:
            raise Broken(str(loss)) from loss

    def _ask(self, probes: Sequence[Probe], sampling: Sampling, more: Mapping[str, Any]) -> dict[Probe, Answer]:
        self._round += 1
        builder = RequestBuilder(AddressBook(self._common.inventory, self._common.recording), None, TIMEOUT)
        posted = [(probe, self._post(builder, self._numbered(probe), sampling, more)) for probe in probes]
        return {probe: self._take(probe.source, future) for probe, future in posted}

    def _post(self, builder: RequestBuilder, probe: Probe, sampling: Sampling, more: Mapping[str, Any]) -> Future[Mapping[str, Any]]:
        try:
            request = builder.build(probe, sampling) | dict(more)
        except (NoAddress, KeyError) as reason:
            self.journal.event({"what": "not-asked", "probe": str(probe), "reason": str(reason)})
            raise Broken(str(reason)) from reason
        return self._common.exchange.ask(probe.source, request)

    def _take(self, source: Endpoint, future: Future[Mapping[str, Any]]) -> Answer:
        try:
            frame = future.result(ANSWER)
        except (StreamLost, TimeoutError) as loss:
            raise Broken(str(loss) or f"{source} gave no answer within {ANSWER:.0f} s") from loss
        self.journal.frame(source, frame)
        self._go_on()
        samples = [sample for sample in frame["samples"] if not sample["warmup"]]
        replies = [sample["reply"] for sample in samples if sample["reply"]]
        return Answer(tuple(s["outcome"] for s in samples), *(tuple(str(r.get(key, "")) for r in replies) for key in ("server", "peer")))

    def _conclude(self, probes: Sequence[Probe], state: str, seconds: float) -> None:
        self.journal.note(state, probes=[str(self._numbered(probe)) for probe in probes], seconds=round(seconds, 3))

    def _numbered(self, probe: Probe) -> Probe:
        detail = f"{self.scenario}.{self.journal.step}.{self._round}"
        return Probe(probe.action, probe.source, probe.target, detail, probe.family)
