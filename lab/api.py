"""A small client of the Kubernetes API for the lab's own steps; its sockets live in the lab's network namespaces."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
from pathlib import Path
from typing import Any, cast

import yaml

from lab import addresses, namespace
from lab.errors import LabError

MERGE = "application/merge-patch+json"


class ApiError(LabError):
    """The API server answered with an error; `code` is the HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Connection(http.client.HTTPSConnection):
    def __init__(self, pid: int, context: ssl.SSLContext, timeout: float) -> None:
        super().__init__(addresses.CONTROL.address, addresses.API_PORT, context=context, timeout=timeout)
        self.pid, self.own_context = pid, context

    def connect(self) -> None:
        plain = namespace.connect(self.pid, self.host, self.port, self.timeout or 10)
        self.sock: socket.socket = self.own_context.wrap_socket(plain, server_hostname=self.host)


class Api:
    """Requests with the rights of admin.conf, from inside the network namespace of a process."""

    def __init__(self, admin_conf: Path, pid: int, folder: Path) -> None:
        self.pid = pid
        self.context = _context(yaml.safe_load(admin_conf.read_text()), folder)

    def request(self, method: str, path: str, body: object = None, kind: str = "application/json", timeout: float = 10) -> dict[str, Any]:
        """One request; the answer's JSON object. ApiError if it is refused, OSError if nothing answers."""
        connection = _Connection(self.pid, self.context, timeout)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": kind, "Accept": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        finally:
            connection.close()
        if answer.status >= 300:
            raise ApiError(answer.status, f"API server: {method} {path}: {answer.status} {_message(text)}")
        return cast("dict[str, Any]", json.loads(text)) if text.startswith("{") else {"text": text}

    def get(self, path: str, timeout: float = 10) -> dict[str, Any]:
        """Read an object or a list."""
        return self.request("GET", path, timeout=timeout)

    def merge(self, path: str, change: object) -> dict[str, Any]:
        """Change an object by a JSON merge patch (RFC 7396)."""
        return self.request("PATCH", path, change, MERGE)

    def items(self, path: str) -> list[dict[str, Any]]:
        """The objects of a list."""
        return cast("list[dict[str, Any]]", self.get(path).get("items", []))

    def ready(self) -> bool:
        """True if the API server says that it is ready."""
        try:
            return self.get("/readyz", timeout=2) == {"text": "ok"}
        except (ApiError, OSError, http.client.HTTPException):
            return False


def _message(text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.strip()[:200]


def _context(admin: dict[str, Any], folder: Path) -> ssl.SSLContext:
    user, cluster = admin["users"][0]["user"], admin["clusters"][0]["cluster"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    pair = folder / "client.pem"
    pair.touch(0o600)
    pair.write_bytes(base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"]))
    context.load_cert_chain(pair)
    pair.unlink()
    return context
