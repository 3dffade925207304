from __future__ import annotations

import itertools
import json

from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.collect.stream_codec import Damage, Decoder, encode

payloads = st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=9), max_size=3)


def pieces(data: bytes, cuts: list[int]):
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def decode(parts):
    decoder = Decoder()
    return [item for part in parts for item in decoder.feed(part)]


@given(st.lists(payloads, max_size=4), st.lists(st.integers(0, 10_000), max_size=6))
def test_frames_survive_any_fragmentation(frames, cuts):
    assert decode(pieces(b"".join(map(encode, frames)), cuts)) == frames


@given(payloads, st.integers(0, 10_000), st.integers(1, 255), st.lists(st.integers(0, 10_000), max_size=3))
def test_a_changed_byte_never_yields_another_payload(frame, place, change, cuts):
    data = bytearray(encode(frame))
    data[place % len(data)] ^= change
    got = [item for item in decode(pieces(bytes(data), cuts)) if not isinstance(item, Damage)]
    assert got in ([], [frame])


@given(st.binary(max_size=60), payloads)
def test_garbage_is_never_a_frame(garbage, frame):
    items = decode([b"x" + garbage + b"\n", encode(frame), encode(frame)])
    assert isinstance(items[0], Damage)
    assert all(item == frame for item in items if not isinstance(item, Damage))


def test_after_damage_the_next_frame_is_read():
    damaged = bytearray(encode({"n": 1}))
    damaged[-3] ^= 1
    assert decode([bytes(damaged) + encode({"n": 2})]) == [Damage("a frame of 7 bytes with a wrong checksum (19 bytes dropped)"), {"n": 2}]


def test_a_frame_of_a_shell_prompt_is_damage():
    items = decode([b"OCI runtime exec failed: no such file\n", encode({"n": 2})])
    assert items == [Damage("bytes that are no frame header (38 bytes dropped)"), {"n": 2}]


def test_numbers_that_are_no_frame_do_not_stop_the_stream():
    assert decode([b"99999999 00000000\n"])[0].reason.startswith("bytes that are no frame header")
    assert json.loads(encode({"a": "ä"}).split(b"\n")[1]) == {"a": "ä"}
