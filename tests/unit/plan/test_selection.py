from __future__ import annotations

import pytest

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.probe import Action
from pytest_k8snet.model.settings import Settings, Tier
from pytest_k8snet.plan import profile
from pytest_k8snet.plan.available import available
from pytest_k8snet.plan.selection import asked, declared_off, needs


@pytest.fixture
def plan(documented, inventory):
    def make(*selected, **options):
        reach = available(inventory, Settings(**options))
        plans = asked(selected, documented, inventory, reach)
        return plans, needs(selected, plans, reach)

    return make


def test_only_what_one_requirement_needs_is_made(plan):
    plans, need = plan("NET-REACH-005")
    assert (need.roles, need.services, need.readers, len(plans)) == ({"a"}, set(), set(), 6)


def test_a_service_brings_its_backends_and_the_marker(plan):
    _, need = plan("NET-SERVICE-001")
    assert (need.roles, need.services) == ({"a", "b"}, {"web", "marker"})


def test_the_service_without_endpoints_needs_no_backend_but_the_marker(plan):
    assert plan("NET-SERVICE-018")[1].services == {"empty", "marker"}


def test_a_service_asked_from_nodes_has_backends_too(plan):
    assert plan("NET-SERVICE-003")[1].roles == {"host", "a"}


def test_egress_needs_the_runner_and_the_control(plan):
    plans, need = plan("NET-EXTERNAL-004")
    assert need.roles == {"a", "host", "runner"}
    assert {str(p.probe) for p in plans if p.documented.text == "control"} == {f"tcp4:host@n{i}>outside/runner" for i in (1, 2, 3)}


def test_the_control_of_a_restricted_run_is_not_asked(plan):
    plans, need = plan("NET-EXTERNAL-004", tier=Tier.RESTRICTED)
    assert (need.roles, len(plans)) == ({"a", "runner"}, 3)


def test_reading_a_node_needs_its_host_pod(plan):
    plans, need = plan("NET-FLANNEL-017")
    assert (need.roles, need.services, plans) == ({"host"}, set(), ())
    assert "fdb" in need.readers


def test_api_objects_alone_need_nothing(plan):
    _, need = plan("NET-FLANNEL-012")
    assert (need.roles, need.objects) == (set(), False)


def test_resolvers_are_asked_over_both_transports(plan):
    plans, need = plan("NET-DNS-006")
    details = {p.probe.detail for p in plans if p.probe.action is Action.RESOLVE}
    assert {"udp-cluster", "tcp-cluster", "udp-short", "tcp-short"} <= details
    assert {p.samples for p in plans} == {1}
    assert {"a"} <= need.roles
    assert need.services == {"web", "marker"}


def test_big_answers_need_the_big_service(plan):
    assert plan("NET-DNS-027")[1].services == {"big", "marker"}


def test_records_of_unready_pods_need_the_pod_that_is_never_ready(plan):
    _, need = plan("NET-DNS-023")
    assert (need.roles, need.services) == ({"a", "custom"}, {"published", "unready", "marker"})


def test_probes_are_listed_once_and_sorted(plan):
    _, need = plan("NET-REACH-005", "NET-NAT-002")
    assert list(need.probes) == sorted(set(need.probes))
    assert len(need.probes) == 12


def test_a_restricted_run_has_no_host_pods(plan, inventory, requirements, profiles):
    settings = Settings(tier=Tier.RESTRICTED)
    selected = profile.resolve(settings, inventory, requirements, profiles).selected
    assert plan(*selected, tier=Tier.RESTRICTED)[1].roles == {"a", "b", "custom", "runner"}


def test_a_whole_run_needs_everything(plan, inventory, requirements, profiles):
    selected = profile.resolve(Settings(), inventory, requirements, profiles).selected
    plans, need = plan(*selected)
    assert need.roles == {"host", "a", "b", "default", "none", "hostdns", "custom", "runner"}
    assert need.services == {"web", "self", "empty", "big", "peers", "published", "unready", "alias", "marker"}
    assert {p.probe for p in plans} == set(need.probes)


def test_what_a_tier_forbids_is_declared_off(documented, inventory):
    restricted = available(inventory, Settings(tier=Tier.RESTRICTED))
    assert declared_off("NET-REACH-014", documented, inventory, restricted).startswith("declared off: ")
    assert declared_off("NET-DNS-007", documented, inventory, restricted).startswith("declared off: ")
    assert declared_off("NET-REACH-005", documented, inventory, restricted) == ""
    assert declared_off("NET-REACH-014", documented, inventory, available(inventory, Settings())) == ""


@pytest.mark.parametrize("tier", [Tier.RESTRICTED, Tier.BASELINE])
@pytest.mark.parametrize("number", ["006", "007", "008", "009", "010"])
def test_a_file_that_only_the_host_explains_is_declared_off(documented, inventory, tier, number):
    less, full = available(inventory, Settings(tier=tier)), available(inventory, Settings())
    assert declared_off(f"NET-DNS-{number}", documented, inventory, less).startswith("declared off: ")
    assert asked([f"NET-DNS-{number}"], documented, inventory, less) == ()
    assert declared_off(f"NET-DNS-{number}", documented, inventory, full) == ""


def test_names_are_asked_under_every_tier(documented, inventory):
    assert declared_off("NET-DNS-019", documented, inventory, available(inventory, Settings(tier=Tier.RESTRICTED))) == ""


def test_a_target_of_the_other_family_is_refused(inventory):
    with pytest.raises(UsageProblem, match=r"tcp://\[2001:db8::1\]:80: not an address of ipv4"):
        available(inventory, Settings(external=("tcp://[2001:db8::1]:80",)))
