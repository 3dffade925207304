"""A cause is one block of at most six lines within the width of the summary, whatever it says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.model.cause import Cause, Confidence
from pytest_k8snet.model.result import Result, Subject
from pytest_k8snet.model.verdict import Level, Status
from pytest_k8snet.report.causes import as_dict, blocks

WORDS = st.text(alphabet="abcdef -./:", min_size=1, max_size=400)


def failed(id: str, node: str) -> Result:
    return Result(id, Level.MUST, "MODEL", Status.FAILED, Subject(node=node))


FDB = failed("NET-FLANNEL-017", "w1")
CAUSE = Cause(
    "overlay-fdb-wrong",
    "the forwarding entry for the tunnel's MAC of w2 is missing",
    "restart the flannel pod of this node",
    "w1",
    "w2",
    "4e:f5:e9:e6:66:89",
    evidence=("4e:f5:e9:e6:66:89: expected 172.30.0.13 permanent, found nothing",),
    explains=(FDB, failed("NET-REACH-005", "w1"), failed("NET-REACH-005", "w2"), failed("NET-DNS-006", "w1")),
    shown_by=(FDB,),
)


def test_what_a_person_reads() -> None:
    assert list(blocks([CAUSE], 5, 110)) == [
        "1  the forwarding entry for the tunnel's MAC of w2 is missing",
        "   is       overlay-fdb-wrong on w1 towards w2, certain: 4e:f5:e9:e6:66:89",
        "   proof    4e:f5:e9:e6:66:89: expected 172.30.0.13 permanent, found nothing",
        "   explains 4 of 5 findings: NET-FLANNEL-017 NET-DNS-006 NET-REACH-005",
        "   do       restart the flannel pod of this node",
    ]


@given(WORDS, WORDS, WORDS, st.lists(st.integers(1, 200), max_size=40))
def test_never_more_than_six_lines(sentence: str, remedy: str, subject: str, ids: list[int]) -> None:
    explains = tuple(failed(f"NET-DNS-{number:03}", "w1") for number in ids)
    cause = Cause("some-cause", sentence, "x" + remedy, "w1", "", subject, Confidence.LIKELY, (sentence,), explains, explains[:1])
    lines = list(blocks([cause], 400, 110))
    assert len(lines) <= 6
    assert max(map(len, lines)) <= 110


def test_the_report_names_what_is_explained_by_requirement_and_subject() -> None:
    made = as_dict(CAUSE)
    assert made["explains"][0] == {"requirement": "NET-FLANNEL-017", "subject": {"node": "w1"}}
    assert (made["cause"], made["node"], made["peer"], made["confidence"]) == ("overlay-fdb-wrong", "w1", "w2", "certain")
    assert "node" not in as_dict(Cause("flannel-network-mismatch", "", ""))
