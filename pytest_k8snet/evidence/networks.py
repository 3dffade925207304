"""Networks and addresses as the API's objects write them, sorted by family."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from pytest_k8snet.model.verdict import Inconclusive

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


def networks(what: str, texts: Iterable[str]) -> tuple[Network, ...]:
    """Each a network in CIDR notation. Raises Inconclusive naming `what` and the text that is none."""
    return tuple(_network(what, text.strip()) for text in texts if text.strip())


def listed(what: str, text: object) -> tuple[Network, ...]:
    """The networks of a list with commas, as a dual-stack podSubnet is written."""
    return networks(what, str(text or "").split(","))


def addresses(texts: Iterable[str]) -> tuple[Address, ...]:
    """Those of the texts that are addresses: a Node's list holds host names too."""
    return tuple(address for address in map(address_of, texts) if address is not None)


def address_of(text: str) -> Address | None:
    """An address, None if the text is none."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def plain(text: str) -> str:
    """An address in the one spelling by which it is compared; what is none stays as it is."""
    return str(address_of(text) or text)


def family(value: Network | Address) -> str:
    """ "IPv4" or "IPv6", as the API spells it."""
    return f"IPv{value.version}"


def holds(network: Network, part: Network) -> bool:
    """Whether `part` lies inside; a network of the other family never does."""
    if isinstance(network, IPv4Network):
        return isinstance(part, IPv4Network) and part.subnet_of(network)
    return isinstance(part, IPv6Network) and part.subnet_of(network)


def _network(what: str, text: str) -> Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise Inconclusive(f"{what}: {text!r} is no network") from error
