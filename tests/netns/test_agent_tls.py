"""TLS: an HTTP status after the handshake is an answer, whatever it is; nothing is verified, the names are told."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from .agents import Agent, Stream
from .impostors import tcp_server
from .world import World

Start = Callable[..., Agent]
ADDRESS = "127.0.0.1"


@pytest.fixture
def stream(agent: Start) -> Stream:
    return agent("client", "pod/a@one").stream()


class _Forbidding(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(403 if self.path == "/version" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def api(world: World, tmp_path: Path) -> Iterator[int]:
    """Port of an HTTPS server with a certificate for kubernetes.default.svc."""
    names = "subjectAltName=DNS:kubernetes.default.svc,IP:10.96.0.1"
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
               "-subj", "/CN=test-ca", "-addext", names, "-keyout", str(key), "-out", str(certificate)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with world["client"].inside():
        server = ThreadingHTTPServer((ADDRESS, 6443), _Forbidding)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield 6443
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("name", ["kubernetes.default.svc", "10.96.0.1", ""])
def test_any_status_is_an_answer(stream: Stream, api: int, name: str):
    [sample] = stream.probe("tls", ADDRESS, port=api, server_name=name, path="/version")
    assert (sample["outcome"], sample["reply"]) == (
        "reached",
        {"status": 403, "sans": ["kubernetes.default.svc", "10.96.0.1"], "issuer": "CN=test-ca"},
    )


ODD = {"tls-error", "reset"}  # which of them depends on the moment of the close


@pytest.mark.parametrize(("answer", "outcomes"), [(b"HTTP/1.1 400 Bad\r\n\r\n", {"tls-error"}), (b"", ODD), (b"\x16\x03\x01", ODD)])
def test_what_is_no_tls(world: World, stream: Stream, answer: bytes, outcomes: set[str]):
    with tcp_server(world["client"], ADDRESS, 6443, lambda hello: answer):
        [sample] = stream.probe("tls", ADDRESS, port=6443)
    assert sample["outcome"] in outcomes
    assert sample["detail"]["error"]


def test_silence_after_the_connection_is_a_timeout(world: World, stream: Stream):
    held = threading.Event()
    with tcp_server(world["client"], ADDRESS, 6443, lambda hello: (held.wait(2) and b"") or b""):
        [sample] = stream.probe("tls", ADDRESS, port=6443, timeout=0.3)
        held.set()
    assert sample["outcome"] == "timeout"
    assert sample["detail"]["error"] == "no TLS answer within the deadline"


def test_refused(stream: Stream):
    assert stream.probe("tls", ADDRESS, port=6443)[0]["outcome"] == "refused"
