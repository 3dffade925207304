"""One cluster, reached by raw JSON requests; every request is counted, none is made through generated models."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3

from pytest_k8snet import __version__
from pytest_k8snet.errors import NoVerdict, UsageProblem
from pytest_k8snet.model.settings import Settings

from . import kubeconfig

CONNECT_TIMEOUT = 3.0
READ_TIMEOUT = 15.0
MERGE_PATCH = "application/merge-patch+json"
PATIENCE = 3  # attempts at a request that the server asked to repeat later
Query = Sequence[tuple[str, str | int]]


class Unreachable(NoVerdict):
    """The API server could not be talked to."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of one API answer; the body is parsed JSON, or text when it is none."""

    status: int
    body: Any

    @property
    def ok(self) -> bool:
        """Whether the server did what was asked."""
        return 200 <= self.status < 300

    @property
    def message(self) -> str:
        """The server's own words when it refused."""
        text = self.body.get("message") if isinstance(self.body, dict) else self.body
        return str(text or f"status {self.status}").strip()


class Connection:
    """Requests to one API server. Safe to use from many threads: each has its own client and its own sockets."""

    def __init__(self, settings: Settings, configuration: Any, user: str) -> None:
        self.context, self.user, self.address = settings.context, user, str(configuration.host).rstrip("/")
        self.configuration = configuration
        self.greeting: dict[str, Answer] = {}  # what connecting read already, by name of the recording
        self.counts: Counter[str] = Counter()  # requests by verb
        self._lock, self._local, self._clients = threading.Lock(), threading.local(), list[Any]()

    @property
    def requests(self) -> int:
        """API requests so far, execs and watches included."""
        return sum(self.counts.values())

    def get(self, path: str, query: Query = (), timeout: float = READ_TIMEOUT, again: bool = True) -> Answer:
        """Read. An HTTP error is an answer; raises Unreachable when there is none, with `again` not before a second attempt."""
        try:
            return self._send("GET", path, query, None, timeout)
        except Unreachable:
            if not again:
                raise
            return self._send("GET", path, query, None, timeout)

    def get_once(self, path: str, timeout: float) -> Answer:
        """Read with one attempt, for what may well be dead; no answer is status 0."""
        try:
            return self._send("GET", path, (), None, timeout)
        except Unreachable as error:
            return Answer(0, {"message": str(error)})

    def post(self, path: str, body: Mapping[str, Any], query: Query = ()) -> Answer:
        """Create one object, or review access."""
        return self._send("POST", path, query, body, READ_TIMEOUT)

    def patch(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Change one object by a merge patch (RFC 7386)."""
        return self._send("PATCH", path, (), body, READ_TIMEOUT)

    def delete(self, path: str, body: Mapping[str, Any] | None = None, query: Query = ()) -> Answer:
        """Delete one object or a collection; `body` holds DeleteOptions."""
        return self._send("DELETE", path, query, body, READ_TIMEOUT)

    def lines(self, path: str, query: Query, timeout: float) -> Iterator[dict[str, Any]]:
        """The JSON lines of a watch, until the server ends it. A refusal comes as one line of kind Status; raises Unreachable."""
        response = self._request("GET", path, query, None, timeout, preload=False)
        rest = b""
        try:
            for chunk in response.stream(65536):
                *whole, rest = (rest + chunk).split(b"\n")
                yield from (json.loads(line) for line in whole if line.strip())
            if rest.strip():
                yield json.loads(rest)
        except (urllib3.exceptions.HTTPError, OSError):
            return  # a watch may break at any time: the caller starts a new one
        finally:
            response.close()

    def count(self, verb: str) -> None:
        """Count a request that does not go through here (an exec)."""
        with self._lock:
            self.counts[verb] += 1

    def headers(self) -> dict[str, str]:
        """The authorization header, freshly computed: tokens expire."""
        with self._lock:  # the hook that refreshes a token is not made for threads
            settings: dict[str, Any] = self.configuration.auth_settings()
        return {entry["key"]: entry["value"] for entry in settings.values() if entry.get("in") == "header" and entry.get("value")}

    def close(self) -> None:
        """Close every thread's sockets."""
        with self._lock:
            clients, self._clients = self._clients, []
        for client in clients:
            client.rest_client.pool_manager.clear()

    def _send(self, verb: str, path: str, query: Query, body: Mapping[str, Any] | None, timeout: float) -> Answer:
        for attempt in range(PATIENCE):
            response = self._request(verb, path, query, body, timeout)
            if response.status != 429 or attempt == PATIENCE - 1:
                break
            time.sleep(min(float(response.headers.get("Retry-After") or 1), 5.0))
        return Answer(int(response.status), _parsed(response.data))

    def _request(self, verb: str, path: str, query: Query, body: Any, timeout: float, preload: bool = True) -> Any:
        url = self.address + path + ("?" + urlencode(query) if query else "")
        headers = {"Accept": "application/json", "User-Agent": f"pytest-k8snet/{__version__}", **self.headers()}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), MERGE_PATCH if verb == "PATCH" else "application/json"
        self.count(verb)
        waits = urllib3.Timeout(connect=CONNECT_TIMEOUT, read=timeout)
        pool = self._client().rest_client.pool_manager
        try:
            return pool.request(verb, url, body=data, headers=headers, timeout=waits, retries=False, preload_content=preload)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreachable(f"context {self.context}: no answer from {self.address}: {reason(error)}") from error

    def _client(self) -> Any:
        client = getattr(self._local, "client", None)
        if client is None:
            from kubernetes.client import ApiClient  # heavy: only when there is a context

            client = self._local.client = ApiClient(self.configuration)
            with self._lock:
                self._clients.append(client)
        return client


