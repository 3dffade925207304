"""Which errno and which ICMP message means which outcome."""

from __future__ import annotations

import errno

import pytest

from pytest_k8snet.agent import outcomes
from pytest_k8snet.model.observation import Outcome

WORDS = {value for name, value in vars(outcomes).items() if name.isupper() and isinstance(value, str)}


def test_words_are_those_of_the_model():
    assert set(map(str, Outcome)) - {"flaky"} == WORDS


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        (errno.ECONNREFUSED, "refused"), (errno.EHOSTUNREACH, "host-unreachable"), (errno.ENETUNREACH, "net-unreachable"),
        (errno.EACCES, "prohibited"), (errno.EPERM, "prohibited"), (errno.EMSGSIZE, "too-big"), (errno.ECONNRESET, "reset"),
        (errno.EINVAL, "net-unreachable"), (errno.ETIMEDOUT, "timeout"),
        (errno.EMFILE, "probe-error"), (errno.EADDRNOTAVAIL, "probe-error"), (errno.ENOBUFS, "probe-error"), (0, "probe-error"),
    ],
)  # fmt: skip
def test_errno(number: int, outcome: str):
    assert outcomes.of_errno(number) == outcome


@pytest.mark.parametrize(
    ("version", "kind", "code", "outcome"),
    [
        (4, 3, 0, "net-unreachable"), (4, 3, 1, "host-unreachable"), (4, 3, 3, "refused"), (4, 3, 4, "too-big"),
        (4, 3, 9, "prohibited"), (4, 3, 10, "prohibited"), (4, 3, 13, "prohibited"), (4, 11, 0, "host-unreachable"), (4, 5, 0, None),
        (6, 1, 0, "net-unreachable"), (6, 1, 1, "prohibited"), (6, 1, 3, "host-unreachable"), (6, 1, 4, "refused"),
        (6, 2, 0, "too-big"), (6, 3, 0, "host-unreachable"), (6, 129, 0, None),
    ],
)  # fmt: skip
def test_icmp(version: int, kind: int, code: int, outcome: str | None):
    assert outcomes.of_icmp(kind, code, version) == outcome
