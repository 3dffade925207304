from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from plan_world import make_inventory

from pytest_k8snet.plan import catalogue, matrix

SUITE = Path(__file__).resolve().parents[3] / "conformance"


@pytest.fixture
def inventory():
    return make_inventory()


@pytest.fixture
def plain(inventory):
    """A cluster that tells nothing about its network plugin."""
    return replace(inventory, cni="", backend="", flannel_version="", flannel_ipmasq=None, flannel_nftables=None, installer="", proxy="")


@pytest.fixture(scope="session")
def requirements():
    return catalogue.load(SUITE / "catalogue")


@pytest.fixture(scope="session")
def documented():
    return matrix.load(SUITE / "matrix.yaml")


@pytest.fixture(scope="session")
def profiles():
    return SUITE / "profiles"
