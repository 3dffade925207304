"""Before anything is created: may this cluster be touched, are the namespaces free, and are the rights there?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pytest_k8snet.errors import NoVerdict, UsageProblem
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.settings import Settings, Tier

from .connection import Answer, Connection
from .rbac import Permission, Where, permissions

REFUSE_LABEL = "k8snet/refuse"
OWNER_LABEL, OWNER = "app.kubernetes.io/managed-by", "pytest-k8snet"
AUTHORIZATION = "/apis/authorization.k8s.io/v1"


def check(connection: Connection, settings: Settings, recording: Recording) -> None:
    """Look before leaping; creates nothing.

    Raises UsageProblem (cluster refuses, foreign namespace) or NoVerdict naming the missing verbs.
    Missing rights that only some checks need are recorded as events "missing-right".
    """
    _require_welcome(connection)
    existing = [name for name in namespaces(settings) if _exists(connection, name)]
    missing = list(_missing(connection, settings, bool(existing)))
    fatal = [text for permission, text in missing if permission.required]
    for _, text in missing:
        recording.append("events", {"what": "missing-right", "right": text})
    if fatal:
        user = f"the user {connection.user!r}" if connection.user else "you"
        raise NoVerdict(
            f"context {connection.context}: {user} may not {'; '.join(fatal)}; nothing was created; "
            f"print the needed role with: python -m pytest_k8snet rbac"
        )


def namespaces(settings: Settings) -> tuple[str, ...]:
    """The run's namespaces: one per tier that is allowed."""
    tiers = (Tier.RESTRICTED, Tier.PRIVILEGED) if settings.tier is Tier.PRIVILEGED else (Tier.RESTRICTED,)
    return tuple(f"{settings.prefix}-{tier}" for tier in tiers)


def _require_welcome(connection: Connection) -> None:
    labels = connection.greeting["namespace/kube-system"].body["metadata"].get("labels") or {}
    if REFUSE_LABEL in labels:
        raise UsageProblem(
            f"context {connection.context}: this cluster refuses network tests (label {REFUSE_LABEL} on namespace kube-system); "
            "ask its owner, who can remove the label"
        )


def _exists(connection: Connection, name: str) -> bool:
    """Whether our namespace is there already. Raises UsageProblem if it is somebody else's."""
    answer = connection.get(f"/api/v1/namespaces/{name}")
    if not answer.ok:
        return False
    if (answer.body["metadata"].get("labels") or {}).get(OWNER_LABEL) != OWNER:
        raise UsageProblem(
            f"namespace {name} exists and is not ours (label {OWNER_LABEL}={OWNER} is missing); choose another --k8snet-namespace"
        )
    if answer.body["metadata"].get("deletionTimestamp"):
        raise UsageProblem(f"namespace {name} is still being deleted; wait for it or choose another --k8snet-namespace")
    return True


def _missing(connection: Connection, settings: Settings, existing: bool) -> Iterator[tuple[Permission, str]]:
    """One rules review for a namespace of the run; single reviews only for what it does not settle."""
    rules = _rules(connection, namespaces(settings)[0])
    places = {Where.RUN: namespaces(settings)[0], Where.CLUSTER: "", Where.SYSTEM: "kube-system"}
    for permission in permissions(settings.tier):
        if existing and permission.resource == "namespaces":
            continue  # a namespace that was given to us is neither created nor deleted
        place = places[permission.where]
        lacking = [verb for verb in permission.verbs if not _granted(rules, permission, verb)]
        if not _settled(rules, permission):
            lacking = [verb for verb in lacking if not _allowed(connection, permission, verb, place)]
        if lacking:
            yield permission, _named(permission, lacking, place)


def _rules(connection: Connection, namespace: str) -> dict[str, Any] | None:
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace}}
    answer = connection.post(f"{AUTHORIZATION}/selfsubjectrulesreviews", body)
    return dict(answer.body["status"]) if answer.ok else None


def _settled(rules: dict[str, Any] | None, permission: Permission) -> bool:
    """Whether a missing rule proves a missing right: not where the review did not look, nor when an authorizer cannot list its rules."""
    looked = rules is not None and permission.where is not Where.SYSTEM
    return looked and rules is not None and not rules.get("incomplete") and not rules.get("evaluationError")


def _granted(rules: dict[str, Any] | None, permission: Permission, verb: str) -> bool:
    return any(_covers(rule, permission, verb) for rule in (rules or {}).get("resourceRules") or ())


def _covers(rule: dict[str, Any], permission: Permission, verb: str) -> bool:
    wanted = (("verbs", (verb,)), ("apiGroups", (permission.group,)), ("resources", _spellings(permission.resource)))
    return not rule.get("resourceNames") and all(_listed(rule.get(key) or (), names) for key, names in wanted)


def _spellings(resource: str) -> tuple[str, ...]:
    """A rule may name a subresource for every resource: "*/exec"."""
    _, slash, sub = resource.partition("/")
    return (resource, f"*/{sub}") if slash else (resource,)


def _listed(granted: Iterable[str], names: tuple[str, ...]) -> bool:
    return any(item == "*" or item in names for item in granted)


def _allowed(connection: Connection, permission: Permission, verb: str, namespace: str) -> bool:
    resource, _, sub = permission.resource.partition("/")
    attributes = {"verb": verb, "group": permission.group, "resource": resource, "subresource": sub, "namespace": namespace}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}}
    answer: Answer = connection.post(f"{AUTHORIZATION}/selfsubjectaccessreviews", body)
    return answer.ok and bool(answer.body["status"].get("allowed"))


def _named(permission: Permission, verbs: list[str], namespace: str) -> str:
    """ "create pods/exec in namespace k8snet-1-restricted", "list nodes"."""
    resource = f"{permission.resource}.{permission.group}" if permission.group else permission.resource
    return f"{', '.join(verbs)} {resource}" + (f" in namespace {namespace}" if namespace else "")
