"""A cell of the reachability matrix: what was documented, what happened, and the text that says both."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.observation import Observation, Outcome
from pytest_k8snet.model.probe import Family, Probe
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan.cellplan import CellPlan, Documented

from . import cell_names
from .agreement import Agreement
from .cell_text import describe
from .observations import Observations
from .resolver_answers import Answers


@dataclass(frozen=True, slots=True, repr=False)
class Cell:
    """One judged cell; `str()` is the failure text. `expected_source` and `expected_servers` are empty where nothing is documented."""

    plan: CellPlan
    observation: Observation
    source_address: str
    expected_source: frozenset[str]
    expected_servers: frozenset[str]
    expected_hops: tuple[str, ...] = ()
    expected_named: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()  # addresses that name servers gave, where one is documented
    back: Observation | None = None  # the same question asked by the target, where both ways are compared

    @property
    def source(self) -> str:
        """Spelling of the endpoint that asked."""
        return str(self.plan.probe.source)

    @property
    def target(self) -> str:
        """Spelling of the endpoint that was asked."""
        return str(self.plan.probe.target)

    @property
    def probe(self) -> Probe:
        """What was asked."""
        return self.plan.probe

    @property
    def documented(self) -> Documented:
        """What the line of the matrix says."""
        return self.plan.documented

    @property
    def outcome(self) -> Outcome:
        """As the observation's; if no sample reached, the last one that is not documented (one timeout among refusals is a timeout)."""
        if self.observation.reached:
            return self.observation.outcome
        odd = [sample.outcome for sample in self.observation.samples if sample.outcome not in self.documented.outcomes]
        return odd[-1] if odd else self.observation.outcome

    @property
    def source_seen(self) -> frozenset[str]:
        """Source addresses as they arrived at the target."""
        return frozenset(canonical(sample.reply["peer"]) for sample in self.observation.reached if sample.reply.get("peer"))

    @property
    def arrived(self) -> frozenset[str]:
        """Addresses at which the conversation arrived, as the target's sockets tell."""
        return frozenset(canonical(sample.reply["local"]) for sample in self.observation.reached if sample.reply.get("local"))

    @property
    def expected_arrived(self) -> frozenset[str]:
        """The address that was asked."""
        return frozenset({canonical(str(self.observation.request["address"]))}) if self.documented.dialled else frozenset()

    @property
    def hops(self) -> tuple[str, ...]:
        """Addresses of the routers on the way and of the target, as the last sample that reached tells; "" for a silent one."""
        return tuple(canonical(hop) for sample in self.observation.reached[-1:] for hop in sample.detail.get("hops") or ())

    @property
    def mutual(self) -> bool:
        """Whether both ways end alike: reached, or not."""
        return self.back is None or (self.outcome is Outcome.REACHED) is (self.back.outcome is Outcome.REACHED)

    @property
    def recorded(self) -> str:
        """What a requirement that only records says about this cell."""
        return describe(self)

    @property
    def servers(self) -> frozenset[str]:
        """Endpoints that answered."""
        return frozenset(str(sample.reply["server"]) for sample in self.observation.reached if sample.reply.get("server"))

    @property
    def ttl(self) -> frozenset[int]:
        """TTLs of the echo replies."""
        return frozenset(int(sample.reply["ttl"]) for sample in self.observation.reached if sample.reply.get("ttl") is not None)

    @property
    def expected_ttl(self) -> frozenset[int]:
        """The documented TTL."""
        return frozenset() if self.documented.ttl is None else frozenset({self.documented.ttl})

    @property
    def seconds(self) -> float:
        """Duration of the slowest sample."""
        return max(sample.seconds for sample in self.observation.samples)

    @property
    def quick(self) -> bool:
        """Whether no sample took longer than documented."""
        return self.documented.seconds is None or self.seconds < self.documented.seconds

    @property
    def evidence(self) -> tuple[Mapping[str, Any], ...]:
        """The request as sent and every sample, for the report; of the way back too where it is judged."""
        back = (_entry(self.back, self.back.outcome),) if self.back else ()
        return (_entry(self.observation, self.outcome), *back)

    def __str__(self) -> str:
        return describe(self)

    __repr__ = __str__


