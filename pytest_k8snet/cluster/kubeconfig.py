"""From a context's name to the client's configuration; the context is never defaulted."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from pytest_k8snet.errors import NoVerdict, UsageProblem
from pytest_k8snet.model.settings import Settings

DEFAULT = "~/.kube/config"
PROXY_SCHEMES = ("http", "https")


def files(settings: Settings) -> tuple[Path, ...]:
    """The kubeconfig files in the order of kubectl: the option, else $KUBECONFIG (a list), else ~/.kube/config."""
    if settings.kubeconfig is not None:
        return (settings.kubeconfig,)
    listed = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return tuple(Path(part).expanduser() for part in listed or [DEFAULT])


def load(settings: Settings) -> Any:
    """The configuration for `settings.context`. Raises UsageProblem (no file, no such context) or NoVerdict (no credentials)."""
    found = [path for path in files(settings) if path.is_file()]
    if not found:
        tried = ", ".join(map(str, files(settings)))
        raise UsageProblem(f"there is no kubeconfig at {tried}; name one with --k8snet-kubeconfig PATH or KUBECONFIG")
    _require_context(settings.context, found)
    return _configure(settings.context, found)


def user_name(settings: Settings) -> str:
    """What the kubeconfig calls the user of the context, for messages only."""
    for path in files(settings):
        for entry in _contexts(path) if path.is_file() else ():
            if entry.get("name") == settings.context:
                context = entry.get("context")
                return str(context.get("user", "")) if isinstance(context, dict) else ""
    return ""


def _require_context(name: str, paths: list[Path]) -> None:
    known = sorted({str(entry.get("name")) for path in paths for entry in _contexts(path)})
    if name in known:
        return
    near = difflib.get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    where = ", ".join(map(str, paths))
    raise UsageProblem(f"no context {name!r} in {where}; known contexts: {', '.join(known) or 'none'}{hint}")


def _contexts(path: Path) -> Iterator[dict[str, Any]]:
    try:
        document = yaml.safe_load(path.read_text()) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageProblem(f"{path} is not a readable kubeconfig: {_one_line(error)}") from error
    if not isinstance(document, dict):
        raise UsageProblem(f"{path} is not a kubeconfig: it holds no mapping")
    contexts = document.get("contexts") or []
    if not isinstance(contexts, list):
        raise UsageProblem(f"{path} is not a kubeconfig: contexts is no list")
    yield from (entry for entry in contexts if isinstance(entry, dict))


def _configure(name: str, paths: list[Path]) -> Any:
    from kubernetes import client, config  # heavy: only when there is a context

    configuration: Any = client.Configuration()
    read: Any = config.load_kube_config  # typed in some releases of the client only
    joined = os.pathsep.join(map(str, paths))
    try:
        read(config_file=joined, context=name, client_configuration=configuration, persist_config=False)
    except config.ConfigException as error:
        raise NoVerdict(f"context {name} in {joined} cannot be used: {_one_line(error)}") from error
    except Exception as error:  # a credential plugin or a broken certificate may raise anything
        raise NoVerdict(f"context {name} in {joined} gives no credentials: {type(error).__name__}: {_one_line(error)}") from error
    configuration.proxy = configuration.proxy or _proxy_of(name, paths)  # older clients do not read it
    _require_usable(f"context {name} in {joined} cannot be used", configuration)
    return configuration


def _proxy_of(name: str, paths: list[Path]) -> str | None:
    """`proxy-url` of the context's cluster, None if it has none."""
    documents = [yaml.safe_load(path.read_text()) or {} for path in paths if path.is_file()]
    contexts = {e.get("name"): e.get("context") or {} for d in documents for e in d.get("contexts") or [] if isinstance(e, dict)}
    clusters = {e.get("name"): e.get("cluster") or {} for d in documents for e in d.get("clusters") or [] if isinstance(e, dict)}
    url = clusters.get(contexts.get(name, {}).get("cluster"), {}).get("proxy-url")
    return str(url) if url else None


def _require_usable(what: str, configuration: Any) -> None:
    """What the client takes as it is, and breaks on at the first request only."""
    _require_url(f"{what}: proxy-url", configuration.proxy, PROXY_SCHEMES) if configuration.proxy else None
    entries: list[dict[str, Any]] = list(configuration.auth_settings().values())
    token = "".join(str(entry.get("value") or "") for entry in entries)
    if any(ord(character) < 32 or ord(character) == 127 for character in token):
        raise UsageProblem(f"{what}: the user's token holds a line break or another control character; a token is one line")


def _require_url(what: str, text: Any, schemes: tuple[str, ...]) -> None:
    try:
        url = urlsplit(str(text))
        good = url.scheme in schemes and bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        good = False
    if not good:
        raise UsageProblem(f"{what} {str(text)!r} is not of the form {' or '.join(f'{scheme}://host:port' for scheme in schemes)}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
