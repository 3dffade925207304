"""Absence of evidence is never a pass: whatever a requirement looked at is taken away, cut or forged, piece by piece."""

from __future__ import annotations

import fnmatch

import pytest
from proofs import ELSEWHERE
from spoiling import Evidence

from pytest_k8snet.plan import catalogue
from pytest_k8snet.plugin.suite import folder

GARBAGE = "\u00bf?\n"
FACTS = (
    "addresses", "addresses/a", "addresses/b", "addresses/default", "addresses/none", "bridge-links", "bridge-nf", "cni",
    "cni-files", "cni-programs", "conntrack-count", "conntrack-max", "conntrack-stat", "fdb", "flannel-healthz", "flannel-readyz",
    "forwarding", "full-name/a", "hostname", "hosts", "hosts/a", "hosts/b", "hosts/host", "ip-forward", "iptables",
    "legacy-tables", "links", "local-ports", "machine-id", "modules", "neighbours", "netstat", "nft", "product-uuid",
    "proxy-healthz", "proxy-mode", "reserved-ports", "resolv.conf", "resolv.conf/a", "resolv.conf/b", "resolv.conf/default",
    "resolv.conf/host", "resolv.conf/hostdns", "resolv.conf/none", "route-localnet", "routes", "rp-filter", "runtime-config",
    "subnet.env", "tcp-be-liberal",
)  # fmt: skip
_ENDPOINTS = {f"NET-PROXY-{number}" for number in ("007", "010", "017", "016", "018", "019", "020", "021", "022", "023")}
_NAMES = {"NET-PROXY-009", "NET-PROXY-012", "NET-PROXY-013", "NET-PROXY-015", "NET-PROXY-023"}  # those and the version they are of
_MARKS = {"NET-PROXY-002", "NET-PROXY-008", "NET-PROXY-011", "NET-SERVICE-005"}
_RULES_OF_A_MODE = ("003", "004", "009", "012", "013", "015", "025", "026", "027", "028", "029", "030")
_BY_MODE = {f"NET-PROXY-{number}" for number in _RULES_OF_A_MODE} | {"NET-NAT-011", "NET-NODE-015"}
_TRANSLATED = _ENDPOINTS | _MARKS
_PROXY = {"NET-PROXY-001", "NET-PROXY-005", "NET-PROXY-006", "NET-SERVICE-014"}
_MODE = {
    "NET-SERVICE-012",
    "NET-SERVICE-020",
    "NET-SERVICE-024",
    "NET-NODE-002",
    "NET-NODE-006",
    "NET-SERVICE-009",
    "NET-SERVICE-010",
    "NET-SERVICE-018",
    "NET-SERVICE-026",
}
_FILES = {f"NET-DNS-{number:03}" for number in (6, 7, 8, 9, 10, 11, 12, 13)}
_HEADLESS = {"NET-DNS-020", "NET-DNS-022", "NET-DNS-023"}
_OVERLAY = {"NET-FLANNEL-015", "NET-FLANNEL-016", "NET-FLANNEL-017", "NET-FLANNEL-020", "NET-FLANNEL-021", "NET-NAT-005", "NET-PATH-002"}
_RUNTIME = {"NET-FLANNEL-008", "NET-FLANNEL-009", "NET-NODE-018"}  # kubelet's configuration tells which runtime is asked
OBJECTS: dict[str, set[str]] = {  # answer of the API -> requirements that hang on it
    "configmap/kube-flannel/kube-flannel-cfg": _OVERLAY
    | {"NET-FLANNEL-001", "NET-FLANNEL-002", "NET-FLANNEL-005", "NET-FLANNEL-006", "NET-FLANNEL-007"}
    | {"NET-FLANNEL-013", "NET-FLANNEL-014", "NET-FLANNEL-018", "NET-FLANNEL-023", "NET-FLANNEL-024", "NET-MTU-001", "NET-NAT-011"}
    | {"NET-NODE-001", "NET-NODE-003", "NET-NODE-004", "NET-NODE-010", "NET-NODE-011", "NET-NODE-012", "NET-PATH-003", "NET-REACH-014"}
    | {"NET-FLANNEL-025", "NET-PATH-005"},
    "configmap/kube-system/coredns": {"NET-DNS-005", "NET-DNS-016"},
    "configmap/kube-system/kube-proxy": _TRANSLATED | _PROXY | _MODE | _BY_MODE | {"NET-NAT-010", "NET-NODE-005"},
    "configmap/kube-system/kubeadm-config": {
        "NET-DNS-001", "NET-DNS-002", "NET-DNS-005", "NET-DNS-016", "NET-FLANNEL-003", "NET-NODE-010", "NET-NODE-012", "NET-PROXY-001",
        "NET-PROXY-005",
    },
    "configz/*": _FILES
    | _RUNTIME
    | {"NET-DNS-004", "NET-DNS-005", "NET-DNS-014", "NET-NAT-010", "NET-PROXY-013", "NET-PROXY-014", "NET-PROXY-015"},
    "daemonsets/kube-flannel": {"NET-EXTERNAL-005", "NET-FLANNEL-020", "NET-FLANNEL-026", "NET-NAT-011", "NET-NAT-007"}
    | {"NET-FLANNEL-008", "NET-NODE-018"},
    "daemonsets/kube-system": _TRANSLATED | _PROXY | _MODE | _BY_MODE,
    "deployments/kube-system": {"NET-DNS-001", "NET-DNS-002", "NET-DNS-016", "NET-DNS-015", "NET-DNS-027"},
    "events/dns-config-forming": {"NET-DNS-012", "NET-DNS-013"},
    "dry-run/dns-none-without-nameserver": {"NET-DNS-010"},
    "endpointslices": {"NET-DNS-003", "NET-DNS-027", "NET-DNS-028", "NET-NODE-011", "NET-REACH-015"}
    | _HEADLESS
    | _ENDPOINTS
    | {"NET-PROXY-002"},
    "log/kube-system/*": {"NET-DNS-015"},
    "namespace/kube-system": set(),
    "pods": {"NET-REACH-016", "NET-REACH-017"},
    "pods/kube-flannel": {"NET-FLANNEL-001"},
    "pods/kube-system": _NAMES | {"NET-DNS-001", "NET-DNS-003", "NET-DNS-015", "NET-PROXY-001", "NET-PROXY-006"},
    "networkpolicies": {"NET-POLICY-001", "NET-POLICY-002"},
    "scenario/affinity/*": {"NET-SERVICE-015", "NET-SERVICE-016"},
    "scenario/affinity-timeout/*": {"NET-SERVICE-017"},
    "scenario/enforcement/*": set(),  # the answer to the policy: what it does is observed
    "scenario/external-policy/*": {"NET-SERVICE-011", "NET-SERVICE-012"},
    "scenario/fresh-pod/*": set(),  # where the pod is stands in the fleet
    "scenario/host-port/*": {"NET-SERVICE-025"},
    "scenario/internal-policy/*": {"NET-SERVICE-014"},
    "scenario/ports/*": {"NET-SERVICE-021"},
    "scenario/readiness/*": set(),  # its steps wait for EndpointSlices, and each of them has its own control
    "scenario/retype/*": {"NET-SERVICE-022"},
    "scenario/selectorless/*": {"NET-SERVICE-023"},
    "scenario/terminating/*": {"NET-SERVICE-013", "NET-SERVICE-020"},
    "scenario/udp-flow/*": {"NET-SERVICE-024"},
    "services": {f"NET-DNS-{number:03}" for number in (2, 3, 4, 6, 8, 11, 17, 18, 19, 21, 24, 25, 26, 28)}
    | _HEADLESS
    | {"NET-FLANNEL-003"}
    | _ENDPOINTS
    | {"NET-PROXY-002"},
    "version": {"NET-PROXY-006"},
}  # fmt: skip


