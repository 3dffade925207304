"""A small API server on loopback that is strict where the real one is, and fails where it is told to."""

from .agent import FakeAgent
from .server import FakeApi

__all__ = ["FakeAgent", "FakeApi"]
