"""The NodePort range is what the API server was told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.model.recording import Recording
from pytest_k8snet.plan.node_ports import DEFAULT, node_port_range

PORTS = st.integers(1, 65535)


def recorded(*words):
    recording = Recording({})
    pods = [{"spec": {"containers": [{"command": ["kube-apiserver", *words]}]}}, {"spec": {}}]
    recording.append("objects", {"name": "pods/kube-system", "status": 200, "body": {"items": pods}})
    return recording


@given(first=PORTS, last=PORTS)
def test_both_ways_to_write_a_range(first, last):
    first, last = sorted((first, last))
    assert node_port_range(recorded(f"--service-node-port-range={first}-{last}")) == (first, last)
    assert node_port_range(recorded("--v=2", f"--service-node-port-range={first}+{last - first}")) == (first, last)


@given(port=PORTS)
def test_a_single_port(port):
    assert node_port_range(recorded(f"--service-node-port-range={port}")) == (port, port)


@pytest.mark.parametrize("words", [(), ("--service-node-port-range=some",), ("--service-cluster-ip-range=10.96.0.0/16",)])
def test_the_default(words):
    assert node_port_range(recorded(*words)) == DEFAULT


def test_without_pods_the_default():
    assert node_port_range(Recording({})) == DEFAULT
