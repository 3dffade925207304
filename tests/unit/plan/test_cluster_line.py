"""The words about the cluster in the header of a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_k8snet.plugin.header import _cluster


def test_the_network_of_a_cluster_with_flannel(inventory):
    assert "flannel vxlan v0.28.10" in _cluster(inventory)


@pytest.mark.parametrize(("cni", "shown"), [("other", ["another CNI than flannel"]), ("", [])])
def test_the_network_of_a_cluster_without(plain, cni, shown):
    words = _cluster(replace(plain, cni=cni))
    assert words == ["Kubernetes v1.36.2", f"{len(plain.nodes)} nodes", *shown, "IPv4"]
