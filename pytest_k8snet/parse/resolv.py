"""resolv.conf(5)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from .errors import ParseError

WHAT = "resolv.conf"


@dataclass(frozen=True, slots=True)
class ResolvConf:
    """The lines in the order of the file, without limits: resolvers use the first three nameservers only."""

    nameservers: tuple[str, ...]
    search: tuple[str, ...]
    options: tuple[str, ...]


def parse(text: str) -> ResolvConf:
    """Read the file as resolvers do: nameservers add up, the last `search` or `domain` line wins, options add up by name, last value wins.

    Trailing dots and capitals stay as they are. Unknown keywords and comments are skipped. Raises ParseError for a nameserver that
    is no address.
    """
    nameservers: list[str] = []
    search: tuple[str, ...] = ()
    options: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        keyword, *values = line.split() or [""]
        if keyword == "nameserver":
            nameservers.append(_address(number, line, values))
        elif keyword in ("search", "domain"):
            search = tuple(values[:1] if keyword == "domain" else values)
        elif keyword == "options":
            options |= {option.partition(":")[0]: option for option in values}
    return ResolvConf(tuple(nameservers), search, tuple(options.values()))


def _address(number: int, line: str, values: list[str]) -> str:
    try:
        ip_address(values[0])
    except (IndexError, ValueError):
        raise ParseError(f"{WHAT}: nameserver without an IP address", number, line) from None
    return values[0]
