"""No two files of the suite have the same name: pytest's default import mode, which a user's ini keeps, takes one for the other."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

SUITE = Path(__file__).parents[2] / "conformance"


def test_every_file_has_a_name_of_its_own():
    counted = Counter(path.name for path in SUITE.rglob("test_*.py"))
    assert [name for name, number in counted.items() if number > 1] == []
