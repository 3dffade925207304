"""Address translation of native nftables rules."""

from __future__ import annotations

from ..parse.nft_expression import Concat, Expression, Translate
from .native_names import Domain, number
from .packet import Packet, parsed
from .target import Action, Kind, redirected, to_destination, to_source
from .truth import Place

_KINDS = {"dnat": Kind.DNAT, "redirect": Kind.DNAT, "snat": Kind.SNAT, "masquerade": Kind.MASQUERADE}


def translation(statement: Translate) -> Action:
    """The action; unknown where the kernel chooses the new address or port out of several."""
    if statement.kind == "masquerade":
        return Action(Kind.MASQUERADE, change=lambda packet, _place: packet)
    try:
        address, port = _destination(statement)
    except ValueError:
        return Action(Kind.UNKNOWN)
    if statement.kind == "redirect":
        return Action(Kind.DNAT, change=lambda packet, place: redirected(packet, place, port))
    if statement.kind == "snat":
        return Action(Kind.SNAT, change=lambda packet, _place: to_source(packet, address or packet.src, port))

    def change(packet: Packet, _place: Place) -> Packet:
        return to_destination(packet, address or packet.dst, port)

    return Action(Kind.DNAT, change=change)


def _destination(statement: Translate) -> tuple[str, int | None]:
    """Address, "" for the same, and port. Raises ValueError for anything but one of each."""
    address, port = statement.address, statement.port
    if isinstance(address, Concat):
        address, port = address.parts
    return "" if address is None else _address(address), None if port is None else number(Domain.NUMBER, port)


def _address(address: Expression) -> str:
    if not isinstance(address, str):
        raise ValueError(str(address))
    return str(parsed(address))
