"""The real agent behind the streams: as a child of this process, and behind an exec of the small API server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from functools import partial

import pytest

from pytest_k8snet.cluster.exec import open_exec
from pytest_k8snet.collect import stream as stream_module
from pytest_k8snet.collect.stream import LocalStream, Stream, StreamLost
from pytest_k8snet.model.endpoint import Endpoint

RUNNER = Endpoint.parse("outside/runner")


@pytest.fixture
def local():
    stream = LocalStream(RUNNER, "r1", "127.0.0.1")
    yield stream
    stream.close()


def question(port, number=0, **more):
    body = {"id": f"p{number}", "action": "tcp", "address": "127.0.0.1", "port": port, "family": "ipv4", "samples": 3, "warmup": 1}
    return {**body, "timeout": 2.0, "nonce": f"{number:08x}", "expect": "outside/runner", **more}


def test_the_runners_own_agent_answers_probes(local):
    port = local.hello["echo_port"]
    frames = list(local.request("probe", probes=[question(port, n) for n in range(20)], parallel=8))
    assert [frame["kind"] for frame in frames] == ["result"] * 20 + ["done"]
    assert {sample["outcome"] for frame in frames[:-1] for sample in frame["samples"]} == {"reached"}


def test_it_listens_on_one_address_only(local):
    port = local.hello["echo_port"]
    assert port > 0
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", port), 1.0)


def test_closing_ends_the_process(local):
    pid = local.hello["pid"]
    local.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_request_it_does_not_know_says_so(local):
    with pytest.raises(StreamLost, match="outside/runner refuses 'fly'"):
        list(local.request("fly"))
    assert [frame["kind"] for frame in local.request("ping")] == ["pong"]


def test_a_lost_socket_is_reopened_and_nothing_is_lost(local):
    port = local.hello["echo_port"]
    ids = []
    for frame in local.request("probe", probes=[question(port, n) for n in range(200)], parallel=4):
        ids.append(frame.get("id"))
        if len(ids) in (20, 90):
            local._stream._channel._socket.shutdown(socket.SHUT_RDWR)
    assert sorted(ids[:-1]) == sorted(f"p{n}" for n in range(200))


def test_an_address_that_is_not_ours_is_explained():
    events = []
    stream = LocalStream(RUNNER, "r1", "192.0.2.7", report=events.append)
    stream.close()
    assert stream.hello["echo_port"] == 0
    (event,) = events
    assert (event["what"], event["source"]) == ("agent-problem", "outside/runner")
    assert "Cannot assign requested address" in event["problem"]


def test_an_agent_that_does_not_start_is_explained(monkeypatch):
    monkeypatch.setattr(stream_module, "PAUSES", (0.0,))
    monkeypatch.setattr(stream_module, "bundle", lambda: b"no zip")
    with pytest.raises(StreamLost, match=r"^outside/runner: the agent of this process does not run: SyntaxError: invalid syntax$"):
        LocalStream(RUNNER, "r1", "127.0.0.1")


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture
def started(monkeypatch):
    """Start an agent with more arguments, as scenarios do."""
    streams, popen = [], subprocess.Popen

    def start(*more):
        monkeypatch.setattr(stream_module.subprocess, "Popen", lambda command, **options: popen([*command, *more], **options))
        streams.append(LocalStream(RUNNER, "r1", "127.0.0.1"))
        return streams[-1]

    yield start
    for stream in streams:
        stream.close()


def test_datagrams_leave_from_the_port_that_was_asked_for(local):
    port = free_port(socket.SOCK_DGRAM)
    asked = question(local.hello["echo_port"], action="udp", local_port=port)
    *results, _ = local.request("probe", probes=[asked], parallel=1)
    samples = [sample for frame in results for sample in frame["samples"]]
    assert [sample["outcome"] for sample in samples] == ["reached"] * 4
    assert {(sample["detail"]["local_port"], sample["reply"]["peer_port"]) for sample in samples} == {(port, port)}
    assert {sample["reply"]["port"] for sample in samples} == {local.hello["echo_port"]}


def test_a_second_port_answers_and_says_which_it_is(started):
    port = free_port()
    stream = started("--second-port", str(port))
    *results, _ = stream.request("probe", probes=[question(port, 1), question(stream.hello["echo_port"], 2)], parallel=1)
    told = {frame["id"]: {sample["reply"]["port"] for sample in frame["samples"]} for frame in results}
    assert told == {"p1": {port}, "p2": {stream.hello["echo_port"]}}


def test_readiness_is_a_file(started, tmp_path):
    file = tmp_path / "ready"
    stream = started("--ready-file", str(file))
    assert file.exists()
    for ready in (False, False, True):
        assert [frame["kind"] for frame in stream.request("ready", ready=ready)] == ["done"]
        assert file.exists() is ready


def test_an_agent_that_lingers_answers_after_it_was_told_to_end(started):
    stream = started("--linger", "0.8")
    os.kill(stream.hello["pid"], signal.SIGTERM)
    told = time.monotonic()
    frame, _ = stream.request("probe", probes=[question(stream.hello["echo_port"])], parallel=1)
    assert {sample["outcome"] for sample in frame["samples"]} == {"reached"}
    assert stream._process.wait(5.0) == 0
    assert time.monotonic() - told >= 0.8


class Behind:
    """What the exec stub connects to: a new connection to the socket of a real agent."""

    def __init__(self, local):
        self.local = local

    def connect(self):
        connected = socket.socket(socket.AF_UNIX)
        connected.connect(f"{self.local._folder.name}/agent.sock")
        return connected


def test_an_exec_of_the_relay_reaches_a_real_agent(api, connection, local):
    local._stream.close()
    api.agents["p"] = Behind(local)
    cuts = iter([3000])

    def mangle(pod, data, state={"left": None}):  # noqa: B006
        state["left"] = next(cuts, 10**9) if state["left"] is None else state["left"] - len(data)
        if state["left"] < 0:
            state["left"] = 10**9
            return None
        return data

    api.mangle = mangle
    events = []
    stream = Stream(RUNNER, "r1", partial(open_exec, connection, "ns", "p", "agent", ["relay"]), events.append)
    frames = list(stream.request("probe", probes=[question(local.hello["echo_port"], n) for n in range(50)], parallel=8))
    assert sorted(frame["id"] for frame in frames[:-1]) == sorted(f"p{n}" for n in range(50))
    assert [event["what"] for event in events] == ["stream-reopened"]
    assert connection.counts["EXEC"] == 2
    stream.close()
