"""What flannel itself writes wrong is found, named as such, and nothing else: the recording as it is against the mended one."""

from __future__ import annotations

import pytest
from conftest import RECORDINGS

from pytest_k8snet.model.recording import Recording


@pytest.mark.parametrize("recorded", ["healthy-nftables"], indirect=True)
def test_a_return_rule_of_nftables_mode_is_swapped(healthy, judge):
    judged = judge(Recording.read(RECORDINGS / "healthy-nftables.zip"))
    assert judged.code == 1
    assert judged.differs(healthy) == {f"NET-FLANNEL-023 {node}": "failed" for node in ("control", "w1", "w2")}
    assert [cause["cause"] for cause in judged.report["causes"]] == ["flannel-return-swapped"]
    (cause,) = judged.report["causes"]
    assert len(cause["explains"]) == 3
    assert cause["subject"].startswith("native ip flannel-ipv4 postrtg rule 4: ip saddr != 10.244.")
    assert cause["subject"].endswith("ip daddr 10.244.0.0/16 return")
    message = judged.results["NET-FLANNEL-023 w1"]["message"]
    assert "outside > pod 10.244." in message
    assert "source: expected masqueraded, found kept (native ip flannel-ipv4 postrtg rule 4: ip saddr != 10.244." in message
