"""Which worlds of rules an example of the walker's tests has."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from . import native_rules
from .walker_rules import EMPTY, iptables


@dataclass(frozen=True)
class Texts:
    """What is loaded. `ordered`: no two chains that matter have the same priority; `certain`: nothing is drawn at random."""

    nft: str = EMPTY
    legacy: str = EMPTY
    native: str = ""
    ordered: bool = True
    certain: bool = True

    def __str__(self) -> str:
        return "\n".join((self.nft, self.legacy, self.native))


@st.composite
def texts(draw: st.DrawFn) -> Texts:
    which = draw(_WHICH)
    tied, chancy = draw(_SELDOM), draw(_SOMETIMES)
    drawn = {name: draw(iptables()) for name in ("nft", "legacy") if name in which}
    native = ""
    if "native" in which:
        native = draw(native_rules.tables(tied, chancy))
    if "services" in which:
        native = draw(native_rules.services(tied))
    ordered = not ("nft" in which and "legacy" in which) and not (tied and native) and ("services" not in which or len(which) == 1)
    certain = not (chancy and native) and not any("statistic" in text for text in drawn.values())
    return Texts(**drawn, native=native, ordered=ordered, certain=certain)


_WHICH = st.sampled_from([
    ("nft",), ("legacy",), ("nft", "legacy"), ("native",), ("native",), ("native",), ("native", "nft"), ("native", "legacy"),
    ("native", "nft", "legacy"), ("services",), ("services",), ("services", "nft"), ("services", "legacy"),
])  # fmt: skip
_SOMETIMES = st.sampled_from([False, False, True])
_SELDOM = st.sampled_from([False] * 5 + [True])
