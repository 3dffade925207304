"""A healthy recording to be spoilt: raw text, API objects and frames, never a parsed value or a status.

Nodes are called w1, w2 and control. Every edit must hit something, so that a test cannot miss silently.
"""

from __future__ import annotations

import copy
import fnmatch
import json
import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_network
from typing import Any

from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.parse.objects import inventory

Frame = dict[str, Any]


class Evidence:
    """One's own copy of a recording."""

    def __init__(self, recording: Recording) -> None:
        self.recording = Recording(copy.deepcopy(recording.meta), copy.deepcopy(recording.streams))
        self.short = short_names(inventory(recording))
        self._names = {short: name for name, short in self.short.items()}

    # Names and addresses

    @property
    def nodes(self) -> list[str]:
        """Short names of all nodes."""
        return list(self._names)

    def long(self, text: str) -> str:
        """Text with the nodes' own names where it has short ones."""
        return re.sub(r"\b(w\d|control)\b", lambda match: self._names[match[0]], text)

    def ip(self, endpoint: str) -> str:
        """Address of a probe pod ("pod/a@w1") or of a node ("w1")."""
        wanted = self.long(endpoint if "@" in endpoint else f"host@{endpoint}")
        return next(str(entry["ip"]) for entry in self.recording.entries("fleet", endpoint=wanted))

    def ip6(self, endpoint: str) -> str:
        """IPv6 address of a probe pod or of a node."""
        wanted = self.long(endpoint if "@" in endpoint else f"host@{endpoint}")
        return next(str(ip) for entry in self.recording.entries("fleet", endpoint=wanted) for ip in entry["ips"] if ":" in ip)

    def cidr6(self, node: str) -> str:
        """IPv6 podCIDR of a node."""
        found = next(item for item in self._last("nodes")["items"] if item["metadata"]["name"] == self._names[node])
        return next(str(cidr) for cidr in found["spec"]["podCIDRs"] if ":" in cidr)

    def cidr(self, node: str) -> str:
        """podCIDR of a node."""
        return str(next(item["spec"]["podCIDR"] for item in self._last("nodes")["items"] if item["metadata"]["name"] == self._names[node]))

    def _replicas(self) -> str:
        pods = [pod for pod in self._last("pods/kube-system")["items"] if pod["metadata"]["labels"].get("k8s-app") == "kube-dns"]
        return ", ".join(sorted(pod["status"]["podIP"] for pod in pods))

    def filled(self, text: str) -> str:
        """Text with {pod/a@w1}, {w1}, {cidr w1} and {1 w1}, an address of that podCIDR by its number, replaced by addresses.

        For IPv6 {pod/a@w1 ipv6}, {w1 ipv6}, {cidr6 w1}, and {tunnel6 w1} for the network address of that podCIDR.
        {replicas} are the addresses of all CoreDNS pods.
        """
        text = text.replace("{replicas}", self._replicas())
        text = re.sub(r"\{(\S+) ipv6\}", lambda match: self.ip6(match[1]), text)
        text = re.sub(r"\{cidr6 (\w+)\}", lambda match: self.cidr6(match[1]), text)
        text = re.sub(r"\{tunnel6 (\w+)\}", lambda match: self.cidr6(match[1]).partition("/")[0], text)
        text = re.sub(r"\{cidr (\w+)\}", lambda match: self.cidr(match[1]), text)
        text = re.sub(r"\{(\d+) (\w+)\}", lambda match: str(ip_network(self.cidr(match[2]))[int(match[1])]), text)
        return re.sub(r"\{([^{}]+)\}", lambda match: self.ip(match[1]), text)

    # Facts: raw text

    def fact(self, node: str, name: str, change: Callable[[str], str], *, source: str = "", phase: str = "") -> None:
        """Change the text of a fact, in every phase or in one; `source` picks one of several files."""
        found = [fact for fact in self.facts(node, name) if source in fact["source"] and phase in ("", fact["phase"])]
        self._change(found, "text", change, f"fact {name} of {node}")

    def facts(self, node: str, name: str) -> list[Any]:
        """The entries of a fact, to be changed in place."""
        return list(self.recording.entries("facts", node=self._names[node], name=name))

    def replace(self, node: str, name: str, old: str, new: str, **where: str) -> None:
        """Replace a part of a fact's text. The part must be there."""
        self.fact(node, name, lambda text: text.replace(self.filled(old), self.filled(new)), **where)

    def json_fact(self, node: str, name: str, change: Callable[[Any], Any]) -> None:
        """Change a fact that is JSON; `change` gets the value and may return None after editing it."""
        self.fact(node, name, lambda text: json.dumps(_edited(json.loads(text), change)))

    def delete_rule(self, node: str, *parts: str) -> None:
        """Delete the one rule of `iptables-save` that holds all of these parts."""
        self.edit_rule(node, lambda _rule: [], *parts)

    def edit_rule(self, node: str, change: Callable[[str], Iterable[str]], *parts: str) -> None:
        """Replace the one rule that holds all of these parts by other lines."""
        wanted = [self.filled(part) for part in parts]

        def edited(text: str) -> str:
            lines = text.split("\n")
            found = [index for index, line in enumerate(lines) if all(part in line for part in wanted)]
            assert len(found) == 1, f"{len(found)} rules of {node} hold {wanted}"
            return "\n".join([*lines[: found[0]], *change(lines[found[0]]), *lines[found[0] + 1 :]])

        self.fact(node, "iptables", edited)

    def rule_before(self, node: str, rule: str, *parts: str) -> None:
        """Insert a rule before the one that holds these parts."""
        self.edit_rule(node, lambda line: ["[0:0] " + self.filled(rule), line], *parts)

    # Objects: answers of the API

    def object(self, name: str, change: Callable[[Any], Any]) -> None:
        """Change the body of an API answer, every time it was read; `change` gets a copy and may return None after editing it."""
        found = [entry for entry in self.recording.entries("objects", name=self.long(name)) if entry["status"] == 200]
        self._change(found, "body", lambda body: _edited(body, change), f"object {name}")

    def item(self, listing: str, name: str, change: Callable[[Any], None]) -> None:
        """Change the items of a list object whose name matches the pattern."""

        def edit(body: Any) -> None:
            for item in body["items"]:
                if fnmatch.fnmatchcase(item["metadata"]["name"], self.long(name)):
                    change(item)

        self.object(listing, edit)

    def pod_on(self, listing: str, label: tuple[str, str], node: str, change: Callable[[Any], None]) -> None:
        """Change the pods of a list object that carry a label and run on a node."""

        def edit(body: Any) -> None:
            for pod in body["items"]:
                if (pod["metadata"].get("labels") or {}).get(label[0]) == label[1] and pod["spec"].get("nodeName") == self._names[node]:
                    change(pod)

        self.object(listing, edit)

    # Frames: what agents sent

    def frames(self, id: str, change: Callable[[Frame], None]) -> None:
        """Change result frames in place. `id` is a probe's spelling, "tcp4:pod/a@w1>pod/a@w2"; * stands for anything."""
        found = [entry["frame"] for entry in self.recording.streams["frames"] if self._matches(entry["frame"], id)]
        assert found, f"no frame {id}"
        before = json.dumps(found, sort_keys=True)
        for frame in found:
            change(frame)
        assert json.dumps(found, sort_keys=True) != before, f"frames {id} stayed as they were"

    def samples(self, id: str, change: Callable[[Frame], None]) -> None:
        """Change every sample of result frames in place."""
        self.frames(id, lambda frame: [change(sample) for sample in frame["samples"]] and None)

    def outcome(self, id: str, outcome: str, seconds: float | None = None, detail: Mapping[str, Any] | None = None) -> None:
        """Let probes end like this, without an answer; `detail` is what the agent noted besides."""

        def change(sample: Frame) -> None:
            sample.update(outcome=outcome, reply={}, detail={"local": sample["detail"].get("local"), **(detail or {})})
            sample["seconds"] = sample["seconds"] if seconds is None else seconds

        self.samples(id, change)

    def reply(self, id: str, **fields: Any) -> None:
        """Change fields of what the target answered."""
        self.samples(id, lambda sample: sample["reply"].update(fields))

    def lose(self, id: str) -> None:
        """Drop result frames."""
        frames = self.recording.streams["frames"]
        kept = [entry for entry in frames if not self._matches(entry["frame"], id)]
        assert len(kept) < len(frames), f"no frame {id}"
        self.recording.streams["frames"] = kept

    def _matches(self, frame: Mapping[str, Any], id: str) -> bool:
        return frame.get("kind") == "result" and fnmatch.fnmatchcase(str(frame.get("id")), self.long(id))

    def _last(self, name: str) -> Any:
        return self.recording.object(name)

    def _change(self, entries: list[Any], field: str, change: Callable[[Any], Any], what: str) -> None:
        assert entries, f"the recording holds no {what}"
        before = [entry[field] for entry in entries]
        for entry in entries:
            entry[field] = change(entry[field])
        unchanged = [entry for entry, old in zip(entries, before, strict=True) if entry[field] == old]
        assert not unchanged, f"{what} stayed as it was"


def short_names(cluster: Inventory) -> dict[str, str]:
    """Node name -> w1, w2, ... for workers in order of their names, control for the first control plane."""
    workers = sorted(node.name for node in cluster.nodes if not node.control_plane)
    control = sorted(node.name for node in cluster.nodes if node.control_plane)
    return {name: f"w{number}" for number, name in enumerate(workers, 1)} | dict.fromkeys(control[:1], "control")


def _edited(value: Any, change: Callable[[Any], Any]) -> Any:
    mine = copy.deepcopy(value)
    answer = change(mine)
    return mine if answer is None else answer
