"""`wg show all latest-handshakes`: the one listing of wg(8) that is read; others hold keys that nobody else may see."""

from __future__ import annotations

from .errors import ParseError


def handshakes(text: str) -> dict[tuple[str, str], int]:
    """(device, public key of the peer) -> seconds since the epoch, 0 = never. Raises ParseError."""
    found: dict[tuple[str, str], int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        words = line.split()
        if len(words) != 3 or not words[2].isdigit():
            raise ParseError("wg show all latest-handshakes: expected device, public key and seconds", number, line)
        found[words[0], words[1]] = int(words[2])
    return found
