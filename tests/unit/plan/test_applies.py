from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.model.settings import Settings
from pytest_k8snet.plan.applies import Answer, evaluate, parse
from pytest_k8snet.plan.features import values

KEYS = ("cni", "backend", "proxy", "dns")
WORDS = ("flannel", "vxlan", "host-gw", "iptables")
terms = st.builds(
    lambda key, operator, words: f"{key}{operator}{'|'.join(words)}",
    st.sampled_from(KEYS), st.sampled_from(("=", "!=")), st.lists(st.sampled_from(WORDS), min_size=1, unique=True),
)  # fmt: skip
conditions = st.lists(terms, min_size=1, max_size=4).map("; ".join)
worlds = st.fixed_dictionaries({key: st.one_of(st.none(), st.sampled_from(WORDS)) for key in KEYS})


@pytest.mark.parametrize(
    ("condition", "known", "answer"),
    [
        ("any", {}, Answer.YES),
        ("cni=flannel", {"cni": "flannel"}, Answer.YES),
        ("cni=flannel", {"cni": "calico"}, Answer.NO),
        ("cni=flannel", {"cni": None}, Answer.UNKNOWN),
        ("cni=flannel", {"cni": ""}, Answer.UNKNOWN),
        ("cni=flannel", {}, Answer.UNKNOWN),
        ("backend=vxlan|host-gw", {"backend": "host-gw"}, Answer.YES),
        ("backend=vxlan", {"backend": "vxlan-direct"}, Answer.NO),
        ("proxy!=none", {"proxy": "none"}, Answer.NO),
        ("proxy!=none", {"proxy": "ipvs"}, Answer.YES),
        ("nodes>=2", {"nodes": 1.0}, Answer.NO),
        ("nodes>=2", {"nodes": 2.0}, Answer.YES),
        ("k8s>=1.17", {"k8s": "v1.9.3"}, Answer.NO),
        ("k8s>=1.17", {"k8s": "v1.36.2-rc.1"}, Answer.YES),
        ("flannel<0.20.2", {"flannel": "0.20"}, Answer.YES),
        ("flannel>=0.20.0", {"flannel": "0.20"}, Answer.YES),
        ("flannel.ipmasq=true", {"flannel.ipmasq": False}, Answer.NO),
        ("flannel.ipmasq=true", {"flannel.ipmasq": True}, Answer.YES),
        ("family=ipv4", {"family": frozenset({"ipv4", "ipv6", "dual"})}, Answer.YES),
        ("family=ipv6", {"family": frozenset({"ipv4"})}, Answer.NO),
        ("feature=egress", {"feature.egress": True}, Answer.YES),
        ("feature=egress", {}, Answer.NO),
        ("cni=flannel; proxy=iptables", {"cni": None, "proxy": "ipvs"}, Answer.NO),
        ("cni=flannel; proxy=iptables", {"cni": "flannel", "proxy": None}, Answer.UNKNOWN),
    ],
)
def test_conditions(condition, known, answer):
    assert evaluate(condition, known).answer is answer


def test_reasons_name_the_term_and_what_was_found():
    assert evaluate("nodes>=2", {"nodes": 1.0}).reason == "needs nodes>=2, this cluster has nodes=1"
    assert evaluate("cni=flannel", {}).reason == "needs cni=flannel, and the cluster does not tell its cni"


@pytest.mark.parametrize("condition", ["cni", "cni=", "=flannel", "cni = flannel calico", "", "cni=flannel;"])
def test_what_is_no_condition_is_named(condition):
    with pytest.raises(ValueError, match="is not KEY=VALUE"):
        parse(condition)


@given(conditions, worlds)
def test_not_knowing_never_makes_a_yes(condition, world):
    """Forgetting a value may turn yes or no into unknown, but never no or unknown into yes."""
    before = evaluate(condition, world).answer
    for key in world:
        after = evaluate(condition, {**world, key: None}).answer
        assert after is not Answer.YES or before is Answer.YES


@given(conditions, conditions, worlds)
def test_and_is_as_strict_as_both_parts(left, right, world):
    both = {evaluate(left, world).answer, evaluate(right, world).answer}
    expected = Answer.NO if Answer.NO in both else Answer.UNKNOWN if Answer.UNKNOWN in both else Answer.YES
    assert evaluate(f"{left}; {right}", world).answer is expected


def test_values_of_a_cluster_that_does_not_tell_are_unknown(plain):
    known = values(plain, Settings())
    assert [key for key in ("cni", "backend", "flannel.ipmasq", "proxy", "installer") if known[key] is not None] == []


def test_features_follow_the_options(inventory):
    known = values(inventory, Settings(external_address="off"))
    assert (known["feature.egress"], known["feature.egress-echo"], known["feature.egress-dns"]) == (False, False, False)
    known = values(inventory, Settings(external=("tcp://192.0.2.1:80", "dns://192.0.2.1/x.test"), external_address="off"))
    assert (known["feature.egress"], known["feature.egress-dns"]) == (True, True)
    assert values(inventory, Settings(features={"egress": False}))["feature.egress"] is False
