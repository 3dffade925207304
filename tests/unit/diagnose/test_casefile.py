"""Which findings belong to a cause: by the ends of a cell, the node, and the conversations that a scenario lists."""

import pytest

from pytest_k8snet.diagnose.casefile import CaseFile, from_node, touches
from pytest_k8snet.model.result import Result, Subject
from pytest_k8snet.model.verdict import Level, Status

CAPTION = "scenario ports: Service ports: one number for TCP and UDP"
FROM_W1 = "    step asked: pod/a@w1 > service/ports tcp: expected port 7801, found timeout"
FROM_W2 = "    step asked: pod/a@w2 > service/ports udp: expected port 7801, found timeout"
OBJECT = "    step short: timeoutSeconds: expected 1, found 7"

CLUSTER = Subject()


def found(*lines, subject=CLUSTER):
    result = Result("NET-SERVICE-021", Level.MUST, "K8S-DOC", Status.FAILED, subject, "\n".join([CAPTION, *lines]))
    return lambda where: CaseFile(None, None, [result]).about("NET-SERVICE-0*", where=where) == (result,)


@pytest.mark.parametrize(
    ("lines", "fits"),
    [
        ((FROM_W1,), True),
        ((FROM_W1, FROM_W1), True),
        ((FROM_W2,), False),
        ((FROM_W1, FROM_W2), False),
        ((FROM_W1, OBJECT), False),
        ((), False),
    ],
)
def test_a_scenario_belongs_to_the_node_of_all_its_conversations(lines, fits):
    about = found(*lines)
    assert about(from_node("w1")) is fits
    assert about(touches("w1")) is fits


def test_a_scenario_belongs_to_whatever_is_everywhere():
    assert found(FROM_W1, OBJECT)(None)
    assert found(FROM_W1, OBJECT)(lambda subject: True)


def test_a_cell_belongs_to_its_ends():
    about = found(subject=Subject("pod/a@w2", "service/ports"))
    assert (about(from_node("w2")), about(from_node("w1"))) == (True, False)
