"""TLS handshake and one HTTP request: any status line is an answer, whoever may read what is behind it. Nothing is verified."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from functools import lru_cache
from typing import Any

from .. import outcomes, waiting
from . import certificate
from .attempt import Attempt, Context, Failed, connect
from .request import Request

LINE_LIMIT = 4096


async def attempt(context: Context, request: Request, nonce: str, result: Attempt) -> None:
    """Reply: `status`, and `sans` and `issuer` of the certificate that was shown."""
    deadline = waiting.now() + request.timeout
    sock = await connect(request, deadline, result.detail)
    try:
        await asyncio.wait_for(_ask(sock, request, result), max(0.001, deadline - waiting.now()))
    except asyncio.TimeoutError:
        raise Failed(outcomes.TIMEOUT, error="no TLS answer within the deadline") from None
    except ssl.SSLError as error:
        raise Failed(outcomes.TLS_ERROR, error=error.reason or str(error)) from None
    except OSError as error:
        text = str(error) or "closed during the handshake"
        raise Failed(outcomes.of_errno(error.errno) if error.errno else outcomes.RESET, error=text) from None
    finally:
        sock.close()


async def _ask(sock: Any, request: Request, result: Attempt) -> None:
    name = request.raw.get("server_name")
    reader, writer = await asyncio.open_connection(
        sock=sock, ssl=_unverified(), server_hostname=name if _is_name(name) else "", limit=LINE_LIMIT
    )
    try:
        result.reply.update(certificate.parse(writer.get_extra_info("ssl_object").getpeercert(True) or b""))
        writer.write(_get(str(request.raw.get("path", "/")), str(name or request.address)))
        result.reply["status"] = _status(await reader.readline())
    finally:
        writer.transport.abort()


@lru_cache(maxsize=1)
def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _is_name(name: Any) -> bool:
    """RFC 6066: the server name is never an address."""
    try:
        ipaddress.ip_address(str(name))
    except ValueError:
        return bool(name)
    return False


def _get(path: str, host: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: k8snet\r\nConnection: close\r\n\r\n".encode("ascii", "replace")


def _status(line: bytes) -> int:
    words = line.split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise Failed(outcomes.WRONG_PEER, error=f"TLS, but no HTTP status line: {line[:80]!r}")
    return int(words[1])
