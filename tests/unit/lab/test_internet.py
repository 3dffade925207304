"""The internet host's echo servers, on loopback."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.request
from collections.abc import Callable
from typing import Any

import dns.message
import dns.query
import pytest

from lab.hosts import internet, zone


def _free_port() -> int:
    with socket.socket() as one, socket.socket(type=socket.SOCK_DGRAM) as other:
        one.bind(("127.0.0.1", 0))
        other.bind(one.getsockname())
        return int(one.getsockname()[1])


def _with_servers(use: Callable[[dict[str, int]], Any]) -> Any:
    ports = {name: _free_port() for name in ("echo", "http", "dns")}

    async def session() -> Any:
        serving = asyncio.create_task(internet.serve(["127.0.0.1"], ["127.0.0.1"], ports))
        try:
            await _listening(serving, ports["dns"])
            return await asyncio.to_thread(use, ports)
        finally:
            serving.cancel()

    return asyncio.run(session())


async def _listening(serving: asyncio.Task[None], port: int) -> None:
    """Until the port that is opened last accepts; raises what kept the servers from starting."""
    for _ in range(200):
        if serving.done():
            serving.result()
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise AssertionError(f"nothing listens on port {port} after 10 s")


def _tcp(port: int, data: bytes) -> tuple[Any, bytes]:
    with socket.create_connection(("127.0.0.1", port), 3) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        return client.getsockname(), b"".join(iter(lambda: client.recv(4096), b""))


def test_tcp_echo_names_the_peer() -> None:
    own, text = _with_servers(lambda ports: _tcp(ports["echo"], b"one\r\ntwo\n"))
    seen = [json.loads(line) for line in text.splitlines()]
    assert [one["received"] for one in seen] == ["one", "two"]
    assert [tuple(one["peer"]) for one in seen] == [own, own]


def test_udp_echo_names_the_peer() -> None:
    def use(ports: dict[str, int]) -> tuple[Any, dict[str, Any]]:
        with socket.socket(type=socket.SOCK_DGRAM) as client:
            client.settimeout(3)
            client.bind(("127.0.0.1", 0))
            client.sendto(b"nonce", ("127.0.0.1", ports["echo"]))
            return client.getsockname(), json.loads(client.recv(4096))

    own, seen = _with_servers(use)
    assert (tuple(seen["peer"]), seen["protocol"], seen["received"]) == (own, "udp", "nonce")


def test_http_echo() -> None:
    def use(ports: dict[str, int]) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{ports['http']}/some/path", timeout=3) as answer:
            return bytes(answer.read())

    seen = json.loads(_with_servers(use))
    assert (seen["path"], seen["peer"][0]) == ("/some/path", "127.0.0.1")


def test_head_has_no_body() -> None:
    answer = internet.http_answer(b"HEAD / HTTP/1.1\r\n\r\n", ("192.0.2.1", 1), ("192.0.2.2", 80))
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("request_head", [b"", b"\xff\xfe\r\n\r\n", b"GET\r\n\r\n"])
def test_odd_heads_are_answered(request_head: bytes) -> None:
    assert b'"path": "/"' in internet.http_answer(request_head, ("192.0.2.1", 1), ("192.0.2.2", 80))


def test_dns_over_udp_and_tcp() -> None:
    def use(ports: dict[str, int]) -> tuple[dns.message.Message, dns.message.Message]:
        query = dns.message.make_query("large.example.test", "A")
        udp = dns.query.udp(query, "127.0.0.1", 3, ports["dns"])
        return udp, dns.query.tcp(query, "127.0.0.1", 3, ports["dns"])

    udp, tcp = _with_servers(use)
    assert (len(udp.answer), len(tcp.answer[0])) == (0, zone.LARGE)


def test_tcp_dns_drops_garbage() -> None:
    assert _with_servers(lambda ports: _tcp(ports["dns"], b"\0\4oops"))[1] == b""
