"""The rights that a run needs, as data: preflight asks for exactly these, and `role` prints exactly these."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import yaml

from pytest_k8snet.model.settings import Tier


class Where(StrEnum):
    """The scope of a permission."""

    RUN = "run"  # the run's own namespaces
    CLUSTER = "cluster"  # cluster-scoped objects, or all namespaces
    SYSTEM = "kube-system"  # where the cluster's own components live


@dataclass(frozen=True, slots=True, order=True)
class Permission:
    """Verbs on one resource, and where they are needed."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    where: Where
    required: bool  # without it there is no run at all; otherwise only the checks that read it stay inconclusive


RUN = (
    Permission("", "namespaces", ("create", "delete", "get", "list"), Where.CLUSTER, True),
    Permission("", "nodes", ("list",), Where.CLUSTER, True),
    Permission("", "pods", ("create", "delete", "deletecollection", "list", "watch"), Where.RUN, True),
    Permission("", "pods/exec", ("create", "get"), Where.RUN, True),
    Permission("", "configmaps", ("create", "deletecollection"), Where.RUN, True),
    Permission("", "services", ("create", "delete", "list"), Where.RUN, True),
    Permission("discovery.k8s.io", "endpointslices", ("create", "deletecollection"), Where.RUN, True),
    Permission("", "events", ("list",), Where.RUN, False),
)
SCENARIOS = (  # without them the scenarios that change or follow objects stay inconclusive
    Permission("", "services", ("patch",), Where.RUN, False),
    Permission("discovery.k8s.io", "endpointslices", ("watch",), Where.RUN, False),
    Permission("networking.k8s.io", "networkpolicies", ("create", "delete"), Where.RUN, False),
)
READ = (
    Permission("", "configmaps", ("get",), Where.SYSTEM, False),
    Permission("", "pods", ("list",), Where.SYSTEM, False),
    Permission("", "pods", ("list",), Where.CLUSTER, False),
    Permission("", "pods/log", ("get",), Where.SYSTEM, False),
    Permission("", "services", ("list",), Where.CLUSTER, False),
    Permission("discovery.k8s.io", "endpointslices", ("list",), Where.CLUSTER, False),
    Permission("networking.k8s.io", "networkpolicies", ("list",), Where.CLUSTER, False),
    Permission("apps", "daemonsets", ("list",), Where.SYSTEM, False),
    Permission("apps", "deployments", ("list",), Where.SYSTEM, False),
)
NODE_READ = (Permission("", "nodes/proxy", ("get",), Where.CLUSTER, False),)  # kubelet configuration; far-reaching: not for every tier


def permissions(tier: Tier) -> tuple[Permission, ...]:
    """What a run with probe pods up to `tier` needs. Only the privileged tier may look into the kubelets."""
    return RUN + SCENARIOS + READ + (NODE_READ if tier is Tier.PRIVILEGED else ())


def role(tier: Tier) -> str:
    """A ClusterRole as YAML; bind it with a ClusterRoleBinding, because the run's namespaces do not exist yet."""
    document = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": f"pytest-k8snet-{tier}"},
        "rules": [{"apiGroups": [g], "resources": [r], "verbs": sorted(v)} for (g, r), v in _merged(permissions(tier)).items()],
    }
    return str(yaml.safe_dump(document, sort_keys=False))


def _merged(wanted: Iterable[Permission]) -> dict[tuple[str, str], set[str]]:
    merged: dict[tuple[str, str], set[str]] = {}
    for permission in wanted:
        merged.setdefault((permission.group, permission.resource), set()).update(permission.verbs)
    return merged
