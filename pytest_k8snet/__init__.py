"""Prove a Kubernetes cluster's network right, cell by cell.

PYTEST_DONT_REWRITE: the launcher imports this before pytest runs, which pytest would warn about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .plugin.marker import requirement

__all__ = ["__version__", "requirement"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import public names on first use: an unrelated pytest run must not pay for them."""
    if name == "requirement":
        from .plugin.marker import requirement

        return requirement
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