OF_ONE_NODE = {"resolv.conf/custom": "control", "addresses/custom": "control"}
UNHARMED = {  # a node's file gives the first nothing but search entries; a device shows more than a list of modules
    "cni": {"NET-NODE-018"},  # flannel's own file counts by its name; what another file says only tells whose it is
    "resolv.conf": _FILES - {"NET-DNS-007", "NET-DNS-009"},
    "modules": {"NET-NODE-003"},
}


def _naming(judged, test):
    """Items whose evidence names a piece that passes the test."""
    return {item for item, result in judged.results.items() if any(test(piece) for piece in result["evidence"])}


def _inconclusive(items):
    return dict.fromkeys(items, "inconclusive")


def _ids(items):
    return {item.partition(" ")[0] for item in items}


# Frames: everything that agents observed


def _heads(recorded):
    """Without the rounds of scenarios that only waited: they are recorded, and the last one counts."""
    entries = [entry for entry in recorded.streams["frames"] if entry["frame"]["kind"] == "result"]
    counting = {probe for event in recorded.entries("events", what="scenario") for probe in event.get("probes", ())}
    ids = {entry["frame"].get("id", "") for entry in entries if "scenario" not in entry or entry["frame"]["id"] in counting}
    return sorted({id.partition(":")[0] for id in ids})


