"""One exec of a program in a pod as a channel of bytes: websocket, subprotocol v5 or v4 (kubernetes/kubernetes, remotecommand)."""

from __future__ import annotations

import json
import ssl
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from .channel import ChannelLost
from .connection import Connection

PROTOCOLS = ["v5.channel.k8s.io", "v4.channel.k8s.io"]
STDIN, STDOUT, STDERR, STATUS = 0, 1, 2, 3
OPEN_TIMEOUT = 10.0
SEND_TIMEOUT = 30.0
CHUNK = 32 * 1024
TAIL = 2000  # characters of stderr that are kept to explain a loss


class ExecChannel:
    """Bytes to the program's stdin and from its stdout. Its own websocket, never a shared client: shared ones break REST calls."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._stderr, self._status = "", ""

    def send(self, data: bytes) -> None:
        """See Channel. Always binary: text frames would be re-encoded."""
        from websocket import WebSocketException

        try:
            self._socket.settimeout(SEND_TIMEOUT)
            for start in range(0, len(data), CHUNK):
                self._socket.send_binary(bytes([STDIN]) + data[start : start + CHUNK])
        except (WebSocketException, OSError) as error:
            raise ChannelLost(self._why(error)) from error

    def receive(self, timeout: float) -> bytes:
        """See Channel."""
        from websocket import WebSocketException, WebSocketTimeoutException

        try:
            self._socket.settimeout(max(timeout, 0.001))
            return self._take(*self._socket.recv_data_frame(True))
        except (WebSocketTimeoutException, TimeoutError):
            return b""
        except (WebSocketException, OSError) as error:
            raise ChannelLost(self._why(error)) from error

    def close(self) -> None:
        """See Channel."""
        self._socket.shutdown()

    def _take(self, opcode: int, frame: Any) -> bytes:
        from websocket import ABNF

        if opcode == ABNF.OPCODE_CLOSE:
            raise ChannelLost(self._why("the exec ended"))
        data = bytes(frame.data) if opcode in (ABNF.OPCODE_BINARY, ABNF.OPCODE_TEXT, ABNF.OPCODE_CONT) else b""
        if data[:1] == bytes([STDOUT]):
            return data[1:]
        if data[:1] == bytes([STDERR]):
            self._stderr = (self._stderr + data[1:].decode("utf-8", "replace"))[-TAIL:]
        elif data[:1] == bytes([STATUS]):
            self._status = _status(data[1:])
        return b""

    def _why(self, error: object) -> str:
        parts = (self._status, self._stderr.strip(), str(error))
        return "; ".join(part for part in parts if part)


def open_exec(connection: Connection, namespace: str, pod: str, container: str, command: Sequence[str]) -> ExecChannel:
    """Start `command` in the container. Raises ChannelLost with the server's reason when it is refused."""
    from websocket import WebSocket, WebSocketBadStatusException, WebSocketException

    connection.count("EXEC")
    socket: Any = WebSocket(sslopt=_tls(connection.configuration), enable_multithread=True)
    try:
        socket.connect(_url(connection, namespace, pod, container, command), **_options(connection), timeout=OPEN_TIMEOUT)
    except WebSocketBadStatusException as error:
        raise ChannelLost(f"exec in {namespace}/{pod} refused: {_refusal(error)}") from error
    except (WebSocketException, OSError) as error:
        raise ChannelLost(f"exec in {namespace}/{pod}: {error}") from error
    return ExecChannel(socket)


def _url(connection: Connection, namespace: str, pod: str, container: str, command: Sequence[str]) -> str:
    flags = [("container", container), ("stdin", "true"), ("stdout", "true"), ("stderr", "true"), ("tty", "false")]
    query = urlencode([*flags, *(("command", word) for word in command)])
    scheme, _, rest = connection.address.partition("://")
    return f"{'wss' if scheme == 'https' else 'ws'}://{rest}/api/v1/namespaces/{namespace}/pods/{pod}/exec?{query}"


def _options(connection: Connection) -> dict[str, Any]:
    """Headers and proxy settings as the client would use them."""
    from kubernetes.stream import ws_client

    with_proxy: Any = ws_client.websocket_proxycare
    configuration = connection.configuration
    options: dict[str, Any] = {"header": [f"{key}: {value}" for key, value in connection.headers().items()], "subprotocols": PROTOCOLS}
    if configuration.proxy or configuration.proxy_headers:
        options = dict(with_proxy(options, configuration, connection.address, {}))
    return options


def _tls(configuration: Any) -> dict[str, Any]:
    options: dict[str, Any] = {"cert_reqs": ssl.CERT_REQUIRED if configuration.verify_ssl else ssl.CERT_NONE}
    if not configuration.verify_ssl or configuration.assert_hostname is False:
        options["check_hostname"] = False
    names = {"ca_certs": "ssl_ca_cert", "certfile": "cert_file", "keyfile": "key_file", "server_hostname": "tls_server_name"}
    return options | {key: value for key, name in names.items() if (value := getattr(configuration, name, None))}


def _refusal(error: Any) -> str:
    body = (error.resp_body or b"").decode("utf-8", "replace").strip()
    try:
        return f"{error.status_code} {json.loads(body)['message']}"
    except (ValueError, KeyError, TypeError):
        return f"{error.status_code} {body[:300]}".strip()


def _status(data: bytes) -> str:
    """The reason in the status frame that ends an exec; "" for success."""
    try:
        status = json.loads(data)
    except ValueError:
        return data.decode("utf-8", "replace")
    return "" if not isinstance(status, dict) or status.get("status") == "Success" else str(status.get("message", ""))
