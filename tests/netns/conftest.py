"""Fixtures of the tests that need real network namespaces (root on Linux)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .world import World


@pytest.fixture
def world() -> Iterator[World]:
    """An empty world; namespaces come into being when they are named and go with the test."""
    made = World()
    try:
        yield made
    finally:
        made.close()