def connect(settings: Settings) -> Connection:
    """Connect and identify the cluster.

    Raises UsageProblem (no such context, another cluster than expected) or NoVerdict (unreachable, credentials refused).
    """
    connection = Connection(settings, kubeconfig.load(settings), kubeconfig.user_name(settings))
    version = connection.greeting["version"] = connection.get("/version", timeout=5.0, again=False)
    if not version.ok or "gitVersion" not in (version.body if isinstance(version.body, dict) else ()):
        raise NoVerdict(f"context {settings.context}: {_refusal(connection, version)}")
    system = connection.greeting["namespace/kube-system"] = connection.get("/api/v1/namespaces/kube-system", timeout=5.0)
    if not system.ok:
        raise NoVerdict(f"context {settings.context}: cannot identify the cluster by namespace kube-system: {_refusal(connection, system)}")
    _require_cluster(settings, str(system.body["metadata"]["uid"]))
    return connection


def reason(error: BaseException) -> str:
    """The innermost cause of a transport error, in words ("connection refused", not a chain of class names)."""
    inner: Any = error
    while (nested := getattr(inner, "reason", None)) is not None and isinstance(nested, BaseException):
        inner = nested
    while isinstance(inner.__cause__, BaseException) and not isinstance(inner, OSError):
        inner = inner.__cause__
    text = " ".join(str(inner).split())
    return text.rpartition("object at 0x")[2].partition(": ")[2] or text or type(inner).__name__


def _refusal(connection: Connection, answer: Answer) -> str:
    if answer.status == 401:
        return f"{connection.address} does not accept the credentials of user {connection.user!r} (401); renew them"
    if answer.status == 403:
        return f"{connection.address} refuses: {answer.message} (403); print the needed role with: python -m pytest_k8snet rbac"
    host = urlsplit(connection.address).netloc
    return f"{host} does not answer like a Kubernetes API server (status {answer.status})"


def _require_cluster(settings: Settings, uid: str) -> None:
    if settings.expect_cluster and settings.expect_cluster != uid:
        raise UsageProblem(
            f"context {settings.context} is another cluster than expected: the UID of its namespace kube-system is {uid}, "
            f"--k8snet-expect-cluster says {settings.expect_cluster}"
        )


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode("utf-8", "replace")
