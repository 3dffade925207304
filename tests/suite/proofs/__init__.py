"""One proof or more for every requirement of the catalogue: it can go red, where it must, and says why."""

from __future__ import annotations

from . import cells, nodes, reachability, resolution, rules
from .proof import Proof

PROOFS: tuple[Proof, ...] = (*reachability.PROOFS, *cells.PROOFS, *resolution.PROOFS, *nodes.PROOFS, *rules.PROOFS)
