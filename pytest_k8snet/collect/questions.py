"""The names that probe pods ask for in this run: the templates of plan/questions.py, filled."""

from __future__ import annotations

import ipaddress

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.settings import Settings
from pytest_k8snet.plan.questions import QUESTIONS

from .addresses import NoAddress

MISSING = {"external": "no external name is declared", "ip": "its Service has no ClusterIP in this run", "hostname": "this pod has none"}


class Names:
    """Knows what this run's namespace, Services and declared names are called."""

    def __init__(self, settings: Settings, inventory: Inventory, recording: Recording) -> None:
        spaces = {event["tier"]: event["name"] for event in recording.entries("events", what="namespace")}
        self._known = {"space": spaces.get("restricted", ""), "domain": inventory.dns_domain}
        self._known |= {"external": external} if (external := external_name(settings).rstrip(".")) else {}
        specs = {entry["endpoint"]: entry.get("spec") or {} for entry in recording.entries("fleet")}
        self._hostnames = {endpoint: {"hostname": spec["hostname"]} for endpoint, spec in specs.items() if "hostname" in spec}
        self._ips = {event["name"]: str(event["cluster_ip"]) for event in recording.entries("events", what="service")}

    def question(self, question: str, source: Endpoint) -> tuple[str, str]:
        """Name and type that `source` asks for. Raises KeyError for no question, NoAddress for one that cannot be asked in this run."""
        asked = QUESTIONS["kubernetes" if question == "short" and _in_another_namespace(source) else question]
        try:
            return asked.name.format_map(self._known | self._reverse(asked.service) | self._hostnames.get(str(source), {})), asked.kind
        except KeyError as missing:
            raise NoAddress(f"{question} cannot be asked: {MISSING[missing.args[0]]}") from None

    def _reverse(self, service: str) -> dict[str, str]:
        try:
            return {"ip": f"{ipaddress.ip_address(self._ips.get(service, '')).reverse_pointer}."}
        except ValueError:
            return {}


def external_name(settings: Settings) -> str:
    """The name of the first declared `dns://server/name` target, "" if none is declared."""
    declared = (target for target in settings.external if target.startswith("dns://"))
    return next(declared, "").removeprefix("dns://").partition("/")[2]


def _in_another_namespace(source: Endpoint) -> bool:
    """Pods on the host network live in another namespace than `web`."""
    return source.kind is EndpointKind.HOST or source.name == "hostdns"
