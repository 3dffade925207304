"""Objects in memory behind the paths of the Kubernetes API."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from . import websocket
from .agent import FakeAgent

COLLECTION = re.compile(r"/(?:api/v1|apis/[^/]+/v1)(?:/namespaces/(?P<ns>[^/]+))?/(?P<kind>[a-z]+)(?:/(?P<name>[^/]+))?(?:/(?P<sub>.+))?$")
RUNNING = {"phase": "Running"}
ALL_RULES = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]


class FakeApi:
    """Test knobs are plain attributes; `log` holds "VERB path" of every request."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.deleted: list[tuple[str, dict | None]] = []  # path and DeleteOptions
        self.objects: dict[tuple[str, str, str], dict] = {}  # kind, namespace, name
        self.rules, self.incomplete = ALL_RULES, False
        self.unlisted: list[dict] = []  # rules that hold but that the authorizer cannot list
        self.deny: Callable[[str, str, dict | None], tuple[int, str] | None] = lambda verb, path, body: None
        self.status_of: Callable[[dict], dict] = running
        self.mangle: Callable[[str, bytes], bytes | None] = lambda pod, data: data
        self.agents: dict[str, FakeAgent] = {}
        self.sticky: set[str] = set()  # namespaces that do not go away
        self.changed = threading.Condition()
        self._addresses, self._numbers = iter(range(2, 250)), count(1)
        self.put("namespaces", "", "kube-system", {"metadata": {"uid": "uid-1"}})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"api": self}))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def kubeconfig(self, path: Path, server: str = "") -> Path:
        cluster, context = {"server": server or self.url}, {"cluster": "c", "user": "ci"}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "ci", "user": {"token": "secret"}}],
            "contexts": [{"name": name, "context": context} for name in ("staging", "lab")],
        }
        path.write_text(json.dumps(document))
        return path

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def put(self, kind: str, namespace: str, name: str, body: dict) -> dict:
        body = {"metadata": {}, "spec": {}, **body}
        body["metadata"] = {**body["metadata"], "name": name} | ({"namespace": namespace} if namespace else {})
        with self.changed:
            self.objects[kind, namespace, name] = body
            self.changed.notify_all()
        return body

    def node(self, name: str, ready: bool = True) -> None:
        conditions = [{"type": "Ready", "status": "True" if ready else "False", "reason": "KubeletNotReady", "message": "no network"}]
        addresses = [{"type": "InternalIP", "address": "10.0.0.1"}]
        status = {"conditions": conditions, "nodeInfo": {"operatingSystem": "linux"}, "addresses": addresses}
        self.put("nodes", "", name, {"spec": {"podCIDR": "10.4.0.0/24"}, "status": status})

    def create(self, kind: str, namespace: str, body: dict) -> dict:
        body["metadata"]["uid"] = f"uid-of-{kind}-{next(self._numbers)}"
        if kind == "pods":
            body["status"] = self.status_of(body)
            if "podIP" in body["status"]:
                body["status"]["podIP"] = f"10.4.0.{next(self._addresses)}"
        if kind == "services":
            body["spec"].setdefault("clusterIP", "10.96.0.9")
            body["spec"].setdefault("clusterIPs", [body["spec"]["clusterIP"]])
            _give_node_ports(body["spec"])
        return self.put(kind, namespace, body["metadata"]["name"], body)

    def delete(self, kind: str, namespace: str, name: str) -> None:
        if kind == "namespaces" and name in self.sticky:
            self.objects[kind, namespace, name]["metadata"]["deletionTimestamp"] = "now"
            return
        with self.changed:
            for key in [k for k in self.objects if k == (kind, namespace, name) or (kind == "namespaces" and k[1] == name)]:
                del self.objects[key]
            self.changed.notify_all()

    def listed(self, kind: str, namespace: str, selector: str = "") -> list[dict]:
        found = [o for (k, ns, _), o in sorted(self.objects.items()) if k == kind and namespace in ("", ns)]
        return [o for o in found if all(_selected(o["metadata"].get("labels") or {}, part) for part in selector.split(",") if part)]


def _page(items: list[dict], query: dict) -> dict:
    start, limit = int(query.get("continue", 0)), int(query.get("limit", 0))
    if not limit or start + limit >= len(items):
        return {"items": items[start:], "metadata": {}}
    return {"items": items[start : start + limit], "metadata": {"continue": str(start + limit)}}


def _selected(labels: dict, part: str) -> bool:
    key, unequal, value = part.partition("!=")
    if unequal:
        return labels.get(key) != value
    key, _, value = part.partition("=")
    return labels.get(key) == value


def _merged(value: dict, patch: dict) -> dict:
    merged = {key: item for key, item in value.items() if patch.get(key, item) is not None}
    for key, item in patch.items():
        if isinstance(item, dict):
            merged[key] = _merged(value.get(key) or {}, item)
        elif item is not None:
            merged[key] = item
    return merged


def _give_node_ports(spec: dict) -> None:
    for number, port in enumerate(spec.get("ports") or () if spec.get("type") == "NodePort" else ()):
        port["nodePort"] = 30080 + number


def running(pod: dict) -> dict:
    containers = [{"name": c["name"], "image": c["image"], "ready": True, "state": {"running": {}}} for c in pod["spec"]["containers"]]
    return {"phase": "Running", "podIP": "", "containerStatuses": containers}


