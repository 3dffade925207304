"""CNI network configuration, a list (.conflist) or a single plugin (.conf). Source: containernetworking/cni SPEC.md, section 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ParseError
from .json_text import mapping

WHAT = "CNI configuration"


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """The network's name, version ("" when absent) and its plugins in order, each as its raw object with at least `type`."""

    name: str
    version: str
    plugins: tuple[Mapping[str, Any], ...]

    @property
    def types(self) -> tuple[str, ...]:
        """The plugins' types in order."""
        return tuple(plugin["type"] for plugin in self.plugins)

    def plugin(self, kind: str) -> Mapping[str, Any] | None:
        """The first plugin of that type."""
        return next((plugin for plugin in self.plugins if plugin["type"] == kind), None)


def parse(text: str) -> NetworkConfig:
    """Raises ParseError."""
    body = mapping(WHAT, text)
    plugins = body.get("plugins", [body])
    if not isinstance(plugins, list) or not plugins or not all(isinstance(plugin, dict) and plugin.get("type") for plugin in plugins):
        raise ParseError(f"{WHAT}: no list of plugins that each have a type", 0, text)
    return NetworkConfig(str(body.get("name", "")), str(body.get("cniVersion", "")), tuple(plugins))
