from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from pytest_k8snet.cluster.connection import connect
from pytest_k8snet.cluster.discovery import discover
from pytest_k8snet.collect.fleet import Fleet
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.settings import Settings
from pytest_k8snet.parse.objects import inventory

from .fakeapi import FakeApi

ALL = frozenset({"host", "a", "b", "default", "none", "hostdns"})
SERVICES = frozenset({"web", "self", "empty", "big", "marker"})


@pytest.fixture
def api():
    server = FakeApi()
    for name in ("n1", "n2"):
        server.node(name)
    yield server
    server.close()


@pytest.fixture
def settings(api, tmp_path):
    return Settings(context="lab", kubeconfig=api.kubeconfig(tmp_path / "config"), run_id="r1", image="probe:1")


@pytest.fixture
def connection(settings):
    made = connect(settings)
    yield made
    made.close()


@pytest.fixture
def recording():
    return Recording({"context": "lab"})


@pytest.fixture
def fleet_of(connection, settings, recording):
    """Build a fleet for the roles and Services, after discovery."""

    def build(roles=ALL, services=SERVICES, **changes):
        changed = replace(settings, **changes)
        discover(connection, recording, changed)
        needs = SimpleNamespace(roles=frozenset(roles), services=frozenset(services))
        return Fleet(connection, changed, inventory(recording), needs, recording)

    return build
