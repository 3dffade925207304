"""The run as the user asked for it: options and ini values after validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Tier(StrEnum):
    """Most privilege that probe pods may take, by the names of the Pod Security Standards."""

    RESTRICTED = "restricted"
    BASELINE = "baseline"
    PRIVILEGED = "privileged"


class Keep(StrEnum):
    """When the probe pods stay after the run."""

    NEVER = "never"
    ON_FAILURE = "on-failure"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Settings:
    """One field per option; see `pytest --help`, group k8snet. Times are seconds."""

    context: str = ""
    kubeconfig: Path | None = None
    expect_cluster: str = ""
    profiles: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()  # ids or globs
    features: Mapping[str, bool] = field(default_factory=dict)
    strict: bool = False
    tier: Tier = Tier.PRIVILEGED
    disruptive: bool = False
    image: str = "docker.io/nicolaka/netshoot:v0.14"
    pull_policy: str = "IfNotPresent"
    pod_patch: Path | None = None
    namespace: str = ""  # prefix; "" = k8snet-<run id>
    nodes: str = ""  # label selector
    probe_timeout: float = 2.0
    ready_timeout: float = 60.0
    rate: float = 500.0  # probes per second and source
    external: tuple[str, ...] = ()
    external_address: str = ""  # "" = found by routing, "off" = no echo server here
    reports: tuple[Path, ...] = ()
    record: Path | None = None
    replay: Path | None = None
    keep: Keep = Keep.NEVER
    sweep: bool = False
    plan: bool = False
    run_id: str = ""

    @property
    def prefix(self) -> str:
        """Prefix of the run's namespaces."""
        return self.namespace or f"k8snet-{self.run_id}"

    @property
    def active(self) -> bool:
        """Whether a cluster or a recording is to be judged; otherwise the plugin is inert."""
        return bool(self.context or self.replay)
