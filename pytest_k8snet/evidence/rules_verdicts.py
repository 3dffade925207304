"""What to do with walks that end in doubt."""

from __future__ import annotations

from pytest_k8snet.model.verdict import Inconclusive

from .comparison import Comparison

SHOWN = 3  # doubts that a message cites


class Doubts:
    """Collects walks that ended unknown. A difference that is certain stays a difference; otherwise doubt is no pass."""

    def __init__(self, node: str) -> None:
        self._node, self._reasons = node, list[str]()

    def add(self, reason: str) -> None:
        """One packet whose fate the rules do not tell."""
        self._reasons.append(reason)

    def __bool__(self) -> bool:
        return bool(self._reasons)

    def settle(self, comparison: Comparison) -> Comparison:
        """The comparison if it differs or nothing is in doubt. Raises Inconclusive citing the doubts otherwise."""
        if comparison.differences or not self._reasons:
            return comparison
        cited = "\n".join(dict.fromkeys(self._reasons[:SHOWN]))
        raise Inconclusive(f"{self._node}: {comparison.caption}: {len(self._reasons)} sample packets cannot be judged:\n{cited}")
