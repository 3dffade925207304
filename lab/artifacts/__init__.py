"""Everything the cluster is made of, built from pinned sources and cached: programs, the nodes' root, image stores."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.artifacts.command import ArtifactError
from lab.artifacts.host import missing_on_host
from lab.artifacts.images import PROBE_IMAGE
from lab.artifacts.recipe import Recipe
from lab.progress import Progress

__all__ = ["ArtifactError", "Artifacts", "ensure", "missing_on_host", "step_names"]


@dataclass(frozen=True)
class Artifacts:
    """Where the artifacts lie; all of them are shared and must not be written to.

    bin: programs (kubeadm, kubelet, kubectl, etcdctl, ...), CNI plugins in bin/cni. base: Debian tree, the lower side of the
    nodes' overlay. stores: "control" and "worker", each a filled /var/lib/containerd. manifests: "flannel". versions: component
    -> version, as pinned (kubernetes, etcd, flannel, coredns, cni) or read (containerd, runc, pause). probe_image: the
    reference of the probe image, which is in every store.
    """

    bin: Path
    base: Path
    stores: dict[str, Path]
    manifests: dict[str, Path]
    versions: dict[str, str]
    probe_image: str


def step_names(cache: Path, kubernetes: str = "kubernetes") -> list[str]:
    """The steps that `ensure` would run; empty when everything is cached.

    kubernetes: folder below lab/tools that pins Kubernetes.
    """
    return [component.title for component in Recipe(cache, kubernetes).missing()]


def ensure(cache: Path, progress: Progress, kubernetes: str = "kubernetes") -> Artifacts:
    """Build what is missing and say where everything is. Raises ArtifactError."""
    recipe = Recipe(cache, kubernetes)
    recipe.build(progress)
    return Artifacts(
        bin=recipe.bin,
        base=recipe.tree,
        stores=recipe.stores,
        manifests={"flannel": recipe.flannel_manifest},
        versions=recipe.versions(),
        probe_image=PROBE_IMAGE,
    )
