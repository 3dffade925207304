"""Frames survive any splitting, damage is noticed, and nothing that arrives can crash the decoder."""

from __future__ import annotations

import itertools
import zlib

from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.agent.framing import Damaged, Decoder, encode

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
payloads = st.dictionaries(st.text(), values, max_size=5)


def decode(*pieces: bytes) -> list[object]:
    decoder = Decoder()
    return [item for piece in pieces for item in decoder.feed(piece)]


@given(st.lists(payloads, max_size=4), st.lists(st.integers(0, 200), max_size=5))
def test_round_trip_however_it_is_split(sent: list[dict], cuts: list[int]):
    data = b"".join(map(encode, sent))
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    assert decode(*(data[a:b] for a, b in itertools.pairwise(edges))) == sent


def test_format_is_that_of_the_documentation():
    assert encode({"a": "é"}) == b'14 aed995d5\n{"a":"\\u00e9"}\n'


@given(payloads, st.data())
def test_one_changed_byte_is_noticed(payload: dict, data: st.DataObject):
    frame = bytearray(encode(payload))
    position = data.draw(st.integers(0, len(frame) - 1))
    frame[position] ^= data.draw(st.integers(1, 255))
    assert not [item for item in decode(bytes(frame), b"\n" * 40) if isinstance(item, dict)]


@given(payloads, payloads, st.data())
def test_damage_of_the_content_does_not_reach_the_next_frame(payload: dict, following: dict, data: st.DataObject):
    frame = bytearray(encode(payload))
    start = frame.index(b"\n") + 1
    position = data.draw(st.integers(start, len(frame) - 2))
    frame[position] ^= data.draw(st.integers(1, 255))
    first, second = decode(bytes(frame) + encode(following))
    assert isinstance(first, Damaged)
    assert second == following


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_garbage_never_crashes(pieces: list[bytes]):
    assert all(isinstance(item, (dict, Damaged)) for item in decode(*pieces))


@given(st.binary(min_size=1, max_size=80), payloads)
def test_a_frame_after_a_line_of_garbage_is_found(garbage: bytes, payload: dict):
    garbage = garbage.translate(None, b"0123456789") + b"!\n"
    first, second = decode(garbage, encode(payload))
    assert (isinstance(first, Damaged), second) == (True, payload)


def test_each_damage_is_told_once():
    good = encode({"a": 1})
    items = decode(b"one\ntwo\n", good, good, b"three\n", good)
    assert [isinstance(item, Damaged) for item in items] == [True, False, False, True, False]


def test_reasons_name_what_is_wrong():
    assert decode(b"hello\n") == [Damaged("no frame header: b'hello\\n'")]
    assert decode(b"2 00000000\n{}\n") == [Damaged("a frame of 2 bytes does not match its checksum")]
    assert decode(b"2 0d4cbb29\n[]\n") == [Damaged("a frame is no JSON object")]


def test_a_header_that_announces_too_much_is_damage():
    assert decode(b"99999999 00000000\n") == [Damaged("no frame header: b'99999999 00000000\\n'")]
    assert decode(b"99999999999 00000000\n", encode({"a": 1}))[-1] == {"a": 1}


def test_deeply_nested_json_is_damage():
    body = b"[" * 100_000
    [item] = decode(b"%d %08x\n%b\n" % (len(body), zlib.crc32(body), body))
    assert isinstance(item, Damaged)
