"""Every requirement goes red where it must, nothing unrelated changes, and the failure text says who, where, what and by whom."""

from __future__ import annotations

import pytest
from proofs import PROOFS


@pytest.mark.parametrize(("recorded", "proof"), [(proof.on, proof) for proof in PROOFS], ids=map(str, PROOFS), indirect=["recorded"])
def test_goes_red(proof, evidence, judge, healthy):
    proof.edit(evidence)
    judged = judge(evidence)
    assert judged.differs(healthy) == proof.changes
    for subject in proof.red:
        message = judged.message(f"{proof.requirement} {subject}")
        assert [part for part in proof.text if evidence.filled(part) not in message] == [], message
    assert judged.code == (1 if "failed" in proof.changes.values() else 0)
