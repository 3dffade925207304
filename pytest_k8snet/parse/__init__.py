"""Raw text of a node becomes values; nothing here judges.

Every function takes text and returns a frozen value, or raises `ParseError(what, line, text)`: damaged text is never half a value.

| text | function |
|---|---|
| iptables-save, iptables-legacy-save, iptables-nft-save, ip6tables twins | `iptables.parse_save(text) -> ruleset.Ruleset` |
| nft -j list ruleset | `nft.parse_json(text) -> NftRuleset` (base chains; rules raw) |
"""

from .errors import ParseError

__all__ = ["ParseError"]