def waiting(pod: dict, reason: str, message: str) -> dict:
    state = {"waiting": {"reason": reason, "message": message}}
    containers = [{"name": c["name"], "image": c["image"], "ready": False, "state": state} for c in pod["spec"]["containers"]]
    return {"phase": "Pending", "containerStatuses": containers}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: FakeApi

    def log_message(self, *_):
        return

    def do_GET(self):
        self._answer("GET")

    def do_POST(self):
        self._answer("POST")

    def do_PATCH(self):
        self._answer("PATCH")

    def do_DELETE(self):
        self._answer("DELETE")

    def _answer(self, verb: str) -> None:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.api.log.append(f"{verb} {self.path}")
        if verb == "DELETE":
            self.api.deleted.append((url.path, body))
        if self.headers.get("Authorization") != "Bearer secret":
            return self._error(401, "Unauthorized")
        if refused := self.api.deny(verb, url.path, body):
            return self._error(*refused)
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        with suppress(ConnectionError):
            self._route(verb, url.path, query, body)

    def _route(self, verb, path, query, body):
        if path == "/version":
            return self._json(200, {"gitVersion": "v1.36.4"})
        if path.endswith("reviews"):
            return self._review(path, body)
        match = COLLECTION.match(path)
        if match is None:
            return self._error(404, f"no such path {path}")
        kind, namespace, name = match["kind"], match["ns"] or "", match["name"] or ""
        if kind == "namespaces" or (match["kind"] == "namespaces" and not name):
            kind, namespace = "namespaces", ""
        if match["sub"] == "exec":
            return self._exec(name)
        if match["sub"]:
            return self._json(200, {"kubeletconfig": {"clusterDomain": "cluster.local"}})
        getattr(self, f"_{verb.lower()}")(kind, namespace, name, query, body)

    def _get(self, kind, namespace, name, query, _body):
        if name:
            found = self.api.objects.get((kind, namespace, name))
            return self._json(200, found) if found else self._error(404, f'{kind} "{name}" not found')
        if query.get("watch"):
            return self._watch(kind, namespace, query)
        self._json(200, _page(self.api.listed(kind, namespace, query.get("labelSelector", "")), query))

    def _post(self, kind, namespace, _name, query, body):
        name = body["metadata"]["name"]
        if query.get("dryRun"):
            return self._error(422, f'Pod "{name}" is invalid: spec.dnsConfig: Required value')
        if (kind, namespace, name) in self.api.objects:
            return self._error(409, f'{kind} "{name}" already exists')
        if namespace and ("namespaces", "", namespace) not in self.api.objects:
            return self._error(404, f'namespaces "{namespace}" not found')
        self._json(201, self.api.create(kind, namespace, body))

    def _patch(self, kind, namespace, name, _query, body):
        found = self.api.objects.get((kind, namespace, name))
        if found is None:
            return self._error(404, f'{kind} "{name}" not found')
        if self.headers["Content-Type"] != "application/merge-patch+json":
            return self._error(415, "the body of the request was in an unknown format")
        changed = _merged(found, body)
        if kind == "services":
            _give_node_ports(changed["spec"])
        self._json(200, self.api.put(kind, namespace, name, changed))

    def _delete(self, kind, namespace, name, query, body):
        found, demanded = self.api.objects.get((kind, namespace, name)), ((body or {}).get("preconditions") or {}).get("uid")
        if found and demanded not in (None, found["metadata"].get("uid")):
            return self._error(
                409, f"Precondition failed: UID in precondition: {demanded}, UID in object meta: {found['metadata'].get('uid')}"
            )
        names = [name] if name else [o["metadata"]["name"] for o in self.api.listed(kind, namespace, query["labelSelector"])]
        for each in names:
            if (kind, namespace, each) in self.api.objects:
                self.api.delete(kind, namespace, each)
        self._json(200, {"status": "Success"})

    def _review(self, path, body):
        if path.endswith("selfsubjectrulesreviews"):
            return self._json(201, {"status": {"resourceRules": self.api.rules, "incomplete": self.api.incomplete}})
        wanted = body["spec"]["resourceAttributes"]
        known = self.api.rules + self.api.unlisted
        rules = [r for r in known if {"*", wanted["verb"]} & set(r["verbs"]) and {"*", wanted["resource"]} & set(r["resources"])]
        self._json(201, {"status": {"allowed": bool(rules)}})

    def _watch(self, kind, namespace, query):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        ends, sent = time.monotonic() + int(query["timeoutSeconds"]), {}
        while time.monotonic() < ends:
            for item in self.api.listed(kind, namespace, query.get("labelSelector", "")):
                text = json.dumps(item)
                if sent.get(item["metadata"]["name"]) != text:
                    sent[item["metadata"]["name"]] = text
                    self._chunk(json.dumps({"type": "ADDED", "object": item}).encode() + b"\n")
            with self.api.changed:
                self.api.changed.wait(0.1)
        self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _exec(self, pod: str) -> None:
        agent = self.api.agents.get(pod)
        if agent is None:
            return self._error(404, f'pods "{pod}" not found')
        offered = [p.strip() for p in self.headers["Sec-WebSocket-Protocol"].split(",")]
        self.send_response(101)
        for key, value in (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Protocol", offered[0])):
            self.send_header(key, value)
        self.send_header("Sec-WebSocket-Accept", websocket.accept(self.headers["Sec-WebSocket-Key"]))
        self.end_headers()
        self.close_connection = True
        websocket.relay(self.rfile, self.connection, agent.connect(), lambda data: self.api.mangle(pod, data))

    def _json(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _error(self, status, message):
        self._json(status, {"kind": "Status", "status": "Failure", "code": status, "message": message})
