"""The control stream: nothing is lost or doubled when relays come and go, damage is noticed, and a forgotten agent ends."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable

import pytest

from .agents import RUN, Agent, Stream, encode, request
from .world import World

Start = Callable[..., Agent]


@pytest.fixture
def started(world: World, agent: Start) -> Agent:
    """An agent that only has its own loopback."""
    return agent("alone", "pod/a@one")


def many(count: int, **fields: object) -> list[dict]:
    return [request("udp", "127.0.0.1", id=f"p{n}", **fields) for n in range(count)]


def test_hello_says_who_it_is(started: Agent):
    hello = started.stream().hello
    assert {key: hello[key] for key in ("run", "kind", "endpoint", "echo_port", "problems", "uid", "last_seq")} == {
        "run": RUN, "kind": "hello", "endpoint": "pod/a@one", "echo_port": 7801, "problems": [], "uid": 65534, "last_seq": 0,
    }  # fmt: skip
    assert hello["tools"]["ip"].startswith("/")
    assert "iproute2" in hello["tools"]["ip"]
    assert hello["python"].startswith("3.")


def test_one_result_for_each_probe_then_done(started: Agent):
    stream = started.stream()
    *results, done = stream.ask("probe", probes=many(100))
    assert sorted(r["id"] for r in results) == sorted(f"p{n}" for n in range(100))
    assert [f["seq"] for f in (*results, done)] == list(range(1, 102))
    assert (done["kind"], done["count"]) == ("done", 100)


def test_results_come_as_probes_end(world: World, started: Agent):
    world.join("alone", "10.9.0.1/24", "silent", "10.9.0.3/24")
    slow, fast = request("tcp", "10.9.0.2", id="slow", timeout=0.5), request("tcp", "127.0.0.1", id="fast")
    frames = started.stream().ask("probe", probes=[slow, fast])
    assert [frame.get("id") for frame in frames] == ["fast", "slow", None]


def test_rate_spreads_the_probes(started: Agent):
    stream = started.stream()
    begun = time.monotonic()
    stream.ask("probe", probes=many(20), rate=40)
    assert 0.45 < time.monotonic() - begun < 1.5


def test_killed_relay_loses_and_doubles_nothing(started: Agent):
    first = started.stream()
    seq = first.send("probe", probes=many(300), rate=600)
    begun = [first.read() for _ in range(50)]
    first.kill()
    time.sleep(0.2)
    second = started.stream()
    assert second.hello["last_seq"] > 50
    second.send("resume", after=begun[-1]["seq"])
    rest = second.answers(seq)
    frames = begun + rest
    assert [f["seq"] for f in frames] == list(range(1, 302))
    assert sorted(f["id"] for f in frames[:-1]) == sorted(f"p{n}" for n in range(300))


def test_work_goes_on_without_a_stream(started: Agent):
    first = started.stream()
    seq = first.send("probe", probes=many(50), rate=100)
    first.read()
    first.kill()
    time.sleep(0.8)
    second = started.stream()
    assert second.hello["last_seq"] == 51
    second.send("resume", after=0)
    assert len(second.answers(seq)) == 51


def test_repeated_request_is_not_done_twice(started: Agent):
    first = started.stream()
    probes = many(10)
    seq = first.send("probe", probes=probes)
    first.answers(seq)
    second = started.stream()
    second.send("resume", after=0)
    second.send("probe", seq=seq, probes=probes)
    assert len(second.answers(seq)) == 11
    assert second.ask("ping")[0]["seq"] == 12
    [seen] = second.ask("seen")
    assert {entry["count"] for entry in seen["nonces"].values()} == {1}


def test_number_of_another_request_is_refused(started: Agent):
    started.stream().ask("probe", probes=many(1))
    second = started.stream()
    second.send("ping", seq=1)
    assert second.answers(1)[0]["text"] == "seq 1 was another request before; go on from 2"


def test_new_stream_takes_over(started: Agent):
    first, second = started.stream(), started.stream()
    with pytest.raises(EOFError):
        first.read()
    assert second.ask("ping")[0]["kind"] == "pong"
    assert first.relay.wait(5) == 0


def test_nothing_old_is_sent_unasked(started: Agent):
    started.stream().ask("probe", probes=many(5))
    second = started.stream()
    second.send("ping")
    first = second.read()
    assert (first["kind"], first["seq"]) == ("pong", 7)
    second.send("resume", after=4)
    assert [second.read()["seq"] for _ in range(3)] == [5, 6, 7]


def test_relay_ends_with_its_input(started: Agent):
    stream = started.stream()
    stream.relay.stdin.close()
    assert stream.relay.wait(5) == 0


def test_relay_without_an_agent_says_so(world: World, started: Agent):
    command = ["python3", str(started.archive), "relay", "--socket", "/nonexistent/agent.sock", "--patience", "0.1"]
    with pytest.raises(AssertionError, match="ended with 5: no agent listens on /nonexistent/agent"):
        world["alone"].run(*command)


PING = encode({"run": RUN, "seq": 5, "do": "ping"})
BAD = {
    "garbage": (b"\x00\xffgarbage\n", "no frame header: b'\\x00\\xffgarbage\\n'"),
    "endless": (b"x" * 100_000 + b"\n", "no frame header"),
    "checksum": (PING.replace(b"ping", b"pong"), "does not match its checksum"),
    "no object": (b"2 " + b"%08x" % 0xE9CB2AB7 + b"\n[]\n", None),
    "huge": (b"99999999999 00000000\n", "no frame header"),
    "foreign": (encode({"run": "r2", "seq": 5, "do": "ping"}), "this agent is of run r1, not 'r2'"),
    "no number": (encode({"run": RUN, "do": "ping"}), "seq None is no number"),
    "unknown": (encode({"run": RUN, "seq": 5, "do": "dance"}), "do 'dance' is not known"),
    "no probes": (encode({"run": RUN, "seq": 5, "do": "probe", "probes": {}}), "probes is no list"),
    "parallel": (encode({"run": RUN, "seq": 5, "do": "probe", "probes": [], "parallel": "x"}), "invalid literal"),
    "no readers": (encode({"run": RUN, "seq": 5, "do": "facts"}), "readers is no list"),
    "no address": (encode({"run": RUN, "seq": 5, "do": "wait"}), "address None is no IP address"),
    "resume": (encode({"run": RUN, "seq": 5, "do": "resume", "after": 99}), "cannot resume after 99: the last frame is 0"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_bad_frames_are_answered_by_an_error(started: Agent, kind: str):
    data, text = BAD[kind]
    stream = started.stream()
    stream.write(data)
    frame = stream.read()
    assert frame["kind"] == "error"
    assert (text or "") in frame["text"]
    assert stream.ask("ping")[0]["kind"] == "pong"


def test_damage_within_good_frames_costs_only_itself(started: Agent):
    stream = started.stream()
    stream.write(encode({"run": RUN, "seq": 1, "do": "ping"}) + PING[:-3] + encode({"run": RUN, "seq": 2, "do": "ping"}))
    kinds = {(frame["kind"], frame["of"]) for frame in (stream.read(), stream.read(), stream.read())}
    assert kinds == {("pong", 1), ("error", None), ("pong", 2)}


def test_stop(started: Agent):
    assert started.stream().ask("stop")[0]["kind"] == "stopped"
    code, words = started.ended(within=5)
    assert (code, words) == (0, "k8snet agent pod/a@one: told to stop\n")
    assert not started.socket.exists()


def test_dead_man_without_any_controller(agent: Start):
    begun = time.monotonic()
    code, words = agent("alone", "pod/a@one", "--silence", "1").ended(within=10)
    assert (code, words) == (3, "k8snet agent pod/a@one: no controller for 1 s\n")
    assert time.monotonic() - begun > 1


def test_dead_man_counts_from_the_last_frame(agent: Start):
    started = agent("alone", "pod/a@one", "--silence", "1.5")
    stream = started.stream()
    for _ in range(4):
        time.sleep(0.7)
        stream.ask("ping")
    assert started.process.poll() is None
    stream.write(encode({"run": "r2", "seq": 1, "do": "ping"}))  # a foreign controller is none
    assert started.ended(within=10)[0] == 3


def keep_talking(stream: Stream) -> int:
    """Pings until the stream ends; how often it was answered."""
    for count in itertools.count():
        try:
            stream.ask("ping")
        except (EOFError, BrokenPipeError):
            return count
        time.sleep(0.05)
    raise AssertionError


def test_life_ends_though_the_controller_talks(agent: Start):
    started = agent("alone", "pod/a@one", "--life", "2")
    talked = keep_talking(started.stream())
    assert talked > 10
    assert started.ended(within=5) == (4, "k8snet agent pod/a@one: its life of 2 s is over\n")


def test_term_signal_ends_it(started: Agent):
    started.stream().ask("ping")
    started.process.terminate()
    assert started.ended(within=5)[0] == 0


def test_heartbeats_come_unasked(started: Agent):
    stream = started.stream()
    begun = time.monotonic()
    assert stream.read() == {"run": RUN, "kind": "beat"}
    assert time.monotonic() - begun < 10


def test_socket_is_for_this_user_only(started: Agent):
    started.stream().ask("ping")
    assert oct(os.stat(started.socket).st_mode & 0o777) == "0o600"


def test_socket_that_cannot_be_made_is_one_clear_line(world: World, started: Agent):
    started.stream()
    command = ["python3", str(started.archive), "serve", "--endpoint", "x", "--run", RUN, "--socket", "/nonexistent/a", "--echo-port", "0"]
    with pytest.raises(AssertionError, match=r"ended with 6: k8snet agent: .*No such file or directory$"):
        world["alone"].run(*command)


def test_many_probes_in_parallel_streams_of_work(started: Agent):
    stream = started.stream()
    first, second = stream.send("probe", probes=many(200)), stream.send("probe", probes=many(200))
    frames: dict[int, list[str]] = {first: [], second: []}
    while [kinds[-1:] for kinds in frames.values()] != [["done"], ["done"]]:
        frame = stream.read()
        frames[frame["of"]].append(frame["kind"])
    assert [len(kinds) for kinds in frames.values()] == [201, 201]
