"""containerd's config.toml: where its CRI plugin looks for CNI configurations and programs (containerd docs/cri/config.md)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ParseError

WHAT = "containerd's config.toml"
PLUGINS = {1: "cri", 2: "io.containerd.grpc.v1.cri"}  # version of the file -> plugin that runs pods
NEWEST = "io.containerd.cri.v1.runtime"


@dataclass(frozen=True, slots=True)
class Paths:
    """What one file sets; None and () where it says nothing. `imports` are the files that it takes in."""

    config: str | None = None
    programs: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()

    @property
    def silent(self) -> bool:
        """Whether the file says nothing about CNI."""
        return self.config is None and not self.programs


def parse(text: str) -> Paths:
    """Raises ParseError."""
    try:
        body = tomllib.loads(text)
        version = int(body.get("version", 1))
        section = _table(_table(body.get("plugins"), PLUGINS.get(version, NEWEST)), "cni")
        programs = section.get("bin_dirs") or [section["bin_dir"]] if section.get("bin_dirs") or section.get("bin_dir") else []
        return Paths(section.get("conf_dir") or None, tuple(map(str, programs)), tuple(map(str, body.get("imports") or ())))
    except (tomllib.TOMLDecodeError, TypeError, ValueError, AttributeError) as error:
        raise ParseError(f"{WHAT}: {error}", 0, text) from error


def _table(body: Mapping[str, Any] | None, name: str) -> Mapping[str, Any]:
    return (body or {}).get(name) or {}
