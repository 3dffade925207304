"""kube-proxy and flannel in nftables mode: their tables, edited as nft or another program would edit them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from spoiling import Evidence

from .proof import FAILED, INCONCLUSIVE, WARNING, Edit, Proof

NFT = "healthy-nftables"
Objects = list[dict[str, Any]]
PROXY = ("ip", "kube-proxy")
FLANNEL = ("ip", "flannel-ipv4")


def on_nft(requirement: str, what: str, edit: Edit, text: tuple[str, ...], **more: Any) -> Proof:
    """A proof on the recording of a cluster whose proxy and flannel write nftables rules; w1 goes red."""
    return Proof(requirement, what, edit, ("w1",), text, on=NFT, **more)


def listed(change: Callable[[Objects, Evidence], Objects]) -> Edit:
    """Change the list of objects that nft shows on w1."""

    def edit(evidence: Evidence) -> None:
        evidence.json_fact("w1", "nft", lambda body: {"nftables": change(body["nftables"], evidence)})

    return edit


def place(one: dict[str, Any]) -> tuple[str, str, str, str]:
    """Kind, family, table and chain (or name) of an object."""
    ((kind, body),) = one.items()
    name = body.get("chain") if kind == "rule" else body.get("name")
    return kind, body.get("family", ""), body["name"] if kind == "table" else body.get("table", ""), name or ""


def without_chain(table: tuple[str, str], chain: str) -> Edit:
    """A chain and its rules are gone."""
    return listed(lambda objects, _evidence: [one for one in objects if place(one)[1:] != (*table, chain)])


def without_table(table: tuple[str, str]) -> Edit:
    """A table with everything in it is gone."""
    return listed(lambda objects, _evidence: [one for one in objects if place(one)[1:3] != table])


def rules(table: tuple[str, str], chain: str, change: Callable[[list[list[Any]], Evidence], list[list[Any]]]) -> Edit:
    """Change the rules of a chain: each is a list of statements."""

    def edit(objects: Objects, evidence: Evidence) -> Objects:
        ours = [one for one in objects if place(one) == ("rule", *table, chain)]
        body = {"family": table[0], "table": table[1], "chain": chain}
        instead = [{"rule": {**body, "expr": expr}} for expr in change([one["rule"]["expr"] for one in ours], evidence)]
        at = objects.index(ours[0])
        return [*(one for one in objects[:at] if one not in ours), *instead, *(one for one in objects[at:] if one not in ours)]

    return listed(edit)


def elements(name: str, change: Callable[[list[Any]], list[Any]]) -> Edit:
    """Change the elements of one of kube-proxy's maps."""

    def edit(objects: Objects, _evidence: Evidence) -> Objects:
        for one in objects:
            if place(one) == ("map", *PROXY, name):
                one["map"]["elem"] = change(one["map"]["elem"])
        return objects

    return listed(edit)


def foreign(hook: str, kind: str, priority: int, *expr: Callable[[Evidence], Any]) -> Edit:
    """A base chain of somebody else with one rule."""

    def edit(objects: Objects, evidence: Evidence) -> Objects:
        body = {"family": "ip", "table": "others"}
        chain = {**body, "name": "c", "type": kind, "hook": hook, "prio": priority, "policy": "accept"}
        statements = [one(evidence) for one in expr]
        return [
            *objects,
            {"table": {"family": "ip", "name": "others"}},
            {"chain": chain},
            {"rule": {**body, "chain": "c", "expr": statements}},
        ]

    return listed(edit)


def within(field: str, network: str) -> Callable[[Evidence], Any]:
    """A match of an address with a network."""

    def statement(evidence: Evidence) -> Any:
        address, _, length = evidence.filled(network).partition("/")
        left = {"payload": {"protocol": "ip", "field": field}}
        return {"match": {"op": "==", "left": left, "right": {"prefix": {"addr": address, "len": int(length)}}}}

    return statement


def returned_as_in_iptables_mode(evidence: Evidence) -> None:
    """flannel's fourth rule: what is not from the pod network, to a pod of this node; it writes the two the other way round."""
    for node in ("control", "w1", "w2"):
        subnet, network = within("saddr", f"{{cidr {node}}}")(evidence), within("saddr", "10.244.0.0/16")(evidence)
        wrong = [{"match": {**subnet["match"], "op": "!="}}, within("daddr", "10.244.0.0/16")(evidence), {"return": None}]
        right = [{"match": {**network["match"], "op": "!="}}, within("daddr", f"{{cidr {node}}}")(evidence), {"return": None}]
        evidence.json_fact(node, "nft", partial(_replace_rule, wrong=wrong, right=right))


def _replace_rule(body: Any, wrong: list[Any], right: list[Any]) -> None:
    for one in body["nftables"]:
        if place(one) == ("rule", *FLANNEL, "postrtg") and one["rule"]["expr"] == wrong:
            one["rule"]["expr"] = right


