"""Native nftables rules as values, and as a person reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.parse import ParseError
from pytest_k8snet.parse.nft import NftRule, parse_json
from pytest_k8snet.parse.nft_expression import Concat, Members, Opaque, Pairs, Plain, Update, Verdict
from pytest_k8snet.parse.nft_read import expression, statement

DUMPS = Path(__file__).parents[2] / "fixtures" / "dumps" / "nftables"
FIELD = {"payload": {"protocol": "ip", "field": "daddr"}}
MARK = {"meta": {"key": "mark"}}
KEY = {"concat": [FIELD, {"meta": {"key": "l4proto"}}, {"payload": {"protocol": "th", "field": "dport"}}]}


def dump(name: str) -> Any:
    return parse_json((DUMPS / f"{name}.nft.json").read_text())


def test_kube_proxy_of_a_node() -> None:
    found = dump("proxy")
    services = found.set("ip", "kube-proxy", "service-ips")
    assert (services.types, services.values) == (("ipv4_addr", "inet_proto", "inet_service"), "verdict")
    assert isinstance(services.elements, Pairs)
    assert dict(services.elements.pairs)[Concat(("10.96.0.10", "udp", 53))] == Verdict(
        "goto", "service-FY5PMXPG-kube-system/kube-dns/udp/dns"
    )
    empty = found.set("ip", "kube-proxy", "no-endpoint-services")
    assert {value.target for _, value in empty.elements.pairs} == {"reject-chain"}, "elements with a comment are elements"
    addresses = found.set("ip", "kube-proxy", "cluster-ips")
    assert isinstance(addresses.elements, Members)
    assert "10.96.0.10" in addresses.elements.elements
    hooks = {(chain.type, chain.hook, chain.priority) for chain in found.base_chains if chain.table == "kube-proxy"}
    assert {("nat", "prerouting", -100), ("nat", "output", -100), ("nat", "postrouting", 100), ("filter", "prerouting", -110)} <= hooks


def test_rules_as_nft_writes_them() -> None:
    found = dump("both")
    lines = {rule.raw for table in ("kube-proxy", "flannel-ipv4") for chain in found.chains if chain.table == table for rule in chain.rules}
    assert {
        "ip daddr . meta l4proto . th dport vmap @service-ips",
        "meta mark & 0x00004000 != 0x00000000 meta mark set meta mark ^ 0x00004000 masquerade fully-random",
        'ip daddr 10.96.0.0/16 drop comment "Drop traffic to unallocated ClusterIPs"',
        "ct status dnat ip saddr . ip daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random",
        "meta mark 0x00004000 return",
        "ip saddr != 10.244.2.0/24 ip daddr 10.244.0.0/16 return",
        "meta l4proto udp dnat to numgen random mod 2 map { 0 : 10.244.1.2 . 53, 1 : 10.244.2.2 . 53 }",
    } <= lines


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ({"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "new"]}}, "ct state established,new"),
        ({"match": {"op": "!=", "left": FIELD, "right": {"range": ["10.0.0.1", "10.0.0.9"]}}}, "ip daddr != 10.0.0.1-10.0.0.9"),
        ({"match": {"op": "==", "left": FIELD, "right": {"set": ["10.0.0.1", {"prefix": {"addr": "10.1.0.0", "len": 16}}]}}},
         "ip daddr { 10.0.0.1, 10.1.0.0/16 }"),
        ({"match": {"op": "==", "left": {"ct": {"key": "ip daddr", "dir": "original"}}, "right": "10.0.0.1"}},
         "ct original ip daddr 10.0.0.1"),
        ({"match": {"op": "==", "left": {"fib": {"result": "type", "flags": ["daddr", "iif"]}}, "right": "local"}},
         "fib daddr . iif type local"),
        ({"vmap": {"key": KEY, "data": "@service-ips"}}, "ip daddr . meta l4proto . th dport vmap @service-ips"),
        ({"vmap": {"key": FIELD, "data": {"set": [["10.0.0.1", {"jump": {"target": "c"}}], ["*", {"drop": None}]]}}},
         "ip daddr vmap { 10.0.0.1 : jump c, * : drop }"),
        ({"mangle": {"key": MARK, "value": {"|": [MARK, 16384]}}}, "meta mark set meta mark | 0x00004000"),
        ({"dnat": {"addr": "10.0.0.1", "port": 53}}, "dnat to 10.0.0.1:53"),
        ({"redirect": {"port": 53}}, "redirect to :53"),
        ({"masquerade": {"flags": ["random", "persistent"]}}, "masquerade random,persistent"),
        ({"masquerade": None}, "masquerade"),
        ({"reject": {"type": "tcp reset"}}, "reject with tcp reset"),
        ({"set": {"op": "update", "elem": {"elem": {"val": FIELD, "timeout": 3600}}, "set": "@seen"}}, "update @seen { ip daddr }"),
        ({"counter": {"packets": 1, "bytes": 2}}, "counter"),
        ({"limit": {"rate": 10, "per": "second"}}, 'limit {"rate": 10, "per": "second"}'),
        ({"tproxy": {"port": 50}}, 'tproxy {"port": 50}'),
    ],
)  # fmt: skip
def test_statements(raw: dict[str, Any], text: str) -> None:
    assert str(statement(raw)) == text


def test_what_is_not_known_keeps_its_json() -> None:
    assert expression({"jhash": {"mod": 2}}) == Opaque('{"jhash": {"mod": 2}}')
    assert expression({"payload": {"base": "th", "offset": 0, "len": 16}}) == Opaque('{"payload": {"base": "th", "offset": 0, "len": 16}}')
    assert statement({"dnat": {"addr": "10.0.0.1", "new": 1}}) == Plain("dnat", '{"addr": "10.0.0.1", "new": 1}')
    assert statement({"set": {"op": "add", "elem": FIELD, "set": "@s", "stmt": [{"limit": {}}]}}) == Update(
        "add", "s", expression(FIELD), True
    )


def test_flags_of_several_operands() -> None:
    """Newer versions of nft list the operands of one operator together."""
    assert str(expression({"|": ["fin", "syn", "rst"]})) == "fin | syn | rst"


def test_a_table_that_is_switched_off_has_no_base_chain() -> None:
    chain = {"chain": {"family": "ip", "table": "t", "name": "c", "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}}
    tables = [{"table": {"family": "ip", "name": "t", "flags": flags}} for flags in ("dormant", [])]
    assert [len(parse_json(json.dumps({"nftables": [table, chain]})).base_chains) for table in tables] == [0, 1]


@pytest.mark.parametrize(
    "body", [{"match": {"op": "=="}}, {"jump": {}}, {"vmap": {"key": FIELD}}, {"match": 1}, {"mangle": {"key": MARK}}, {"a": 1, "b": 2}]
)
def test_half_a_statement_is_refused(body: dict[str, Any]) -> None:
    rule = {"rule": {"family": "ip", "table": "t", "chain": "c", "expr": [body]}}
    with pytest.raises(ParseError, match="incomplete"):
        parse_json(json.dumps({"nftables": [rule, {"chain": {"family": "ip", "table": "t", "name": "c"}}]}))


_KEYS = st.sampled_from(["payload", "set", "elem", "val", "concat", "&", "map", "key", "jump"])
_SCALARS = st.one_of(st.integers(), st.text(max_size=8), st.none(), st.booleans())
_JSON = st.recursive(
    _SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=2)), max_leaves=8
)
_KINDS = st.sampled_from(["match", "vmap", "dnat", "mangle", "set", "accept", "limit"])


@given(st.lists(st.dictionaries(_KINDS, _JSON, max_size=2), max_size=3))
def test_any_rule_is_read_or_refused(statements: list[Any]) -> None:
    rule = {"rule": {"family": "ip", "table": "t", "chain": "c", "expr": statements}}
    text = json.dumps({"nftables": [{"chain": {"family": "ip", "table": "t", "name": "c"}}, rule]})
    try:
        (read,) = parse_json(text).chains[0].rules
    except ParseError:
        return
    assert isinstance(read, NftRule)
    assert len(read.statements) == len(statements)
    assert isinstance(read.raw, str)
