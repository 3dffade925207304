"""A recording of a real, healthy three-node cluster (flannel vxlan, kube-proxy iptables), to be damaged by tests."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import object_world

from pytest_k8snet.evidence.cluster import ClusterEvidence
from pytest_k8snet.evidence.node import NodeEvidence
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.parse.objects import inventory

CONTROL, WORKER1, WORKER2 = "k8snet-control", "k8snet-worker1", "k8snet-worker2"
NODES = (CONTROL, WORKER1, WORKER2)
_HEALTHY = json.loads((Path(__file__).parent / "healthy.json").read_text())
_RECORDING = Path(__file__).parents[2] / "fixtures" / "recordings" / "healthy-vxlan-iptables.zip"
OF_A_RUN = {"rejections", "node_port_catch", "external_kinds", "device_mtu"}  # what is judged by a run's own Services


class World:
    """A copy of the healthy recording and what is judged from it."""

    def __init__(self):
        self.recording = Recording(dict(_HEALTHY["meta"]))
        self.recording.streams["objects"] = copy.deepcopy(_HEALTHY["objects"])
        self.recording.streams["facts"] = copy.deepcopy(_HEALTHY["facts"])
        object_world.list_pods(self.recording)
        object_world.settle(self.recording)

    @property
    def inventory(self):
        return inventory(self.recording)

    def node(self, name=WORKER1):
        return NodeEvidence(self.recording, self.inventory, name)

    @property
    def cluster(self):
        return ClusterEvidence(self.recording, self.inventory)

    def object(self, name):
        """The body that tests change in place."""
        return next(entry["body"] for entry in self.recording.streams["objects"] if entry["name"] == name)

    def api_node(self, name):
        return next(item for item in self.object("nodes")["items"] if item["metadata"]["name"] == name)

    def facts(self, name, node=WORKER1, phase="after"):
        return list(self.recording.entries("facts", name=name, node=node, phase=phase))

    def text(self, name, node=WORKER1):
        return self.facts(name, node)[-1]["text"]

    def write(self, name, text, node=WORKER1, phase="after"):
        for fact in self.facts(name, node, phase):
            fact["text"] = text

    def edit(self, name, old, new, node=WORKER1, count=None):
        """Replace in a fact's text; the old text must be there (`count` times)."""
        text = self.text(name, node)
        assert text.count(old) == count if count else old in text, f"{old!r} is not in {name}"
        self.write(name, text.replace(old, new), node)

    def drop(self, name, node=WORKER1):
        self.recording.streams["facts"] = [fact for fact in self.recording.streams["facts"] if (fact["name"], fact["node"]) != (name, node)]

    def fail(self, name, error, node=WORKER1, phase="after"):
        for fact in self.facts(name, node, phase):
            fact.update(ok=False, text="", error=error)

    def rules(self, node=WORKER1):
        """Rule lines of the iptables dump, without counters."""
        return [line.partition("] ")[2] for line in self.text("iptables", node).splitlines() if "] -A " in line]

    def without_rule(self, *words, node=WORKER1, count=1):
        """Delete the rules that hold all these words."""
        lines = self.text("iptables", node).splitlines()
        gone = [line for line in lines if "] -A " in line and all(word in line for word in words)]
        assert len(gone) == count, gone
        self.write("iptables", "\n".join(line for line in lines if line not in gone), node)

    def insert_rule(self, table, rule, node=WORKER1):
        """`iptables -t TABLE -I ...`: first rule of its chain."""
        lines = self.text("iptables", node).splitlines()
        start = lines.index(f"*{table}")
        at = next(i for i in range(start, len(lines)) if lines[i].startswith("[") or lines[i] == "COMMIT")
        self.write("iptables", "\n".join([*lines[:at], f"[0:0] {rule}", *lines[at:]]), node)

    def statuses(self, node=WORKER1):
        """Comparison -> "right" | "wrong" | "unknown", for everything that is judged on a node."""
        evidence = self.node(node)
        return {name: status(evidence, name) for name in evidence.comparisons}

    def wrong(self, node=WORKER1):
        return {name for name, found in self.statuses(node).items() if found == "wrong"}


class RecordedWorld(World):
    """A healthy run with its own Services, every fact read and every kind of rule."""

    def __init__(self):
        recording = Recording.read(_RECORDING)
        self.recording = Recording(recording.meta, copy.deepcopy(recording.streams))


def status(evidence, name):
    try:
        comparison = evidence.comparison(name)
    except (Inconclusive, NotApplicable):
        return "unknown"
    return "right" if comparison.actual == comparison.expected else "wrong"
