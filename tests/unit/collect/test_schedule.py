"""The order of probes: every probe once, no source starting where another one starts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.collect.schedule import by_source
from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.probe import Action, Probe

NODES = [f"n{number}" for number in range(6)]
PODS = st.builds(Endpoint, st.just(EndpointKind.POD), st.sampled_from(["a", "b"]), st.sampled_from(NODES))
PROBES = st.builds(Probe, st.sampled_from([Action.TCP, Action.UDP]), PODS, PODS)


@given(st.lists(PROBES))
def test_every_probe_is_asked_once_by_its_own_source(probes):
    batches = by_source(probes)
    assert sorted(probe for batch in batches.values() for probe in batch) == sorted(set(probes))
    assert all(probe.source == source for source, batch in batches.items() for probe in batch)


@given(st.lists(PROBES), st.randoms())
def test_the_order_does_not_depend_on_the_order_of_the_plan(probes, random):
    shuffled = list(probes)
    random.shuffle(shuffled)
    assert by_source(probes) == by_source(shuffled)


def test_in_a_full_mesh_every_source_starts_at_another_target():
    pods = [Endpoint(EndpointKind.POD, "a", node) for node in NODES]
    mesh = [Probe(Action.TCP, source, target) for source in pods for target in pods]
    first = [batch[0].target for batch in by_source(mesh).values()]
    assert len(set(first)) == len(pods)
