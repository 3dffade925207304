"""The record of one scenario, as its collector writes it: frames, notes, pods and objects, to be spoilt by tests."""

from __future__ import annotations

from pytest_k8snet.evidence.observations import Observations
from pytest_k8snet.evidence.scenario import ScenarioEvidence
from pytest_k8snet.model.inventory import Inventory, Node
from pytest_k8snet.model.probe import Family, Probe
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.plan.scenarios import ScenarioPlan

NODES = ("n1", "n2", "n3")
SPACE = "k8snet-r1-restricted"


def node(number, name, families):
    ips = {Family.IPV4: f"10.0.0.{number}", Family.IPV6: f"fd00::{number}"}
    cidrs = {Family.IPV4: f"10.4.{number}.0/24", Family.IPV6: f"fd04:{number}::/64"}
    own = tuple(ips[family] for family in families)
    return Node(name, own, tuple(cidrs[family] for family in families), True, True, number == 1, "linux", "v1.31.0", "containerd://1.7")


def cluster(families):
    nodes = tuple(node(number, name, families) for number, name in enumerate(NODES, 1))
    return Inventory("lab", "u", "", nodes, families, "", "", "", "", "", "", "", None, None, "", "", ())


class Played:
    """A scenario of three nodes. `asked[step][probe]` are the ends of its samples: who answered, or how it failed."""

    def __init__(self, scenario, families=(Family.IPV4,)):
        self.scenario, self.inventory = scenario, cluster(families)
        self.recording = Recording({"run_id": "r1", "settings": {"features": {}}})
        self.asked: dict[str, dict[str, list[str]]] = {}
        self.details: dict[tuple[str, str], dict] = {}
        self.replies: dict[tuple[str, str], dict] = {}
        self.objects: dict[tuple[str, str], tuple[str, dict]] = {}
        self.facts: dict[tuple[str, str], dict] = {}
        self.ready_at, self._pods = 5.0, 0
        for name in NODES:
            for role in ("a", "b"):
                self.pod(f"pod/{role}@{name}", own=False)

    def pod(self, endpoint, own=True):
        self._pods += 1
        entry = {"endpoint": endpoint, "namespace": SPACE, "pod": self.name(endpoint), "ip": f"10.4.9.{self._pods}", "problem": ""}
        here = {"scenario": self.scenario, "step": "any", "at": self.ready_at} if own else {}
        self.recording.append("fleet", {**entry, "ips": [entry["ip"]], "port": 7801, **here})
        return entry["ip"]

    def name(self, endpoint):
        return endpoint.removeprefix("pod/").replace("@", "-")

    def address(self, endpoint):
        return next(entry["ip"] for entry in self.recording.entries("fleet", endpoint=endpoint))

    def clients(self, step, target, *ends, action="tcp4", source="pod/a"):
        """The client of every node asks; `{node}` in target and ends is its node."""
        for name in NODES:
            told = [end.format(node=name) for end in ends]
            self.asked.setdefault(step, {})[f"{action}:{source}@{name}>{target.format(node=name)}"] = told

    def service(self, step, name, verb="created", **spec):
        self.objects[step, f"Service/{name}"] = (verb, {"spec": spec})

    def slices(self, step, service, endpoints, ports=(), **conditions):
        """EndpointSlices of a Service with these pods, all in these conditions (ready, if none is told)."""
        made = [
            {"addresses": [self.address(one)], "conditions": conditions or {"ready": True}, "nodeName": one.partition("@")[2],
             "targetRef": {"kind": "Pod", "name": self.name(one)}}
            for one in endpoints
        ]  # fmt: skip
        piece = {"metadata": {"namespace": SPACE, "name": f"{service}-x"}, "endpoints": made, "ports": list(ports)}
        self.objects[step, f"EndpointSlices/{service}"] = ("watched", {"items": [piece]})

    def comparison(self, name):
        """Judged as it stands now."""
        return self.judged(self.recorded()).comparison(name)

    def judged(self, recording):
        """The evidence of a recording of this scenario."""
        plan = ScenarioPlan("NET-X-001", self.scenario)
        return ScenarioEvidence(recording, self.inventory, plan, Observations(recording))

    def recorded(self):
        """The recording as it stands now."""
        recording = Recording(self.recording.meta, {stream: list(entries) for stream, entries in self.recording.streams.items()})
        for number, (step, probes) in enumerate(self.asked.items()):
            ids = {probe: self._id(step, probe, number) for probe in probes}
            for probe, ends in probes.items():
                recording.append("frames", self._frame(step, probe, ids[probe], ends))
            self._note(recording, step, "settled", probes=list(ids.values()), seconds=0.5)
        for (step, name_), (verb, body) in self.objects.items():
            entry = {"name": f"scenario/{self.scenario}/{step}/{name_}", "verb": verb, "status": 200, "body": body}
            recording.append("objects", entry)
        for (step, fact), body in self.facts.items():
            frame = {"kind": "fact", "name": fact, "source": f"http://{fact}/healthz", "ok": body.get("code") == 200, **body}
            recording.append("frames", {"source": "outside/runner", "frame": frame, "scenario": self.scenario, "step": step, "at": 1.0})
        self._note(recording, "", "ended")
        return recording

    def differences(self, name):
        return list(self.comparison(name).differences)

    def _id(self, step, text, number):
        probe = Probe.parse(text)
        return str(Probe(probe.action, probe.source, probe.target, f"{self.scenario}.{step}.{number}", probe.family))

    def _note(self, recording, step, state, **more):
        recording.append("events", {"what": "scenario", "scenario": self.scenario, "step": step, "state": state, "at": 1.0, **more})

    def _frame(self, step, probe, id, ends):
        samples = [self._sample(step, probe, number, end) for number, end in enumerate(ends)]
        parsed = Probe.parse(probe)
        known = [entry["ip"] for entry in self.recording.entries("fleet", endpoint=str(parsed.target))]
        host = self.inventory.node(parsed.target.node).address(parsed.family) if str(parsed.target).startswith("node-port/") else ""
        loopback = "127.0.0.1" if str(parsed.target).startswith("loopback") else ""
        request = {"action": str(parsed.action), "samples": len(ends), "address": (known or [host or loopback or "10.96.0.9"])[0]}
        frame = {"kind": "result", "run": "r1", "id": id, "samples": samples, "request": request}
        at = self.ready_at + 1.0
        return {"source": str(parsed.source), "frame": frame, "scenario": self.scenario, "step": step, "at": at}

    def _sample(self, step, probe, number, end):
        reached = "/" in end
        reply = {"server": end, "nonce": f"{number}", "run": "r1", **self.replies.get((step, probe), {})} if reached else {}
        detail = {"local": "10.4.9.1", **self.details.get((step, probe), {})}
        outcome = "reached" if reached else end
        return {"warmup": False, "outcome": outcome, "seconds": 0.01, "nonce": f"{number}", "reply": reply, "detail": detail}
