"""hosts(5) as a kubelet writes it."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.parse import ParseError
from pytest_k8snet.parse.hosts import parse

FILE = "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n\n10.4.1.7\ta.peers.shop.svc.x\ta # me\n"


def test_a_file_of_a_kubelet() -> None:
    found = parse(FILE)
    assert found.header == "# Kubernetes-managed hosts file."
    assert found.names("10.4.1.7") == ("a.peers.shop.svc.x", "a")
    assert (found.names("10.4.1.8"), len(found.entries)) == ((), 3)


def test_a_file_without_a_header() -> None:
    assert parse("127.0.0.1 localhost\n# later\n").header == ""


@pytest.mark.parametrize("text", ["localhost\n", "127.0.0.1\n", "¿?\n"])
def test_what_is_no_entry_is_refused(text: str) -> None:
    with pytest.raises(ParseError, match="hosts"):
        parse(text)


@given(st.text(max_size=100))
def test_nothing_but_a_parse_error_comes_of_garbage(text: str) -> None:
    with contextlib.suppress(ParseError):
        assert all(len(entry) > 1 for entry in parse(text).entries)