def _entry(observation: Observation, outcome: Outcome) -> Mapping[str, Any]:
    samples = [
        {"outcome": str(s.outcome), "seconds": s.seconds, "nonce": s.nonce, "reply": dict(s.reply), "detail": dict(s.detail)}
        for s in observation.samples
    ]
    request = dict(observation.request)
    return {"kind": "frame", "probe": str(observation.probe), "outcome": str(outcome), "request": request, "samples": samples}


class CellEvidence:
    """Finds the cells of one recording."""

    def __init__(self, recording: Recording, inventory: Inventory, observations: Observations | None = None) -> None:
        self._observations = observations or Observations(recording)
        self._inventory = inventory
        self._agreement = Agreement(recording, inventory)
        self._answers = Answers(recording, self._observations)

    def cell(self, plan: CellPlan) -> Cell:
        """Raises Inconclusive: nothing was observed, the conversation did not take place, or not even the control did."""
        observation = self._observations.find(plan.probe)
        if plan.doubt:
            raise Inconclusive(f"what is documented of this cell is not known: {plan.doubt}")
        self._agreement.require(observation, plan.samples, plan.until)
        if plan.reach and not observation.reached and not plan.documented.mutual:
            raise Inconclusive(f"not reached, see {plan.reach}")
        back = self._back(plan, observation) if plan.documented.mutual else None
        if plan.controls and back is None and observation.outcome is not Outcome.REACHED:
            self._require_control(plan)
        if plan.probe.target.kind is EndpointKind.API and observation.reached and not self._inventory.api_endpoints:
            raise Inconclusive("the API server answers, but its endpoints were not read: whether each of them does is not known")
        source = self._observations.address(plan.probe.source, plan.probe.family)
        expected = (self._expected_source(plan), self._expected_servers(plan), self._expected_hops(plan), self._expected_named(plan))
        named = cell_names.addresses(observation) if plan.documented.named else frozenset()
        cell = Cell(plan, observation, source, *expected, named, back)
        _require_properties(cell)
        return cell

    def _back(self, plan: CellPlan, observation: Observation) -> Observation:
        """The other way. Raises Inconclusive where it was not observed, or where neither works: two failures are no agreement."""
        back = self._observations.find(plan.controls[0])
        self._agreement.require(back, plan.samples)
        if Outcome.REACHED not in (observation.outcome, back.outcome):
            raise Inconclusive(f"neither way is reached ({observation.outcome}, back {back.outcome}), see {plan.reach}")
        return back

    def _require_control(self, plan: CellPlan) -> None:
        if not any(self._reached(probe) for probe in plan.controls):
            ends = f"{plan.probe.source} does not reach {plan.probe.target}"
            if not any(map(self._observations.frames, plan.controls)):
                raise Inconclusive(
                    f"not assessed: {ends}, and whether {plan.controls[0].source} > {plan.controls[0].target} works was not observed "
                    "(--k8snet-tier restricted and baseline place no host pods), so the cause may lie outside the cluster"
                )
            tried = " nor ".join(dict.fromkeys(f"{probe.source} > {probe.target}" for probe in plan.controls))
            raise Inconclusive(f"not assessed: {ends}, but neither does {tried} work, so the cause may lie outside the cluster")

    def _reached(self, probe: Probe) -> bool:
        try:
            observation = self._observations.find(probe)
            self._agreement.require(observation)
        except Inconclusive:
            return False
        return observation.outcome is Outcome.REACHED

    def _expected_source(self, plan: CellPlan) -> frozenset[str]:
        found: frozenset[str] = frozenset()
        for kind in plan.documented.source:
            end = plan.probe.target if kind == "receiver" else plan.probe.source
            addresses = self._addresses(kind, end, plan.probe.family)
            if not addresses:
                raise Inconclusive(f"not assessed: the {kind} address of {end} is not known")
            found |= addresses
        return found

    def _addresses(self, kind: str, end: Endpoint, family: Family) -> frozenset[str]:
        """Addresses of one kind (see Documented.source), derived from the API's node objects and the pods' places."""
        if kind == "receiver":
            return frozenset().union(*(self._addresses(one, end, family) for one in ("node", "tunnel", "bridge")))
        if kind == "client":
            return frozenset(map(canonical, filter(None, [self._observations.address(end, family)])))
        node = self._inventory.node(end.node)
        if kind == "node":
            return frozenset(canonical(address) for address in node.internal_ips if Family.of(address) is family)
        networks = [ipaddress.ip_network(cidr) for cidr in node.pod_cidrs if Family.of(cidr) is family]
        return frozenset(str(network.network_address + (1 if kind == "bridge" else 0)) for network in networks)

    def _expected_hops(self, plan: CellPlan) -> tuple[str, ...]:
        return tuple(self._hop(kind, plan.probe) for kind in plan.documented.hops)

    def _hop(self, kind: str, probe: Probe) -> str:
        end = probe.source if kind == "bridge" else probe.target
        addresses = self._addresses("client" if kind == "target" else kind, end, probe.family)
        if len(addresses) != 1:
            raise Inconclusive(f"not assessed: the {kind} address of {end} is not known")
        return min(addresses)

    def _expected_named(self, plan: CellPlan) -> frozenset[str]:
        match plan.documented.named:
            case "kubernetes":
                return self._answers.addresses("kubernetes") or frozenset()
            case "target":
                return frozenset({canonical(str(self._observations.find(plan.probe).request["address"]))})
        return frozenset()

    def _expected_servers(self, plan: CellPlan) -> frozenset[str]:
        match plan.documented.servers:
            case "backends" | "among":
                return self._observations.ready("a")
            case "source":
                return frozenset({str(plan.probe.source)})
            case "remote":
                near = f"@{plan.probe.target.node or plan.probe.source.node}"
                return frozenset(server for server in self._observations.ready("a") if not server.endswith(near))
        return frozenset()


