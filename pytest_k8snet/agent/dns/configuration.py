"""The resolver's own file, read as resolv.conf(5) says."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

MAX_SERVERS = 3  # MAXNS of the C libraries: further ones are never asked
LIMITS = {"ndots": 15, "timeout": 30, "attempts": 5}


@dataclass
class Configuration:
    """`options` holds ndots, timeout (s) and attempts with their defaults; `flags` the other words, for example use-vc."""

    nameservers: list[str] = field(default_factory=list)
    search: list[str] = field(default_factory=list)
    options: dict[str, int] = field(default_factory=lambda: {"ndots": 1, "timeout": 5, "attempts": 2})
    flags: set[str] = field(default_factory=set)


def parse(text: str) -> Configuration:
    """Never fails: lines that mean nothing are passed over, as the C libraries do. Without a nameserver, 127.0.0.1 is meant."""
    found = Configuration()
    for line in text.splitlines():
        words = line.split()
        if not words or words[0][0] in "#;":
            continue
        keyword, values = words[0], words[1:]
        if keyword == "nameserver" and values and _is_address(values[0]):
            found.nameservers.append(values[0])
        elif keyword in ("search", "domain"):
            found.search = values
        elif keyword == "options":
            _options(found, values)
    found.nameservers = found.nameservers[:MAX_SERVERS] or ["127.0.0.1"]
    return found


def _options(found: Configuration, words: list[str]) -> None:
    for word in words:
        name, colon, value = word.partition(":")
        if name in LIMITS and value.isdigit():
            found.options[name] = min(int(value), LIMITS[name])
        elif not colon:
            found.flags.add(word)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def candidates(name: str, configuration: Configuration) -> list[str]:
    """Absolute names in the order they are tried: with fewer dots than ndots the search list comes first."""
    if name.endswith("."):
        return [name]
    searched = [f"{name}.{domain.strip('.')}." if domain.strip(".") else f"{name}." for domain in configuration.search]
    plain = [f"{name}."]
    enough = name.count(".") >= configuration.options["ndots"]
    return list(dict.fromkeys(plain + searched if enough else searched + plain))
