"""Fixtures of the tests that need real network namespaces (root on Linux)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .agents import Agent
from .world import World


@pytest.fixture
def world() -> Iterator[World]:
    """An empty world; namespaces come into being when they are named and go with the test."""
    made = World()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def agent(world: World) -> Iterator[Callable[..., Agent]]:
    """Starts an agent in a namespace of the world: `agent("client", "pod/a@one", "--dns")`."""
    started: list[Agent] = []

    def start(namespace: str, endpoint: str, *options: str, **more: Any) -> Agent:
        started.append(Agent(world[namespace], endpoint, *options, **more))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def pair(world: World, agent: Callable[..., Agent]) -> Callable[..., Agent]:
    """Client and server with a router between them, an agent at each end; gives the client's agent."""

    def build(**options: Any) -> Agent:
        world.routed(**options)
        agent("server", "pod/b@two")
        client = agent("client", "pod/a@one")
        address = "fd02::1" if options.get("ipv6") else "10.2.0.1"
        [waited] = client.stream().ask("wait", address=address, port=7801, timeout=10)
        assert waited["reached"], waited
        return client

    return build
