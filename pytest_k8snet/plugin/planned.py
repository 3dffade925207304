"""`--k8snet-plan`: what a run would create and send, from the same plan that a real run follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from pytest_k8snet.model.settings import Settings

from .demand import Case, CellPlan
from .state import State

_HOST_ROLES = frozenset({"host", "hostdns"})


def show(state: State, cases: Sequence[Case]) -> Iterator[str]:
    """Lines for a person; nothing is created."""
    chosen = [case for case in cases if case.plans and not case.skip]
    if state.demand is None or not chosen:
        yield f"k8snet: plan: {state.problem or 'nothing is selected, so nothing would be created'}"
        return
    needs, asked = state.demand.needs(chosen), state.demand.asked(chosen)
    nodes, roles = state.demand.inventory.names, sorted(needs.roles - {"runner"})
    yield f"k8snet: plan for {len({case.requirement.id for case in chosen})} requirements on {len(nodes)} nodes"
    if needs.objects:
        yield from _created(state.settings, roles, len(nodes), needs.services)
    yield from _sent(state.settings, asked)
    yield f"  facts       {len(needs.readers)} readers on each node: {', '.join(sorted(needs.readers)) or 'none'}"
    if needs.scenarios:
        yield f"  scenarios   {', '.join(sorted(needs.scenarios))}: objects of their own in {state.settings.prefix}-restricted"
    yield "k8snet: nothing was created"


def _created(settings: Settings, roles: Sequence[str], nodes: int, services: frozenset[str]) -> Iterator[str]:
    privileged = [role for role in roles if role in _HOST_ROLES]
    restricted = [role for role in roles if role not in _HOST_ROLES]
    if restricted:
        yield f"  pods        {len(restricted) * nodes} in {settings.prefix}-restricted ({', '.join(restricted)} on every node)"
    if privileged:
        words = ", ".join(f"{role}: {_PRIVILEGE[role]}" for role in privileged)
        yield f"  pods        {len(privileged) * nodes} in {settings.prefix}-privileged ({words})"
    yield f"  image       {settings.image}, pull policy {settings.pull_policy}"
    yield f"  services    {', '.join(sorted(services)) or 'none'}"


def _sent(settings: Settings, asked: Sequence[CellPlan]) -> Iterator[str]:
    samples: Counter[str] = Counter()
    for plan in {plan.probe: plan for plan in asked}.values():
        samples[str(plan.probe.action)] += plan.maximum or plan.samples + 1
    kinds = ", ".join(f"{count} {action}" for action, count in sorted(samples.items()))
    yield f"  probes      {len({plan.probe for plan in asked})}, at most {sum(samples.values())} attempts ({kinds})"
    yield f"  rate        at most {settings.rate:g} probes per second and source"


_PRIVILEGE = {"host": "host network, privileged, host filesystem read-only", "hostdns": "host network"}
