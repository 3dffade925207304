"""The one error of every parser."""

from __future__ import annotations

SHOWN = 120  # characters of the offending text that a message cites


class ParseError(ValueError):
    """Text from a node is not what its format promises; the value is not known, which is never the same as empty.

    `what` names the source and the problem, `line` counts from 1 (0: the text as a whole), `text` is what was found there.
    """

    def __init__(self, what: str, line: int = 0, text: str = "") -> None:
        super().__init__(what, line, text)
        self.what = what
        self.line = line
        self.text = text

    def __str__(self) -> str:
        where = f", line {self.line}" if self.line else ""
        shown = self.text if len(self.text) <= SHOWN else self.text[:SHOWN] + "..."
        return f"{self.what}{where}" + (f": {shown!r}" if self.text else "")
