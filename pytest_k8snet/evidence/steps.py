"""The record of one scenario: what was asked in each step and how it ended, and what the API showed. Its words name the step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.observation import Observation, Outcome
from pytest_k8snet.model.probe import Action, Family, Probe
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan.scenarios import ScenarioPlan

from .agreement import Agreement
from .observations import Observations

ANSWER, NO_ANSWER = "an answer", "no answer"
SILENT = (Outcome.TIMEOUT, Outcome.REFUSED, Outcome.HOST_UNREACHABLE, Outcome.NET_UNREACHABLE, Outcome.PROHIBITED)  # nobody spoke
ASKED = ("asked", "settled", "gave-up")  # states of a step whose answers count
Entry = Mapping[str, Any]


class Steps:
    """Raises Inconclusive where the scenario did not come to its end, or a step was not observed. `used` lists what was looked at."""

    def __init__(self, recording: Recording, inventory: Inventory, plan: ScenarioPlan, observations: Observations) -> None:
        self.recording, self.inventory, self.scenario = recording, inventory, plan.scenario
        self._observations, self._agreement = observations, Agreement(recording, inventory)
        self._notes = list(recording.entries("events", what="scenario", scenario=plan.scenario))
        self.used: list[Entry] = []
        self._require_end()

    def answers(self, step: str) -> dict[Probe, Observation]:
        """The observations that count for a step, by their probes; ends and action of a probe are enough to find it."""
        entry = self._concluded(step)
        return {_plain(probe): self._observation(step, probe) for probe in map(_parsed, entry["probes"])}

    def answer(self, step: str, probe: Probe) -> Observation:
        """One of them."""
        for asked in map(_parsed, self._concluded(step)["probes"]):
            if _plain(asked) == probe:
                return self._observation(step, asked)
        raise Inconclusive(f"step {step}: not observed: {probe.source} was not asked about {probe.target}")

    def concluded(self, step: str) -> bool:
        """Whether a step that a scenario may leave out was observed."""
        return any(note["step"] == step and note["state"] in ASKED for note in self._notes)

    def seconds(self, step: str) -> float:
        """How long it took until the answers of a step were as wanted, or until nobody waited any longer."""
        return float(self._concluded(step)["seconds"])

    def body(self, step: str, name: str) -> Any:
        """The last that the API said in a step about an object ("Service/affinity") or objects ("EndpointSlices/affinity")."""
        whole = f"scenario/{self.scenario}/{step}/{name}"
        last = next((entry for entry in reversed(list(self.recording.entries("objects", name=whole)))), None)
        if last is None or not 200 <= last["status"] < 300 or not isinstance(last["body"], dict):
            raise Inconclusive(f"step {step} of scenario {self.scenario}: {name} was not recorded")
        found = last["body"]
        self.used.append({"object": f"scenario/{self.scenario}/{step}/{name}", "spec": found.get("spec") or found.get("items")})
        return found

    def facts(self, step: str, name: str) -> dict[str, Entry]:
        """What was read for a step, by node ("health@worker1" is fact health of worker1)."""
        entries = self.recording.entries("frames", scenario=self.scenario, step=step)
        found = [entry["frame"] for entry in entries if entry["frame"].get("kind") == "fact"]
        mine = {str(fact["name"]).partition("@")[2]: fact for fact in found if str(fact["name"]).startswith(f"{name}@")}
        self.used.append({"object": f"scenario/{self.scenario}/{step}/{name}", "read": {node: f.get("code") for node, f in mine.items()}})
        return mine

    def created(self, step: str, kind: str) -> dict[str, Any]:
        """Objects of a kind that the scenario made in a step, by name, as the API answered."""
        start = f"scenario/{self.scenario}/{step}/{kind}/"
        entries = [e for e in self.recording.streams["objects"] if e["name"].startswith(start) and e.get("verb") == "created"]
        return {entry["name"].removeprefix(start): entry["body"] for entry in entries if isinstance(entry["body"], dict)}

    def pod(self, name: str) -> Endpoint:
        """The pod of a role that the scenario made. Raises Inconclusive."""
        for entry in self.recording.entries("fleet", scenario=self.scenario):
            if entry["endpoint"].startswith(f"pod/{name}@"):
                return Endpoint.parse(entry["endpoint"])
        raise Inconclusive(f"not observed: where pod/{name} of scenario {self.scenario} is")

    def rounds(self, step: str) -> list[Entry]:
        """Every answer of a step with its time, waiting included."""
        entries = self.recording.entries("frames", scenario=self.scenario, step=step)
        return [entry for entry in entries if entry["frame"].get("kind") == "result"]

    def _observation(self, step: str, probe: Probe) -> Observation:
        try:
            found = self._observations.find(probe)
            self._agreement.require(found)
        except Inconclusive as reason:
            raise Inconclusive(f"step {step} of scenario {self.scenario}: {reason}") from reason
        self.used += [{"frame": frame} for frame in self._observations.frames(probe)]
        return found

    def _concluded(self, step: str) -> Entry:
        found = [note for note in self._notes if note["step"] == step and note["state"] in ASKED]
        if not found or not found[-1].get("probes"):
            raise Inconclusive(f"step {step} of scenario {self.scenario} was not observed")
        return found[-1]

    def _require_end(self) -> None:
        last = self._notes[-1] if self._notes else None
        if last is None:
            raise Inconclusive(f"scenario {self.scenario} was not played")
        if last["state"] == "broke":
            where = f"in step {last['step']}" if last["step"] else "before its first step"
            raise Inconclusive(f"scenario {self.scenario} broke off {where}: {last['reason']}")
        if last["state"] != "ended":
            raise Inconclusive(f"scenario {self.scenario} did not come to its end: the last that is known of it is step {last['step']}")


def ending(observation: Observation) -> str:
    """ "reached pod/a@w1", "reached pod/a@w1 (12), pod/b@w2 (8)", "timeout", "1 of 2 reached, timeout"."""
    servers = Counter(str(sample.reply.get("server") or "somebody unnamed") for sample in observation.reached)
    reached, tried = len(observation.reached), len(observation.samples)
    if not reached:
        return str(observation.outcome)
    who = ", ".join(name if len(servers) == 1 else f"{name} ({count})" for name, count in sorted(servers.items()))
    if reached == tried:
        return f"reached {who}"
    lost = sorted({str(s.outcome) for s in observation.samples if s not in observation.reached})
    return f"{reached} of {tried} reached {who}, else {' '.join(lost)}"


def answered(observation: Observation) -> str:
    """ANSWER if every sample reached, NO_ANSWER if nobody spoke to any of them, else how it ended: a stranger's answer is one too."""
    if observation.outcome is Outcome.REACHED:
        return ANSWER
    return NO_ANSWER if all(sample.outcome in SILENT for sample in observation.samples) else ending(observation)


def unheard(observation: Observation) -> str:
    """The same where no answer is right. Raises Inconclusive where the client itself came too late to hear one."""
    late = max((float(sample.detail.get("starved") or 0) for sample in observation.samples), default=0.0)
    if late and answered(observation) == NO_ANSWER:
        raise Inconclusive(f"not observed: the agent at {observation.probe.source} was starved of processor time for {late:.1f} s")
    return answered(observation)


def from_pod(steps: Steps, node: str, target: Endpoint, action: Action = Action.TCP) -> Probe:
    """The probe of the client on that node."""
    return Probe(action, Endpoint(EndpointKind.POD, "a", node), target, "", family_of(steps))


def family_of(steps: Steps) -> Family:
    """The family in which scenarios ask."""
    return steps.inventory.families[0] if steps.inventory.families else Family.IPV4


def _parsed(text: Any) -> Probe:
    try:
        return Probe.parse(str(text))
    except ValueError as error:
        raise Inconclusive(f"not observed: the record of a step is damaged ({error})") from error


def _plain(probe: Probe) -> Probe:
    return Probe(probe.action, probe.source, probe.target, "", probe.family)
