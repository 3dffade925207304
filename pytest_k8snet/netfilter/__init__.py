"""What the rules of a node do to a packet: judged by walking it through them, never by names of chains.

| question | function |
|---|---|
| the rules of one node, one address family | `hooks.Worlds(nft, legacy, native, sets)`: None = this world is known to hold none |
| a sample packet | `packet.Packet(src, dst, protocol, sport, dport, in_iface, out_iface, local=addresses of the node)` |
| one chain | `walk.walk(ruleset, table, chain, packet) -> tuple[Branch, ...]` |
| one hook, all tables and worlds | `hooks.{prerouting,input,forward,output,postrouting}(worlds, packet) -> tuple[Branch, ...]` |
| the whole way through the node | `journey.journey(worlds, packet, hook, route) -> tuple[Branch, ...]` |
| where a packet to a Service ends | `service.endpoints(worlds, packet, hook, route) -> {(address, port) or None: probability} or Unknown` |
| is the source address kept | `source.translation(worlds, packet, hook, route) -> Translation(kind, address, by, trace, why)` |
| is it forwarded, and its reply | `verdict.forwarding(worlds, packet) -> Passage`, `verdict.there_and_back(worlds, packet)` |

Branches of a certain walk have probabilities that add up to 1. `Branch.uncertain` says that a match could not be judged and that
the answer hangs on it. `Branch.by` is the deciding step (None: a policy ACCEPT), `str(step)` cites world, table, chain, number, rule.
"""
