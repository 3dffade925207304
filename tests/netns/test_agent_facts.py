"""Facts come as they are, and what could not be read says why."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from .agents import Agent, Stream
from .world import World

Start = Callable[..., Agent]


@pytest.fixture
def stream(agent: Start) -> Stream:
    return agent("node", "host@one").stream()


def fact(stream: Stream, **reader: object) -> dict:
    frame, done = stream.ask("facts", readers=[{"name": "it", **reader}], timeout=2)
    assert (frame["kind"], frame["name"], done["kind"], done["count"]) == ("fact", "it", "done", 1)
    return {key: frame[key] for key in ("source", "ok", "code", "text", "error")}


def test_command(stream: Stream):
    assert fact(stream, argv=["echo", "-n", "a b"]) == {"source": "echo -n a b", "ok": True, "code": 0, "text": "a b", "error": ""}


def test_command_reads_its_own_namespace(world: World, stream: Stream):
    world.join("node", "10.9.0.1/24", "other", "10.9.0.2/24")
    assert '"10.9.0.1"' in fact(stream, argv=["ip", "-j", "addr"])["text"]


def test_failing_command_keeps_both_outputs(stream: Stream):
    found = fact(stream, argv=["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (found["ok"], found["code"], found["text"], found["error"]) == (False, 3, "out\n", "err")


def test_warning_of_a_command_that_succeeds_is_kept(stream: Stream):
    found = fact(stream, argv=["sh", "-c", "echo out; echo beware >&2"])
    assert (found["ok"], found["error"]) == (True, "beware")


@pytest.mark.parametrize(
    ("reader", "error"),
    [
        ({"argv": ["no-such-tool", "-x"]}, "no such tool: no-such-tool"),
        ({"argv": ["sleep", "10"]}, "nothing within 2 s"),
        ({"argv": ["yes"], "limit": 1000}, "its output is longer than 1000 bytes"),
        ({"path": "/nonexistent/file"}, "no such file"),
        ({"path": "/nonexistent/*"}, "no such file"),
        ({"path": "/etc/shadow"}, "permission denied"),
        ({"path": "/dev/zero"}, "not a regular file"),
        ({"http": "http://127.0.0.1:9/x"}, "Connection refused"),
        ({}, "has neither argv nor path nor list nor http"),
    ],
)
def test_what_cannot_be_read_says_why(stream: Stream, reader: dict, error: str):
    found = fact(stream, **reader)
    assert (found["ok"], found["text"]) == (False, "")
    assert error in found["error"]


def test_one_slow_reader_costs_the_others_nothing(stream: Stream):
    begun = time.monotonic()
    *facts, done = stream.ask("facts", readers=[{"name": "slow", "argv": ["sleep", "9"]}, {"name": "fast", "argv": ["true"]}, 7], timeout=1)
    assert time.monotonic() - begun < 3
    assert {f["name"]: f["ok"] for f in facts} == {"slow": False, "fast": True, "": False}
    assert done["count"] == 3


def test_bytes_that_are_no_text_survive(stream: Stream):
    assert fact(stream, argv=["printf", r"a\377b"])["text"] == "a\ufffdb"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/proxyMode" else 404)
        self.end_headers()
        self.wfile.write(b"iptables")

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_http(world: World, stream: Stream):
    with world["node"].inside():
        server = ThreadingHTTPServer(("127.0.0.1", 10249), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        good, bad = fact(stream, http="http://127.0.0.1:10249/proxyMode"), fact(stream, http="http://127.0.0.1:10249/x")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert (good["ok"], good["code"], good["text"]) == (True, 200, "iptables")
    assert (bad["ok"], bad["code"], bad["error"]) == (False, 404, "HTTP 404 Not Found")
