"""How often the echo server saw each nonce: a probe that the source sent once must have been seen once."""

from __future__ import annotations

from typing import Any

NONCE_LIMIT = 200_000


class Accounting:
    """Counts of this run's nonces; questions of other runs are counted only as `foreign`, those beyond the limit as `overflow`."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._seen: dict[str, dict[str, Any]] = {}
        self.foreign = 0
        self.overflow = 0

    def count(self, run: str, nonce: str, action: str, peer: str, ttl: int | None) -> None:
        """Note one question. `peers` is there only when the same nonce came from several addresses."""
        if run != self._run:
            self.foreign += 1
            return
        known = self._seen.get(nonce)
        if known is None:
            if len(self._seen) >= NONCE_LIMIT:
                self.overflow += 1
                return
            self._seen[nonce] = {"count": 1, "peer": peer, "ttl": ttl, "action": action}
            return
        known["count"] += 1
        if peer != known["peer"] and peer not in known.setdefault("peers", [known["peer"]]):
            known["peers"].append(peer)

    def seen(self) -> dict[str, Any]:
        """The body of a "seen" frame."""
        return {"nonces": self._seen, "foreign": self.foreign, "overflow": self.overflow}
