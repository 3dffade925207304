"""What strangers get of the echo server, and how much memory a peer can make it hold."""

from __future__ import annotations

import asyncio

import pytest

from pytest_k8snet.agent.echo import tcp
from pytest_k8snet.agent.echo.accounting import Accounting
from pytest_k8snet.agent.echo.server import EchoServer


@pytest.fixture
def serve():
    """Run a coroutine function that takes the port of an echo server of run r1."""

    def run(client):
        async def main():
            server = EchoServer("r1", "pod/a@n1", Accounting("r1"))
            await server.start("127.0.0.1", 0)
            try:
                return await asyncio.wait_for(client(server), 20)
            finally:
                server.close()

        return asyncio.run(main())

    return run


async def talk(server, data):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(data)
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("question", [b"K8SNET1 r2 n tcp\n", b"K8SNET1 r2 n bulk 5\nhello", b"K8SNET1 r1 n bulk 4194305\n"])
def test_no_answer_over_tcp(serve, question):
    assert serve(lambda server: talk(server, question)) == b""


def test_an_answer_to_the_own_run(serve):
    assert serve(lambda server: talk(server, b"K8SNET1 r1 n bulk 5\nhello")).endswith(b"}\nhello")


def test_transfers_beyond_the_limit_wait_and_then_arrive(serve, monkeypatch):
    monkeypatch.setattr(tcp, "HELD_LIMIT", 300_000)
    body = bytes(range(256)) * 4096
    most = 0

    async def client(server):
        nonlocal most
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"K8SNET1 r1 s bulk 4000000\n" + bytes(300_100))
        await writer.drain()
        waiting = [asyncio.ensure_future(talk(server, b"K8SNET1 r1 n%d bulk %d\n" % (n, len(body)) + body)) for n in range(4)]
        for _ in range(10):
            await asyncio.sleep(0.03)
            most = max(most, server._identity.held)
        assert not any(task.done() for task in waiting)
        writer.transport.abort()
        return await asyncio.gather(*waiting)

    answers = serve(client)
    assert most < 300_100 + 5 * 262_144 + 200, "each connection can exceed the limit by one read at most"
    assert all(answer.endswith(body) for answer in answers)
