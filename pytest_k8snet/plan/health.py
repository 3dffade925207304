"""Where kube-proxy and flannel answer questions after their health on a node, as their configuration says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_k8snet.model.recording import Recording
from pytest_k8snet.parse import kube_proxy
from pytest_k8snet.parse.errors import ParseError
from pytest_k8snet.parse.objects import flannel_container

PROXY_PORT = 10256
EVERYWHERE = ("", "0.0.0.0", "::")
LOOPBACK = "127.0.0.1"
FLANNEL_PATHS = {"flannel-healthz": "/healthz", "flannel-readyz": "/readyz"}  # fact -> path


def proxy_health(recording: Recording) -> str:
    """URL on the node by `healthzBindAddress`, which may lack the port; the default where the configuration cannot be read."""
    body = recording.object("configmap/kube-system/kube-proxy") or {}
    try:
        config: Mapping[str, Any] = kube_proxy.config(str((body.get("data") or {}).get("config.conf")))
    except ParseError:
        config = {}
    host, port = _split(str(config.get("healthzBindAddress") or ""))
    return f"{_url(host, port or str(PROXY_PORT))}/healthz"


def flannel_health(recording: Recording) -> str | None:
    """URL on the node without a path, by flannel's flags or their environment variables; None where it is told to have none."""
    container = flannel_container(recording)
    if container is None:
        return None
    port = _setting(container, "healthz-port") or "0"
    return None if port == "0" else _url(_setting(container, "healthz-ip"), port)


def _split(text: str) -> tuple[str, str]:
    """Host and port of "host", "host:port", "[v6]", "[v6]:port" or a bare v6 address."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return host, rest.removeprefix(":")
    if text.count(":") > 1:
        return text, ""
    host, _, port = text.partition(":")
    return host, port


def _url(host: str, port: str) -> str:
    address = LOOPBACK if host in EVERYWHERE else f"[{host}]" if ":" in host else host
    return f"http://{address}:{port}"


def _setting(container: Mapping[str, Any], name: str) -> str:
    """A flag as Go's flag package reads it (the last one wins), else FLANNELD_NAME of the environment, else ""."""
    words = [str(word) for word in [*(container.get("command") or ()), *(container.get("args") or ())]]
    value = ""
    for word, after in zip(words, [*words[1:], ""], strict=True):
        flag, equals, given = word.partition("=")
        if flag in (f"-{name}", f"--{name}"):
            value = given if equals else after
    variable = f"FLANNELD_{name.upper().replace('-', '_')}"
    return value or next((str(entry.get("value", "")) for entry in container.get("env") or () if entry.get("name") == variable), "")
