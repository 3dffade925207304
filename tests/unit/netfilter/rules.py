"""Small rule sets for tests."""

from __future__ import annotations

from pathlib import Path

from pytest_k8snet.parse.iptables import parse_save
from pytest_k8snet.parse.ruleset import Ruleset

DUMPS = Path(__file__).parents[2] / "fixtures" / "dumps"
HOOKS = {
    "raw": "PREROUTING OUTPUT",
    "mangle": "PREROUTING INPUT FORWARD OUTPUT POSTROUTING",
    "nat": "PREROUTING INPUT OUTPUT POSTROUTING",
    "filter": "INPUT FORWARD OUTPUT",
}


def ruleset(policy: str = "ACCEPT", **tables: str) -> Ruleset:
    """A rule set of tables whose text are rules, one a line, without `-A`; user chains are those that begin with U."""
    return parse_save("".join(_table(name, text, policy) for name, text in tables.items()))


def _table(name: str, text: str, policy: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    users = sorted({word for line in lines for word in line.split() if word.startswith("U")})
    heads = [f":{hook} {policy} [0:0]" for hook in HOOKS[name].split()] + [f":{user} - [0:0]" for user in users]
    return "\n".join([f"*{name}", *heads, *(f"-A {line}" for line in lines), "COMMIT\n"])


def dump(name: str) -> Ruleset:
    """A rule set that a real node printed."""
    return parse_save((DUMPS / name).read_text())
