"""The names that probe pods ask for, one for each question of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.settings import Settings

PRIVATE_NAME = "who"  # only the server inside the `none` pods knows it, as who.k8snet.test


def external_name(settings: Settings) -> str:
    """The name of the first declared `dns://server/name` target, "" if none is declared."""
    declared = (target for target in settings.external if target.startswith("dns://"))
    return next(declared, "").removeprefix("dns://").partition("/")[2]


def names(settings: Settings, inventory: Inventory, namespace: str) -> Mapping[str, str]:
    """Question -> name. A trailing dot means: absolute, no search list. Questions that cannot be asked here are absent."""
    domain, external = inventory.dns_domain, external_name(settings).rstrip(".")
    known = {
        "cluster": f"kubernetes.default.svc.{domain}.",
        "kubernetes": "kubernetes.default",
        "short": "web",
        "private": PRIVATE_NAME,
        "big": f"big.{namespace}.svc.{domain}.",
    }
    return known | ({"external": external, "external-absolute": f"{external}."} if external else {})


def name_for(question: str, source: Endpoint, known: Mapping[str, str]) -> str:
    """The name that `source` asks for. Pods on the host network live in another namespace than `web`: they ask kubernetes.default.

    Raises KeyError for a question that cannot be asked in this run.
    """
    host = source.kind is EndpointKind.HOST or source.name == "hostdns"
    return known["kubernetes" if question == "short" and host else question]
