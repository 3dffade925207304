"""Only the right peer of the right run with the right nonce is "reached"; every echo server counts what it was asked."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from .agents import Agent, Stream, encode, eventually, request
from .impostors import tcp_server, udp_server
from .world import World

Start = Callable[..., Agent]
SERVER = "10.1.0.2"


@pytest.fixture
def stream(world: World, agent: Start) -> Stream:
    """A client next to a host without an agent."""
    world.join("client", "10.1.0.1/24", "server", f"{SERVER}/24")
    return agent("client", "pod/a@one").stream()


def wait(stream: Stream, port: int = 7801) -> None:
    [done] = stream.ask("wait", address=SERVER, port=port)
    assert done["kind"] == "done", done


@pytest.mark.parametrize("action", ["tcp", "udp", "bulk"])
def test_another_endpoint_of_the_run_is_the_wrong_peer(stream: Stream, agent: Start, action: str):
    agent("server", "pod/c@two")
    wait(stream)
    [sample] = stream.probe(action, SERVER, expect="pod/b@two")
    assert (sample["outcome"], sample["detail"]["error"]) == ("wrong-peer", "server is 'pod/c@two', not 'pod/b@two'")
    assert stream.probe(action, SERVER)[0]["outcome"] == "reached"


@pytest.mark.parametrize("action", ["tcp", "udp", "bulk"])
def test_an_agent_of_another_run_does_not_answer(stream: Stream, agent: Start, action: str):
    other = agent("server", "pod/b@two", run="r2")
    eventually(lambda: stream.probe("tcp", SERVER)[0]["outcome"] == "reset")
    [sample] = stream.probe(action, SERVER, expect="pod/b@two", timeout=0.5)
    assert sample["outcome"] == ("timeout" if action == "udp" else "reset")
    [seen] = other.stream(run="r2").ask("seen")
    assert (seen["nonces"], seen["foreign"] >= 2) == ({}, True)


@pytest.mark.parametrize("action", ["tcp", "udp"])
def test_an_answer_in_the_name_of_another_run_is_the_wrong_peer(world: World, stream: Stream, action: str):
    with (tcp_server if action == "tcp" else udp_server)(world["server"], SERVER, 7801, echo(run="r2")):
        [sample] = stream.probe(action, SERVER)
    assert (sample["outcome"], sample["detail"]["error"]) == ("wrong-peer", "run is 'r2', not 'r1'")


def echo(**changes: str) -> Callable[[bytes], bytes]:
    """An echo server that differs in some fields from one of ours."""

    def answer(question: bytes) -> bytes:
        _, run, nonce, action = question.decode().split()
        return json.dumps({"run": run, "nonce": nonce, "action": action, "server": "pod/b@two", **changes}).encode() + b"\n"

    return answer


WRONG = {
    "nonce": (echo(nonce="00"), "nonce is '00'"),
    "action": (echo(action="smoke"), "action is 'smoke'"),
    "question": (lambda question: question, "no answer of an echo server: b'K8SNET1 r1"),
    "http": (lambda question: b"HTTP/1.1 400 Bad Request\r\n", "no answer of an echo server: b'HTTP/1.1 400"),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("action", ["tcp", "udp"])
def test_impostors_are_wrong_peers(world: World, stream: Stream, action: str, kind: str):
    answer, error = WRONG[kind]
    with (tcp_server if action == "tcp" else udp_server)(world["server"], SERVER, 7801, answer):
        [sample] = stream.probe(action, SERVER)
    assert sample["outcome"] == "wrong-peer"
    assert error in sample["detail"]["error"]


@pytest.mark.parametrize("action", ["tcp", "udp"])
def test_the_impostor_of_these_tests_could_pass(world: World, stream: Stream, action: str):
    with (tcp_server if action == "tcp" else udp_server)(world["server"], SERVER, 7801, echo()):
        assert stream.probe(action, SERVER)[0]["outcome"] == "reached"


def test_closing_without_an_answer_is_a_reset(world: World, stream: Stream):
    with tcp_server(world["server"], SERVER, 7801, lambda question: b'{"run"'):
        [sample] = stream.probe("tcp", SERVER)
    assert (sample["outcome"], sample["detail"]["error"]) == ("reset", "closed after 6 bytes, before a whole answer")


def test_connect_only_asks_for_nothing(world: World, stream: Stream):
    with tcp_server(world["server"], SERVER, 6443, lambda question: None) as received:
        [sample] = stream.probe("tcp", SERVER, port=6443, echo=False)
    assert (sample["outcome"], sample["reply"], received) == ("reached", {}, [b""])


@pytest.mark.parametrize("broken", ["up", "down"])
def test_bulk_that_comes_back_changed_is_damaged(world: World, stream: Stream, broken: str):
    def answer(data: bytes) -> bytes:
        line, _, body = data.partition(b"\n")
        changed = bytes([body[0] ^ 1]) + body[1:]
        digest = hashlib.sha256(changed if broken == "up" else body).hexdigest()
        _, run, nonce, action, _ = line.decode().split()
        head = {"run": run, "nonce": nonce, "action": action, "server": "pod/b@two", "sha256": digest}
        return json.dumps(head).encode() + b"\n" + changed

    with tcp_server(world["server"], SERVER, 7801, answer):
        [sample] = stream.probe("bulk", SERVER, bytes=100)
    assert sample["outcome"] == "damaged"
    assert sample["detail"]["error"].startswith("the server's hash" if broken == "up" else "what came back")


def test_every_nonce_is_counted_once(stream: Stream, agent: Start):
    server = agent("server", "pod/b@two")
    wait(stream)
    probes = [request("tcp", SERVER, samples=2, warmup=1), request("udp", SERVER, samples=3), request("bulk", SERVER, bytes=9)]
    *results, _ = stream.ask("probe", probes=probes)
    sent = {sample["nonce"]: result["request"]["action"] for result in results for sample in result["samples"]}
    [seen] = server.stream().ask("seen")
    counted = {nonce: entry for nonce, entry in seen["nonces"].items() if not nonce.startswith("wait")}
    assert {nonce: entry["action"] for nonce, entry in counted.items()} == sent
    assert {(entry["count"], entry["peer"], entry["ttl"]) for entry in counted.values()} == {(1, "10.1.0.1", 64)}


def test_doubled_datagrams_are_counted(world: World, stream: Stream, agent: Start):
    server = agent("server", "pod/b@two")
    wait(stream)
    with world["client"].inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        for _ in range(2):
            client.sendto(b"K8SNET1 r1 abc udp\n", (SERVER, 7801))
            client.recv(2000)
        client.sendto(b"K8SNET1 r9 abc udp\n", (SERVER, 7801))
        client.sendto(b"K8SNET1 r1 no;nonce udp\n", (SERVER, 7801))
    [seen] = server.stream().ask("seen")
    assert seen["nonces"]["abc"] == {"count": 2, "peer": "10.1.0.1", "ttl": 64, "action": "udp"}
    assert (seen["foreign"], seen["overflow"]) == (1, 0)


def test_udp_answers_come_from_the_address_that_was_asked(world: World, stream: Stream, agent: Start):
    world["server"].ip("addr add 10.1.0.3/24 dev client")
    agent("server", "pod/b@two")
    wait(stream)
    [sample] = stream.probe("udp", "10.1.0.3")
    assert (sample["outcome"], sample["reply"]["local"]) == ("reached", "10.1.0.3")


def test_server_bound_to_one_address(world: World, stream: Stream, agent: Start):
    world["server"].ip("addr add 10.1.0.3/24 dev client")
    runner = agent("server", "outside/runner", "--bind", "10.1.0.3", "--echo-port", "0").stream()
    port = runner.hello["echo_port"]
    outcomes = [stream.probe(action, address, port=port)[0]["outcome"] for action in ("tcp", "udp") for address in ("10.1.0.3", SERVER)]
    assert (outcomes, port > 1023) == (["reached", "refused"] * 2, True)


def test_taken_port_is_told_and_the_client_side_goes_on(world: World, stream: Stream, agent: Start):
    agent("server", "pod/b@two")
    wait(stream)
    other = agent("server", "host@two").stream()
    assert other.hello["problems"] == ["echo port 7801: Address already in use"]
    [sample] = other.probe("tcp", "127.0.0.1", expect="pod/b@two")
    assert sample["outcome"] == "reached"


def test_peer_answers_on_loopback_only(world: World, stream: Stream, agent: Start):
    server = agent("server", "pod/b@two")
    wait(stream)
    world["server"].start(["python3", str(server.archive), "peer", "--endpoint", "loopback@two", "--run", "r1", "--port", "7802"])
    inside = server.stream()
    eventually(lambda: inside.probe("tcp", "127.0.0.1", port=7802, expect="loopback@two")[0]["outcome"] == "reached")
    assert inside.probe("udp", "127.0.0.1", port=7802)[0]["reply"]["server"] == "loopback@two"
    assert stream.probe("tcp", SERVER, port=7802)[0]["outcome"] == "refused"


def test_raw_frame_of_the_test_is_understood(stream: Stream):
    """The tests write frames with code of their own."""
    stream.write(encode({"run": "r1", "seq": 77, "do": "ping"}))
    assert stream.answers(77)[0]["kind"] == "pong"


def test_nothing_is_written_into_the_namespace(world: World, stream: Stream, agent: Start):
    def state() -> tuple[str, str]:
        with world["server"].inside():
            return world["server"].run("sysctl", "-a", "-r", r"net\.ipv4\.(ip_|tcp_|conf)"), Path(
                "/proc/thread-self/net/ip_tables_names"
            ).read_text()

    before = state()
    server = agent("server", "pod/b@two")
    wait(stream)
    stream.probe("tcp", SERVER)
    server.stream().ask("seen")
    assert state() == before
