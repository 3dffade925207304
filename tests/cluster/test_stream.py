from __future__ import annotations

import re
import socket

import pytest

from pytest_k8snet.cluster.channel import ChannelLost, SocketChannel
from pytest_k8snet.collect import stream as module
from pytest_k8snet.collect.stream import Stream, StreamLost
from pytest_k8snet.model.endpoint import Endpoint

from .fakeapi import FakeAgent

A = Endpoint.parse("pod/a@n1")


class Line:
    """Connects to an agent; `plan` mangles the bytes of each connection in turn: None cuts, a function changes them."""

    def __init__(self, agent, *plan):
        self.agent, self.plan, self.opened, self.events = agent, list(plan), 0, []

    def __call__(self):
        self.opened += 1
        act = self.plan.pop(0) if self.plan else None
        if isinstance(act, ChannelLost):
            raise act
        return Mangled(self.agent.connect(), act)

    @property
    def what(self):
        return [event["what"] for event in self.events]


class Mangled(SocketChannel):
    def __init__(self, connected: socket.socket, act):
        super().__init__(connected)
        self.act = act

    def receive(self, timeout):
        data = super().receive(timeout)
        return self.act(data) if self.act and data else data


def cut_after(frames: int):
    state = {"left": frames}

    def act(data: bytes) -> bytes:
        for position, byte in enumerate(data):
            state["left"] -= byte == 0x7D  # }
            if state["left"] < 0:
                if position == 0:
                    raise ChannelLost("cut by the test")
                return data[:position]
        return data

    return act


def spoil(text: bytes, times: int = 1):
    state = {"left": times}

    def act(data: bytes) -> bytes:
        if text in data and state["left"]:
            state["left"] -= 1
            return data.replace(text, b"#" * len(text), 1)
        return data

    return act


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "PAUSES", (0.0, 0.01, 0.01))
    monkeypatch.setattr(module, "SILENCE", 0.3)
    monkeypatch.setattr(module, "GREETING", 1.0)


@pytest.fixture
def agent():
    return FakeAgent("pod/a@n1", "r1", answers=3)


def ask(line, do="probe", **body):
    stream = Stream(A, "r1", line, line.events.append)
    return [frame.get("id", frame["kind"]) for frame in stream.request(do, **body)]


WHOLE = ["probe0", "probe1", "probe2", "done"]


def test_answers_come_in_order_to_the_end(agent):
    line = Line(agent)
    assert ask(line) == WHOLE
    assert line.events == []


def test_two_requests_on_one_stream(agent):
    line = Line(agent)
    stream = Stream(A, "r1", line, line.events.append)
    assert [f["kind"] for f in stream.request("ping")] == ["pong"]
    assert [f.get("id", f["kind"]) for f in stream.request("probe")] == WHOLE
    assert line.opened == 1


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_a_lost_channel_loses_no_frame_and_repeats_none(agent, frames):
    line = Line(agent, cut_after(frames))
    assert ask(line) == WHOLE
    assert line.opened == 2
    assert line.what == ["stream-reopened"]
    assert agent.seen == [1], "the question was carried out once"


def test_a_question_that_was_lost_with_its_channel_is_asked_again(agent):
    line = Line(agent)
    stream = Stream(A, "r1", line, line.events.append)
    stream.open()
    stream._channel.send = lambda data: None  # into the void, and then the line breaks
    stream._channel._socket.shutdown(socket.SHUT_WR)
    agent._current.close()
    assert [frame["kind"] for frame in stream.request("ping")] == ["pong"]
    assert agent.seen == [1]


def test_silence_is_a_lost_channel(agent):
    line = Line(agent, lambda data: data if b"hello" in data and b"result" not in data else b"")
    assert ask(line) == WHOLE
    assert "no heartbeat for" in line.events[0]["reason"]


def test_a_damaged_frame_is_reported_and_asked_for_again(agent):
    line = Line(agent, spoil(b"probe1"))
    assert ask(line) == WHOLE
    assert "damaged-frame" in line.what


def test_a_frame_that_stays_damaged_is_not_observed_but_the_others_are(agent):
    line = Line(agent, spoil(b"probe1", times=99))
    assert ask(line) == ["probe0", "probe2", "done"]
    assert line.what.count("damaged-frame") >= 2


def test_a_damaged_last_frame_does_not_hang(agent):
    line = Line(agent, spoil(b'"done"'))
    assert ask(line) == WHOLE


def test_a_vanished_frame_is_asked_for_again(agent):
    def vanish(data):
        return re.sub(rb"\d+ [0-9a-f]{8}\n\{[^}]*probe1[^}]*\}\n", b"", data, count=1)

    line = Line(agent, once(vanish, b"probe1"))
    assert ask(line) == WHOLE


def test_a_repeated_frame_is_taken_once(agent):
    frame = rb"(\d+ [0-9a-f]{8}\n\{[^}]*probe1[^}]*\}\n)"
    line = Line(agent, lambda data: re.sub(frame, rb"\1\1", data))
    assert ask(line) == WHOLE
    assert line.events == []


def once(act, trigger):
    state = {"done": False}

    def guarded(data):
        if trigger in data and not state["done"]:
            state["done"] = True
            return act(data)
        return data

    return guarded


def test_frames_of_another_run_are_not_observations(agent):
    stranger = FakeAgent("pod/a@n1", "r1")
    stranger.run = "r1"
    stream = Stream(A, "r1", Line(stranger), (events := []).append)
    stream.open()
    stranger.run = "other"
    stranger._add({"seq": 1}, "result", id="stolen")
    stranger.run = "r1"
    stranger.journal.clear()
    assert [f.get("id", f["kind"]) for f in stream.request("probe")] == WHOLE
    assert {"what": "foreign-frame", "source": "pod/a@n1", "run": "other"} in events


def test_the_agent_of_another_endpoint_is_refused(agent):
    line = Line(FakeAgent("pod/b@n1", "r1"))
    with pytest.raises(StreamLost, match="pod/a@n1: another agent answers: 'pod/b@n1' of run 'r1'"):
        ask(line)


def test_an_agent_that_forgot_is_not_trusted(agent):
    line = Line(agent, cut_after(2))
    stream = Stream(A, "r1", line, line.events.append)
    answers = stream.request("probe")
    next(answers)
    agent.journal.clear()
    with pytest.raises(StreamLost, match="the agent was restarted, what it knew is lost"):
        list(answers)


def test_a_channel_that_cannot_be_had_again_says_why(agent):
    refused = [ChannelLost("exec in ns/pod refused: 403 forbidden")] * 3
    line = Line(agent, cut_after(2), *refused)
    with pytest.raises(StreamLost, match="pod/a@n1: exec in ns/pod refused: 403 forbidden"):
        ask(line)
    assert line.opened == 4


def test_a_refused_request_carries_the_agents_words(agent):
    with pytest.raises(StreamLost, match="pod/a@n1 refuses 'fly': cannot fly"):
        ask(Line(agent), do="fly")


def test_a_long_request_gives_signs_of_life(agent, monkeypatch):
    monkeypatch.setattr(module, "ALIVE", 0.05)
    monkeypatch.setattr(module, "IDLE", 1.0)
    with pytest.raises(StreamLost, match="gives no answer to 'hang'"):
        ask(Line(agent), do="hang")
    assert len(agent.seen) > 3


def test_an_answer_that_never_comes_ends(agent, monkeypatch):
    monkeypatch.setattr(module, "IDLE", 0.5)
    with pytest.raises(StreamLost, match="gives no answer to 'hang'"):
        ask(Line(agent), do="hang")
