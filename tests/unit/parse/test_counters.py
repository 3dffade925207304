"""Kernel counters: names and values in pairs of lines, or a line for every CPU."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.parse import counters
from pytest_k8snet.parse.errors import ParseError

VALUES = st.dictionaries(st.from_regex(r"[A-Z][A-Za-z0-9]{0,12}", fullmatch=True), st.integers(0, 2**63), min_size=1, max_size=20)


@given(VALUES, VALUES)
def test_netstat(first, second):
    text = "".join(
        f"{group}: {' '.join(values)}\n{group}: {' '.join(map(str, values.values()))}\n"
        for group, values in (("TcpExt", first), ("IpExt", second))
    )
    assert counters.netstat(text) == {f"TcpExt.{name}": value for name, value in first.items()} | {
        f"IpExt.{name}": value for name, value in second.items()
    }


@given(VALUES, st.integers(1, 5))
def test_conntrack_adds_the_cpus_up(values, cpus):
    line = " ".join(f"{value:08x}" for value in values.values())
    assert counters.conntrack("  ".join(values) + "\n" + f"{line}\n" * cpus) == {name: value * cpus for name, value in values.items()}


@pytest.mark.parametrize(
    "text", ["TcpExt: A B\nTcpExt: 1\n", "TcpExt: A\nIpExt: 1\n", "TcpExt: A\nTcpExt: x\n", "TcpExt: A\nTcpExt: 1\nIpExt: B\n"]
)
def test_a_damaged_netstat_is_refused(text):
    with pytest.raises(ParseError):
        counters.netstat(text)


@pytest.mark.parametrize("text", ["", "entries found\n", "entries found\n00 00 00\n", "entries\nzz\n"])
def test_damaged_statistics_are_refused(text):
    with pytest.raises(ParseError):
        counters.conntrack(text)
