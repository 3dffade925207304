"""Everything this package raises on purpose. A network that misbehaves is never an exception: it is an observation."""

from __future__ import annotations


class K8sNetError(Exception):
    """Base; `str()` is one line for a person: what, which object, next step."""


class UsageProblem(K8sNetError):
    """The caller asked for something that cannot be (exit code 4)."""


class NoVerdict(K8sNetError):
    """The cluster cannot be assessed at all: unreachable, rights missing, no probe pod ready (exit code 10)."""