def _own_subnet_only(found: list[list[Any]], evidence: Evidence) -> list[list[Any]]:
    for expr in found:
        if "masquerade" in expr[-1] and expr[0]["match"]["op"] == "==":
            expr[0] = within("saddr", "{cidr w1}")(evidence)
    return found


def _in_order(found: list[list[Any]], _evidence: Evidence) -> list[list[Any]]:
    for expr in found:
        expr[-1].update({"masquerade": None} if "masquerade" in expr[-1] else {})
    return found


def _leftover(evidence: Evidence) -> None:
    evidence.fact("w1", "iptables", lambda text: text.replace(":FORWARD ", ":FLANNEL-FWD - [0:0]\n:FORWARD ", 1))


STALE = [{"concat": ["10.96.255.250", "tcp", 80]}, {"goto": {"target": "reject-chain"}}]
MASQUERADE = "w1: marked and unmarked packets in nat POSTROUTING"
PROOFS = (
    on_nft(
        "NET-PROXY-025", "packets of the node are not asked about", without_chain(PROXY, "nat-output"),
        ("w1: priorities of kube-proxy's base chains (nft -j list ruleset)", "ip kube-proxy nat output: expected -100, found nothing"),
    ),
    on_nft(
        "NET-PROXY-025", "the table is deleted", without_table(PROXY),
        ("ip kube-proxy nat prerouting: expected -100, found nothing", "ip kube-proxy filter: expected forward 0 input 0"),
        also={f"NET-PROXY-{number} w1": FAILED for number in ("002", "017", "018", "022", "026", "027")} | {"NET-NAT-011 w1": INCONCLUSIVE},
    ),
    on_nft(
        "NET-PROXY-026", "the element of the cluster's DNS is missing",
        elements("service-ips", lambda found: [pair for pair in found if pair[0] != {"concat": ["10.96.0.10", "udp", 53]}]),
        ("w1: kube-proxy's sets and maps (nft -j list ruleset)",
         "service-ips 10.96.0.10 . udp . 53 (kube-system/kube-dns): expected there, found missing"),
        also={"NET-PROXY-017 w1": FAILED, "NET-PROXY-018 w1": FAILED},
    ),
    on_nft(
        "NET-PROXY-026", "an element of a Service that is gone lingers", elements("service-ips", lambda found: [*found, STALE]),
        ("service-ips 10.96.255.250 . tcp . 80: expected nothing, found there",),
    ),
    on_nft(
        "NET-PROXY-027", "marked packets are not masqueraded", rules(PROXY, "masquerading", lambda found, _evidence: found[1:]),
        (MASQUERADE, "mark 0x4000: expected masqueraded, found kept"),
        also={"NET-NAT-011 w1": INCONCLUSIVE},
    ),
    on_nft(
        "NET-PROXY-027", "source ports are not chosen at random", rules(PROXY, "masquerading", _in_order),
        (MASQUERADE, "port: expected fully-random, found not at random (native ip kube-proxy masquerading rule 1: meta mark & 0x00004000"),
        also={"NET-NAT-011 w1": WARNING},
    ),
    on_nft(
        "NET-PROXY-028", "the kernel is too old",
        lambda evidence: evidence.item("nodes", "w1", lambda node: node["status"]["nodeInfo"].update(kernelVersion="5.4.0-208-generic")),
        ("w1: what kube-proxy's nftables mode needs", "kernel: expected 5.13 or newer, found 5.4.0-208-generic"),
    ),
    on_nft(
        "NET-FLANNEL-023", "nothing accepts forwarded pod traffic", without_chain(FLANNEL, "forward"),
        ("w1: flannel in nftables mode (nft -j list ruleset)",
         "table ip flannel-ipv4, filter chain at hook forward: expected there, found missing",
         "forwarding: expected accepted by a rule, found accepted by no rule"),
    ),
    on_nft(
        "NET-FLANNEL-023", "a chain of iptables mode is left over", _leftover,
        ("chains of flannel's iptables mode: expected none, found FLANNEL-FWD",),
    ),
    on_nft(
        "NET-NAT-008", "flannel's table masquerades one node's subnet only", rules(FLANNEL, "postrtg", _own_subnet_only),
        ("of w2 > outside: expected masqueraded, found kept",),
    ),
    on_nft(
        "NET-NAT-009", "a native chain masquerades pod to pod traffic",
        foreign("postrouting", "nat", 90, *(within(end, "10.244.0.0/16") for end in ("saddr", "daddr")), lambda _: {"masquerade": None}),
        ("expected kept, found masqueraded (native ip others c rule 1: ip saddr 10.244.0.0/16 ip daddr 10.244.0.0/16 masquerade)",),
        also={"NET-PROXY-027 w1": FAILED, "NET-NAT-011 w1": WARNING},
    ),
    on_nft(
        "NET-NODE-007", "a native rule drops packets to one node",
        foreign("forward", "filter", 5, within("daddr", "{cidr w2}"), lambda _evidence: {"drop": None}),
        ("expected accepted, found drop (native ip others c rule 1: ip daddr {cidr w2} drop)",),
        also={"NET-NODE-016 w1": WARNING},
    ),
)  # fmt: skip
