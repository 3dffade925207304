"""Raw text of a node becomes values; nothing here judges.

Every function takes text and returns a frozen value, or raises `ParseError(what, line, text)`: damaged text is never half a value.

| text | function |
|---|---|
| iptables-save, iptables-legacy-save, iptables-nft-save, ip6tables twins | `iptables.parse_save(text) -> ruleset.Ruleset` |
| nft -j list ruleset | `nft.parse_json(text) -> NftRuleset` (chains with rules as values, sets, maps) |
| ip -j | `ip.links`, `ip.addresses`, `ip.routes`, `ip.neighbours`, `ip.rules` |
| bridge -j | `bridge.fdb`, `bridge.links` |
| resolv.conf | `resolv.parse(text) -> ResolvConf(nameservers, search, options)` |
| /run/flannel/subnet.env | `subnet_env.parse(text) -> dict` |
| CNI conflist | `cni.parse(text) -> NetworkConfig` |
| Corefile | `corefile.parse(text) -> tuple[ServerBlock, ...]` |
| kubelet /configz | `kubelet.configz(body) -> mapping` |
| kube-proxy config.conf | `kube_proxy.config(text) -> mapping`, `kube_proxy.mode`, `kube_proxy.masquerade_bit` |
| sysctl values | `sysctl.integer(name, text)`, `sysctl.integers(name, text, count)` |
"""

from .errors import ParseError

__all__ = ["ParseError"]