def cell(recording: Recording, inventory: Inventory, plan: CellPlan) -> Cell:
    """One cell of a recording; for many use CellEvidence."""
    return CellEvidence(recording, inventory).cell(plan)


def canonical(address: str) -> str:
    """IPv4 addresses that came in on an IPv6 socket are written as IPv4; what is no address stays as it is."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    mapped = getattr(parsed, "ipv4_mapped", None)
    return str(mapped or parsed)


def _require_properties(cell: Cell) -> None:
    """A property that the agents could not tell of every sample was not observed."""
    replies = [sample.reply for sample in cell.observation.reached]
    missing = [
        name
        for name, wanted, field in (
            ("which source address arrived", cell.documented.source, "peer"),
            ("the TTL of the reply", cell.documented.ttl is not None, "ttl"),
            ("who answered", cell.documented.servers, "server"),
            ("at which address it arrived", cell.documented.dialled, "local"),
        )
        if wanted and any(reply.get(field) in (None, "") for reply in replies)
    ]
    if missing:
        raise Inconclusive(f"not observed: {' and '.join(missing)} ({cell.source} > {cell.target})")
    if cell.documented.servers and not cell.expected_servers:
        raise Inconclusive("not assessed: no backend became ready")
    if cell.documented.hops and cell.observation.reached and not cell.hops:
        raise Inconclusive(f"not observed: the routers on the way ({cell.source} > {cell.target})")
    if cell.documented.servers == "remote" and cell.outcome is Outcome.REACHED and not cell.servers & cell.expected_servers:
        raise Inconclusive(f"not observed: only {', '.join(sorted(cell.servers))} answered, no backend of another node")
