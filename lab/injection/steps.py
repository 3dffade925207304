"""Doing the steps of a fault on the running lab."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from typing import Any, Protocol

from lab import namespace, node, process
from lab.cluster import Cluster
from lab.errors import LabError, UsageError
from lab.injection.drawing import NodeFacts, Parts
from lab.injection.fault import Step
from lab.injection.placeholder import expand, expand_all

PAUSE = 0.3  # seconds between two looks
Kept = dict[str, dict[str, str]]


class Hands(Protocol):
    """What steps need of a lab."""

    def in_node(self, name: str, argv: list[str], text: str) -> str:
        """Output of a command inside a node; LabError if it fails."""

    def kubectl(self, argv: list[str], text: str) -> str:
        """Output of kubectl; LabError if it fails."""

    def facts(self) -> list[NodeFacts]:
        """The nodes, the control-plane node first."""


class LabHands:
    """The running lab: commands enter nodes by their namespaces, so no fault of the network cuts them off."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def in_node(self, name: str, argv: list[str], text: str) -> str:
        """See `Hands`."""
        inside = node.command(self.cluster.lab.process(name), argv)
        return process.run(inside, what=f"{' '.join(argv)[:120]} on {name}", text=text or None)

    def kubectl(self, argv: list[str], text: str) -> str:
        """See `Hands`."""
        program = [f"{self.cluster.lab.bin}/kubectl", "--kubeconfig", str(self.cluster.where.admin), *argv]
        with namespace.network(self.cluster.router):
            return process.run(program, what=f"kubectl {' '.join(argv)[:120]}", text=text or None)

    def facts(self) -> list[NodeFacts]:
        """See `Hands`."""
        objects = {one["metadata"]["name"]: one for one in self.cluster.api.items("/api/v1/nodes")}
        return [_facts(one.name, one.role, one.address, objects.get(one.name, {})) for one in self.cluster.nodes]


def _facts(name: str, role: str, address: str, found: dict[str, Any]) -> NodeFacts:
    data = found.get("metadata", {}).get("annotations", {}).get("flannel.alpha.coreos.com/backend-data") or "{}"
    mac = (json.loads(data) or {}).get("VtepMAC", "")
    return NodeFacts(name, role, address, found.get("spec", {}).get("podCIDR", ""), mac)


def perform(steps: Iterable[Step], hands: Hands, values: Parts, kept: Kept, *, stop: bool = True) -> list[str]:
    """Do steps in order, filling `kept`; returns what failed, or raises LabError at the first failure if `stop`."""
    failed = []
    facts = {one.name: one for one in hands.facts()}
    for step in steps:
        for where in expand(step.node, values) if step.node else [""]:
            own = {**values, **(facts[where].values("this") if where else {})}
            try:
                _perform_one(step, where, hands, own, kept)
            except LabError as error:
                if stop:
                    raise
                failed.append(str(error))
    return failed


def _perform_one(step: Step, where: str, hands: Hands, values: Parts, kept: Kept) -> None:
    known = {**values, **{name: found[where] for name, found in kept.items() if where in found}}
    if not step.is_check:
        output = _output(step, where, hands, known)
        if step.keep:
            kept.setdefault(step.keep, {})[where] = output
        return
    end, patterns = time.monotonic() + step.within, expand(step.prints or step.lacks, known)
    while not _matches(step, patterns, seen := _look(step, where, hands, known), known):
        if time.monotonic() > end:
            raise LabError(_waited(step, where, known, seen))
        time.sleep(PAUSE)


def _output(step: Step, where: str, hands: Hands, values: Parts) -> str:
    text = "".join(expand(step.text, values)) if step.text else ""
    argv = expand_all(step.run or step.kubectl, values)
    return (hands.in_node(where, argv, text) if step.run else hands.kubectl(argv, text)).strip()


def _look(step: Step, where: str, hands: Hands, values: Parts) -> str | None:
    """The output of a look; None if the command failed, which may be different at the next look."""
    try:
        return _output(step, where, hands, values)
    except UsageError:
        raise
    except LabError:
        return None


def _matches(step: Step, patterns: list[str], output: str | None, values: Parts) -> bool:
    """A command that failed has not shown anything: least of all that something is gone."""
    if output is None:
        return False
    if step.same_as:
        return output == values.get(step.same_as)
    return any(re.search(one, output, re.MULTILINE) for one in patterns) == bool(step.prints)


def _waited(step: Step, where: str, values: Parts, output: str | None) -> str:
    command = " ".join(expand_all(step.run or ("kubectl", *step.kubectl), values))
    wanted = step.prints or (f"nothing like {step.lacks}" if step.lacks else f"what was kept as {step.same_as}")
    place, last = f" on {where}" if where else "", "  (it failed)" if output is None else process.last_lines(output)
    return f"{command}{place}: not {wanted} within {step.within:.0f} s; last:\n{last}"
