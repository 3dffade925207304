"""The script of every scenario by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import affinity, internal_policy
from .stage import Stage

SCRIPTS: Mapping[str, Callable[[Stage], None]] = {
    "affinity": affinity.play,
    "internal-policy": internal_policy.play,
}