def test_lost_frames(recorded, judge, healthy):
    """Probes of one kind (tcp4, resolve4+udp-short, ...) at a time: what rests on one of them is not judged, the rest stays.

    Three nodes lose three kinds in one replay; their items have nothing to do with each other.
    """
    heads = _heads(recorded)
    for start in range(0, len(heads), 3):
        evidence = Evidence(recorded)
        lost = [f"{head}:*@{node}>*" for head, node in zip(heads[start : start + 3], evidence.nodes, strict=False)]
        for pattern in lost:
            evidence.lose(pattern)
        named = [_naming(healthy, lambda piece, name=name: _is_probe(piece, name)) for name in map(evidence.long, lost)]
        assert all(named)
        assert judge(evidence).differs(healthy) == _inconclusive(set().union(*named)), lost


def _is_probe(piece, pattern):
    return fnmatch.fnmatchcase(piece.get("probe", ""), pattern)


def _foreign_stream(entry):
    entry["source"] = "pod/a@somewhere-else"


def _fewer_samples(entry):
    frame = entry["frame"]
    frame["samples"] = [sample for sample in frame["samples"] if sample["warmup"]]


FORGERIES = {
    "another run": lambda entry: entry["frame"].update(run="ffffff"),
    "another agent's stream": _foreign_stream,
    "only warm-up samples": _fewer_samples,
    "no samples": lambda entry: entry["frame"].pop("samples"),
    "samples of no shape": lambda entry: entry["frame"].update(samples="reached"),
    "unknown outcome": lambda entry: [sample.update(outcome="fine") for sample in entry["frame"]["samples"]],
    "no outcome": lambda entry: [sample.pop("outcome") for sample in entry["frame"]["samples"]],
    "no duration": lambda entry: [sample.update(seconds=None) for sample in entry["frame"]["samples"]],
    "no request": lambda entry: entry["frame"].pop("request"),
    "another action": lambda entry: entry["frame"]["request"].update(action="guess"),
    "no try": lambda entry: [sample.update(outcome="probe-error", reply={}) for sample in entry["frame"]["samples"]],
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_damaged_and_foreign_frames(forgery, evidence, judge, healthy):
    for entry in evidence.recording.streams["frames"]:
        if entry["frame"]["kind"] == "result":
            FORGERIES[forgery](entry)
    resting = _naming(healthy, lambda piece: piece["kind"] == "frame")
    assert judge(evidence).differs(healthy) == _inconclusive(resting)


def test_an_answer_with_another_nonce_is_a_stranger(evidence, judge, healthy):
    """The agent says "reached", but what came back answers another question: that is a finding, not a pass."""
    evidence.reply("tcp4:pod/a@w1>pod/a@w2", nonce="0000")
    changed = judge(evidence).differs(healthy)
    assert changed["NET-REACH-005 pod/a@w1 > pod/a@w2 tcp"] == "failed"


@pytest.mark.parametrize(
    ("lost", "probe", "items"),
    [
        ("peer", "tcp4:pod/a@w1>pod/a@w2", {"NET-NAT-002 pod/a@w1 > pod/a@w2 tcp"}),
        ("peer", "tcp4:pod/a@w1>outside/runner", {"NET-EXTERNAL-005 pod/a@w1 > outside/runner tcp"}),
        ("ttl", "icmp4:pod/a@w1>pod/a@w2", {"NET-PATH-002 pod/a@w1 > pod/a@w2 icmp"}),
    ],
)
def test_what_the_target_does_not_tell_is_not_observed(lost, probe, items, evidence, judge, healthy):
    evidence.samples(probe, lambda sample: sample["reply"].pop(lost))
    assert judge(evidence).differs(healthy) == _inconclusive(items)


# Facts: everything that was read on nodes


@pytest.mark.parametrize("name", FACTS)
def test_facts(name, evidence, judge, healthy):
    """On w1 the fact is missing, on w2 it could not be read, on the control plane it is garbage."""
    facts = evidence.recording.streams["facts"]
    gone = evidence.facts("w1", name)
    assert gone
    evidence.recording.streams["facts"] = [fact for fact in facts if not any(fact is one for one in gone)]
    for fact in evidence.facts("w2", name):
        fact.update(ok=False, text="", error="timed out after 10 s")
    for fact in evidence.facts("control", name):
        fact["text"] = GARBAGE
    judged = judge(evidence)
    changed = judged.differs(healthy)
    resting = {node: _naming(healthy, lambda piece, node=node: _is_fact(piece, name, evidence.long(node))) for node in evidence.nodes}
    assert {item: status for item, status in changed.items() if item not in resting["control"]} == _inconclusive(
        (resting["w1"] | resting["w2"]) - resting["control"]
    )
    assert {changed.get(item) for item in resting["control"] & resting["w1"]} <= {"inconclusive"}  # items that rest on every node
    passed = {item for item in resting["control"] if judged.statuses[item] == "passed"}
    assert _ids(passed) <= UNHARMED.get(name, set())
    alone = resting["w2"] - resting["control"]  # nothing where a fact serves items about all nodes only: those name w1 first
    word, items = ("timed out after 10 s", alone) if alone else ("w1: ", resting["w2"])
    assert word in judged.message(min(items))


@pytest.mark.parametrize("name", OF_ONE_NODE)
@pytest.mark.parametrize("loss", ["missing", "unread", "garbage"])
def test_facts_of_one_node(name, loss, evidence, judge, healthy):
    found = evidence.facts(OF_ONE_NODE[name], name)
    if loss == "missing":
        evidence.recording.streams["facts"] = [fact for fact in evidence.recording.streams["facts"] if fact not in found]
    for fact in found:
        fact.update({"ok": False, "text": "", "error": "timed out"} if loss == "unread" else {"text": GARBAGE})
    resting = _naming(healthy, lambda piece: _is_fact(piece, name, evidence.long(OF_ONE_NODE[name])))
    changed = judge(evidence).differs(healthy)
    assert set(changed) == resting
    assert changed == _inconclusive(resting) or loss == "garbage"


def _is_fact(piece, name, node):
    return (piece["kind"], piece.get("name"), piece.get("node")) == ("fact", name, node)


@pytest.mark.parametrize("device", ["cni0", "flannel.1", "eth0"])
def test_one_file_of_several(device, evidence, judge, healthy):
    """The bridge too: before the first pod it need not be there, afterwards it must."""
    facts = evidence.recording.streams["facts"]
    gone = [fact for fact in evidence.facts("w1", "forwarding") if f"/{device}/" in fact["source"] and fact["phase"] == "after"]
    evidence.recording.streams["facts"] = [fact for fact in facts if fact not in gone]
    assert len(gone) == 1
    assert judge(evidence).differs(healthy) == {"NET-NODE-001 w1": "inconclusive"}


def test_every_fact_is_taken_away(recorded):
    assert {fact["name"] for fact in recorded.streams["facts"]} == {*FACTS, *OF_ONE_NODE}


@pytest.mark.parametrize("names", [("addresses", "fdb", "iptables"), ("links", "neighbours", "nft"), ("routes",)], ids="-".join)
def test_a_dump_that_was_cut_off(names, evidence, judge, healthy):
    resting = set()
    for name, node in zip(names, evidence.nodes, strict=False):
        evidence.fact(node, name, lambda text: text[: len(text) // 2])
        resting |= _naming(healthy, lambda piece, name=name, node=node: _is_fact(piece, name, evidence.long(node)))
    assert judge(evidence).differs(healthy) == _inconclusive(resting)


# Objects: everything that the API said


@pytest.mark.parametrize("name", OBJECTS)
def test_objects(name, evidence, judge, healthy):
    found = list(evidence.recording.streams["objects"])
    left = [entry for entry in found if not fnmatch.fnmatchcase(entry["name"], name)]
    assert len(left) < len(found)
    evidence.recording.streams["objects"] = left
    judged = judge(evidence)
    changed = judged.differs(healthy)
    assert _ids(changed) == OBJECTS[name]
    assert set(changed.values()) <= {"inconclusive", "gone"}
    binding = [item for item in changed if item in judged.results and judged.results[item]["level"] == "MUST"]
    assert judged.code == (10 if binding else 0)


def test_without_nodes_nothing_is_judged(evidence, judge):
    evidence.recording.streams["objects"] = [entry for entry in evidence.recording.streams["objects"] if entry["name"] != "nodes"]
    judged = judge(evidence)
    assert judged.code == 10
    assert "no list of nodes" in judged.report["problem"]
    assert set(judged.statuses.values()) <= {"inconclusive"}


def test_every_object_is_taken_away(recorded):
    names = {entry["name"] for entry in recorded.streams["objects"]} - {"nodes"}
    assert [name for name in names if sum(fnmatch.fnmatchcase(name, pattern) for pattern in OBJECTS) != 1] == []


# All together


def test_every_requirement_lost_its_evidence(healthy):
    """Frames, facts and objects above together: no requirement passes whatever is missing."""
    observed = _ids(_naming(healthy, lambda piece: piece["kind"] in ("frame", "fact")))
    nodes_alone = {
        "NET-FLANNEL-010",
        "NET-FLANNEL-011",
        "NET-FLANNEL-012",
        "NET-NODE-013",
    }  # rest on the Node objects, without which nothing is judged
    assert observed.union(nodes_alone, ELSEWHERE, *OBJECTS.values()) == set(catalogue.load(folder() / "catalogue"))
