"""The internet host's program: DNS on one address; HTTP, TCP and UDP echo on the other.

An echo answer is one JSON object and a newline: `peer` ([address, port] of the sender as received here), `local` (the
address and port it reached), `protocol` and, for UDP and TCP, `received` (what came, as text). HTTP adds `path`; any
path is answered.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from lab import addresses
from lab.hosts import zone


def report(protocol: str, peer: Any, local: Any, **more: str) -> bytes:
    """One answer: a JSON object with a newline."""
    return json.dumps({"protocol": protocol, "peer": list(peer[:2]), "local": list(local[:2]), **more}).encode() + b"\n"


class UdpEcho(asyncio.DatagramProtocol):
    """Answers each datagram with what it saw."""

    transport: asyncio.DatagramTransport

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        local = self.transport.get_extra_info("sockname")
        self.transport.sendto(report("udp", addr, local, received=data.decode(errors="replace")), addr)


class UdpDns(asyncio.DatagramProtocol):
    """Answers DNS queries over UDP."""

    def __init__(self, records: zone.Records) -> None:
        self.records = records

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        answer = zone.answer(data, self.records, over_udp=True)
        if answer is not None:
            self.transport.sendto(answer, addr)


async def tcp_dns(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, records: zone.Records) -> None:
    """Answer DNS queries over one TCP connection, each with its two-byte length (RFC 1035 section 4.2.2)."""
    try:
        while True:
            query = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
            answer = zone.answer(query, records, over_udp=False)
            if answer is None:
                return
            writer.write(len(answer).to_bytes(2, "big") + answer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        return
    finally:
        writer.close()


async def tcp_echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each line of a TCP connection with what was seen."""
    peer, local = writer.get_extra_info("peername"), writer.get_extra_info("sockname")
    try:
        while line := await reader.readline():
            writer.write(report("tcp", peer, local, received=line.decode(errors="replace").rstrip("\r\n")))
            await writer.drain()
    except (ConnectionError, ValueError):  # ValueError: a line longer than the reader's limit
        return
    finally:
        writer.close()


async def http_echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one HTTP request (RFC 9112) with what was seen, and close."""
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        writer.write(http_answer(head, writer.get_extra_info("peername"), writer.get_extra_info("sockname")))
        await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ConnectionError):
        return
    finally:
        writer.close()


def http_answer(head: bytes, peer: Any, local: Any) -> bytes:
    """The whole answer to a request head; HEAD gets no body."""
    method, _, rest = head.split(b"\r\n", 1)[0].decode(errors="replace").partition(" ")
    body = report("http", peer, local, path=rest.split(" ")[0] or "/")
    fields = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return fields.encode() + (b"" if method == "HEAD" else body)


async def serve(hosts: Sequence[str], dns_hosts: Sequence[str], ports: dict[str, int]) -> None:
    """Serve everything until cancelled.

    Args:
        hosts: addresses of the echo and HTTP servers.
        dns_hosts: addresses of the DNS server; the last one listens when everything else does.
        ports: of `echo` (TCP and UDP), `http` and `dns` (TCP and UDP).
    """
    for host in hosts:
        await _serve_echo(host, ports)
    for host in dns_hosts:
        await _serve_dns(host, ports["dns"], zone.records())
    await asyncio.get_running_loop().create_future()


async def _serve_echo(host: str, ports: dict[str, int]) -> None:
    await asyncio.get_running_loop().create_datagram_endpoint(UdpEcho, (host, ports["echo"]))
    await asyncio.start_server(tcp_echo, host, ports["echo"])
    await asyncio.start_server(http_echo, host, ports["http"])


async def _serve_dns(host: str, port: int, records: zone.Records) -> None:
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: UdpDns(records), (host, port))
    await asyncio.start_server(lambda r, w: tcp_dns(r, w, records), host, port)


def main(families: str) -> None:
    """Serve at the addresses of a lab of these families until the process is ended."""
    ports = {"echo": addresses.ECHO_PORT, "http": addresses.HTTP_PORT, "dns": 53}
    hosts = addresses.of_hosts(families, str(addresses.INTERNET_HOST), str(addresses.INTERNET_HOST6))
    servers = addresses.of_hosts(families, str(addresses.INTERNET_DNS), str(addresses.INTERNET_DNS6))
    asyncio.run(serve(hosts, servers, ports))
