"""Every cause that the code can name is described, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CAUSE_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")


def named() -> set[str]:
    """First arguments of Cause(...), and the keys of tables whose causes are made in a loop."""
    found: set[str] = set()
    for path in (ROOT / "pytest_k8snet" / "diagnose" / "causes").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Cause":
                found |= {one.value for one in node.args[:1] if isinstance(one, ast.Constant)}
            if isinstance(node, ast.Dict):
                found |= {str(one.value) for one in node.keys if isinstance(one, ast.Constant) and CAUSE_ID.fullmatch(str(one.value))}
    return found


def test_every_cause_is_described():
    headings = re.findall(r"^## (.*)$", (ROOT / "docs" / "reference" / "causes.md").read_text(), re.MULTILINE)
    described = {id.strip() for heading in headings for id in heading.split(",")}
    assert described == named()
    assert len(described) >= 14
