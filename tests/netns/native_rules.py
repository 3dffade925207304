"""Random but loadable native nftables rule sets in the world of the walker's tests, in the shapes that kube-proxy and flannel use."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st

from .walker_rules import BARRIER, CLIENTS, FAR, ROUTER, VIPS

SETS = f"""
 set vips {{ type ipv4_addr; elements = {{ {", ".join(VIPS)} }} }}
 set near {{ type ipv4_addr; flags interval; elements = {{ 10.1.0.0/24, 10.2.0.1-10.2.0.2 }} }}
 set ports {{ type inet_service; elements = {{ 53, 80 }} }}
 set pairs {{ type ipv4_addr . inet_service; flags interval; elements = {{ 10.2.0.0/24 . 50-60, {VIPS[0]} . 80 }} }}
 set hairpin {{ type ipv4_addr . ipv4_addr . inet_proto . inet_service; elements = {{ {CLIENTS[0]} . {FAR[0]} . udp . 53 }} }}
 set nodes {{ type ipv4_addr; elements = {{ {ROUTER["server"]} }} }}
 map numbers {{ type ipv4_addr : mark; elements = {{ {CLIENTS[0]} : 0x1, {CLIENTS[1]} : 0x4000 }} }}
"""
_ADDRESSES = (
    *CLIENTS, *FAR, *VIPS, *ROUTER.values(), "10.2.0.0/24", "10.3.0.0/16", "10.0.0.0/8", "10.96.0.0/12", "127.0.0.0/8", "224.0.0.0/4",
    "10.2.0.1-10.3.0.1", "{ 10.1.0.1, 10.2.0.0/24 }", "@vips", "@near", "@nodes",
)  # fmt: skip
_DEVICES = ('"client"', '"server"', '"third"', '"lo"', '"c*"', '{ "client", "third" }')
_PORTS = ("53", "80", "7801", "1-79", "{ 53, 80 }", "{ 1-79, 7801 }", "@ports", "< 80", ">= 80")
_STATES = ("new", "established", "established,related", "invalid", "new,untracked", "{ new, related }", "untracked")
_CLUSTER, _NODE = "10.0.0.0/14", "10.1.0.0/24"


def _flag(name: str, values: tuple[str, ...]) -> st.SearchStrategy[str]:
    """`name value`, or the negation where the value allows one."""
    signed = st.tuples(st.sampled_from(["", "", "!= "]), st.sampled_from(values))
    return signed.map(lambda pair: f"{name} {'' if pair[1][0] in '<>' or ',' in pair[1].split('{')[0] else pair[0]}{pair[1]}")


_ANYWHERE = (
    _flag("ip saddr", _ADDRESSES),
    _flag("ip daddr", _ADDRESSES),
    _flag("meta mark", ("0x1", "0x4000", "{ 0x1, 0x2 }")),
    st.sampled_from(
        ["meta mark & 0x4000 == 0x4000", "meta mark & 0x4000 != 0", "meta mark & 0x1 == 0", "ip daddr & 255.0.0.255 == 10.0.0.1"]
    ),
    _flag("ct mark", ("0x1", "0x0")),
    _flag("ct state", _STATES),
    st.sampled_from(["ct status dnat", "ct status snat", "ct direction original", "ct direction reply"]),
    _flag("ct original ip daddr", (*VIPS, FAR[0])),
    _flag("fib daddr type", ("local", "unicast", "{ local, broadcast }")),
    _flag("fib saddr type", ("local", "unicast")),
    st.sampled_from(["meta pkttype host", "meta pkttype != multicast", "counter", "meta protocol ip"]),
)
_BY_PROTOCOL = (  # nft refuses a rule that names two
    _flag("meta l4proto", ("tcp", "udp", "{ tcp, udp }", "icmp", "47")),
    _flag("ip protocol", ("udp", "{ icmp, udp }")),
    _flag("udp dport", _PORTS),
    _flag("tcp dport", _PORTS),
    _flag("udp sport", ("1-1023", "1024-65535")),
    st.sampled_from([
        "meta l4proto { tcp, udp } th dport 80", "meta l4proto . th dport { tcp . 80, udp . 53 }", "ip daddr . udp dport @pairs",
        "ip daddr . tcp dport { 10.96.0.1 . 80, 10.2.0.1 . 53 }", "ip saddr . ip daddr . meta l4proto . th dport @hairpin",
    ]),
    st.sampled_from([
        "tcp flags syn", "tcp flags & (syn | ack) == syn", "tcp flags & (fin | syn | rst | ack) != syn", "icmp type echo-request",
        "icmp type != { echo-reply }", "icmp type echo-request icmp code 0",
    ]),
)  # fmt: skip
_SELDOM = (st.sampled_from(["ip ttl > 3", "meta length > 2000", "limit rate 1000/second burst 1000 packets", "ip length < 100"]),)
_CHANCE = (st.sampled_from(["numgen random mod 4 < 2", "numgen random mod 3 0", "numgen inc mod 2 1", "numgen random mod 4 { 0, 2 }"]),)


@cache
def _matches(hook: str, chancy: bool) -> st.SearchStrategy[str]:
    """Up to three matches that the hook allows ("" = a chain called from several hooks)."""
    devices = [_flag("iifname", _DEVICES)] if hook in ("prerouting", "input", "forward") else []
    devices += [_flag("oifname", _DEVICES)] if hook in ("forward", "output", "postrouting") else []
    often = [*_ANYWHERE, *devices, *(_CHANCE * 3 if chancy else ())]
    parts = st.tuples(st.lists(st.one_of(*often * 12, *_SELDOM), max_size=2), st.lists(st.one_of(*_BY_PROTOCOL), max_size=1))
    return parts.map(lambda found: " ".join([*found[0], *found[1]]))


_MARKING = st.sampled_from([
    "meta mark set 0x1", "meta mark set meta mark | 0x4000", "meta mark set meta mark & 0xfffe", "meta mark set meta mark ^ 0x4002",
    "ct mark set 0x1", "ct mark set meta mark", "meta mark set ct mark", "counter", "meta nftrace set 1", "ip dscp set af11",
])  # fmt: skip
_TO = (*FAR, *(f"{address}:7801" for address in FAR))
_TRANSLATIONS = {
    "dst": (
        *(f"dnat ip to {to}" for to in _TO), "redirect to :53",
        f"dnat ip to numgen random mod 2 map {{ 0 : {FAR[0]} . 53, 1 : {FAR[2]} . 80 }}",
        f"dnat ip to ip daddr map {{ {VIPS[0]} : {FAR[0]}, {VIPS[1]} : {FAR[3]} }}",
        f"dnat ip to ip daddr . meta l4proto map {{ {VIPS[0]} . udp : {FAR[1]} . 53, {VIPS[0]} . tcp : {FAR[2]} . 80 }}",
    ),
    "src": ("masquerade", "masquerade fully-random", "snat ip to 10.9.0.9", "snat ip to 10.1.0.2",
            f"snat ip to ip saddr map {{ {CLIENTS[0]} : 10.9.0.8 }}"),
    "in": ("snat ip to 10.9.0.9",),
    "filter": ("reject", "drop"),
}  # fmt: skip


def _ended(matches: str, statement: str) -> str:
    """A translation of ports needs a protocol that has them, and one protocol only."""
    if statement.startswith("redirect") or ":7801" in statement or " . 53" in statement or " . 80" in statement:
        return f"meta l4proto {'tcp' if 'tcp' in matches else 'udp'} {statement}"
    return f"{matches} {statement}"


def _maps(targets: tuple[str, ...], chancy: bool) -> st.SearchStrategy[str]:
    one = st.sampled_from([*(f"{kind} {name}" for name in targets for kind in ("jump", "goto")), "accept", "return", "continue"])
    keyed = st.tuples(one, one).map(
        lambda pair: f"ip daddr . meta l4proto . th dport vmap {{ {VIPS[0]} . udp . 80 : {pair[0]}, {FAR[0]} . tcp . 53 : {pair[1]} }}"
    )
    ranged = st.tuples(one, one).map(lambda pair: f"ip saddr vmap {{ 10.1.0.0/31 : {pair[0]}, 10.1.0.2-10.1.0.9 : {pair[1]} }}")
    drawn = st.tuples(one, one).map(lambda pair: f"numgen random mod 3 vmap {{ 0 : {pair[0]}, 1-2 : {pair[1]} }}")
    return st.one_of(keyed, keyed, ranged, *([drawn] if chancy else []))


@cache
def _rules(side: str, hook: str, onward: tuple[str, ...], most: int, chancy: bool) -> st.SearchStrategy[list[str]]:
    """Rules of a base chain, or of a user chain of that side."""
    matches = _matches(hook, chancy)
    endings = [st.sampled_from(["accept", "return", "continue"]), _MARKING, _MARKING]
    if side == "early":
        endings.append(st.just("notrack"))
    elif side in _TRANSLATIONS:
        endings += [st.sampled_from(_TRANSLATIONS[side])] * (3 if side in ("dst", "src") else 1)
    else:
        endings.append(st.just("drop"))
    ending = st.tuples(matches, st.one_of(*endings)).map(lambda pair: _ended(*pair))
    if not onward:
        return st.lists(ending, max_size=most)
    jump = st.tuples(matches, st.sampled_from(["jump", "goto"]), st.sampled_from(onward)).map(" ".join)
    return st.lists(st.one_of(ending, ending, jump, _maps(onward, chancy)), max_size=most)


_BASE = {  # hook -> side and priorities: those of iptables tables, and others beside them
    ("filter", "prerouting"): {"early": ((-300,), (-310, -250)), "any": ((-150, 0), (-160, -110, -10))},
    ("filter", "input"): {"filter": ((0,), (-10, 10))},
    ("filter", "forward"): {"filter": ((0, -150), (-10, 10))},
    ("filter", "output"): {"early": ((-300,), (-310,)), "filter": ((0,), (-110, -10, 10))},
    ("filter", "postrouting"): {"any": ((-150,), (0, 110))},
    ("nat", "prerouting"): {"dst": ((-100,), (-110, -90))},
    ("nat", "output"): {"dst": ((-100,), (-110, -90))},
    ("nat", "input"): {"in": ((100,), (90,))},
    ("nat", "postrouting"): {"src": ((100,), (90, 110))},
}  # fmt: skip


@st.composite
def tables(draw: st.DrawFn, tied: bool, chancy: bool) -> str:
    """A table with some of all kinds of base chains. `tied`: at the priorities of the tables of iptables."""
    family = draw(st.sampled_from(["ip", "ip", "inet"]))
    user = {side: tuple(f"u{side}{number}" for number in range(2)) for side in ("dst", "src", "filter", "any")}
    chains = []
    for side, names in user.items():
        for number, name in enumerate(names):
            chains.append(_chain(name, "", draw(_rules(side, "", names[number + 1 :], 3, chancy))))
    for (kind, hook), sides in _BASE.items():
        for side, priorities in sides.items():
            if not draw(_OFTEN):
                continue
            at = draw(st.sampled_from(priorities[0] if tied else priorities[1]))
            policy = draw(_POLICIES) if side == "filter" else "accept"
            head = f"type {kind} hook {hook} priority {at}; policy {policy};"
            barrier = f"udp sport {BARRIER} accept"
            rules = draw(_rules(side, hook, user.get(side, ()), 4, chancy))
            chains.append(_chain(f"{side}-{hook}", head, [barrier, *rules]))
    return f"table {family} walked {{{SETS}" + "".join(chains) + "}\n"


def _chain(name: str, head: str, rules: list[str]) -> str:
    return f" chain {name} {{ {head}\n" + "".join(f"  {rule}\n" for rule in rules) + " }\n"


_OFTEN = st.sampled_from([True, True, False])
_POLICIES = st.sampled_from(["accept", "accept", "accept", "drop"])
_ENDS = st.lists(st.sampled_from(FAR), min_size=1, max_size=3, unique=True)


@st.composite
def services(draw: st.DrawFn, tied: bool) -> str:
    """What kube-proxy writes for two Services, and flannel for its network; the chains of the two have other priorities unless `tied`."""
    ends = draw(_ENDS)
    one = _service("udp", ends, 53)
    two = _service("tcp", draw(_ENDS), 7801)
    source, forward = (100, 0) if tied else (95, 5)
    return f"""table ip kube-proxy {{{SETS}
 map service-ips {{ type ipv4_addr . inet_proto . inet_service : verdict; elements = {{
  {VIPS[0]} . udp . 80 : goto svc-one, {VIPS[1]} . tcp . 80 : goto svc-two }} }}
 map service-nodeports {{ type inet_proto . inet_service : verdict; elements = {{ udp . 7801 : goto ext-one }} }}
 map no-endpoint-services {{ type ipv4_addr . inet_proto . inet_service : verdict
  elements = {{ {VIPS[1]} . udp . 53 : goto reject-chain }} }}
 chain svc-one {{ {one}\n }}
 chain svc-two {{ {two}\n }}
 chain ext-one {{ meta mark set meta mark | 0x4000\n goto svc-one\n }}
 chain reject-chain {{ reject\n }}
 chain mark-for-masquerade {{ meta mark set meta mark | 0x4000\n }}
 chain services {{ ip daddr @vips ip saddr != {draw(st.sampled_from((_CLUSTER, _NODE)))} jump mark-for-masquerade
  ip daddr . meta l4proto . th dport vmap @service-ips
  ip daddr @nodes meta l4proto . th dport vmap @service-nodeports\n }}
 chain endpoints-check {{ ip daddr . meta l4proto . th dport vmap @no-endpoint-services\n }}
 chain ips-check {{ ip daddr @vips reject\n ip daddr 10.96.0.0/16 drop\n }}
 chain masquerading {{ meta mark & 0x4000 != 0 meta mark set meta mark ^ 0x4000 masquerade fully-random
  ct status dnat ip saddr . ip daddr . meta l4proto . th dport @hairpin masquerade fully-random\n }}
 chain filter-input {{ type filter hook input priority 0; udp sport {BARRIER} accept\n ct state new jump endpoints-check\n }}
 chain filter-forward {{ type filter hook forward priority 0; udp sport {BARRIER} accept
  ct state new jump endpoints-check\n ct state new jump ips-check\n }}
 chain filter-output {{ type filter hook output priority 0; udp sport {BARRIER} accept
  ct state new jump endpoints-check\n ct state new jump ips-check\n }}
 chain nat-prerouting {{ type nat hook prerouting priority -100; udp sport {BARRIER} accept\n jump services\n }}
 chain nat-output {{ type nat hook output priority -100; udp sport {BARRIER} accept\n jump services\n }}
 chain nat-postrouting {{ type nat hook postrouting priority 100; udp sport {BARRIER} accept\n jump masquerading\n }}
}}
table ip flannel-ipv4 {{
 chain postrtg {{ type nat hook postrouting priority {source}; udp sport {BARRIER} accept\n meta mark 0x4000 return
  ip saddr {_NODE} ip daddr {_CLUSTER} return\n ip saddr {_CLUSTER} ip daddr {_NODE} return\n ip saddr != {_NODE} ip daddr {_CLUSTER} return
  ip saddr {_CLUSTER} ip daddr != 224.0.0.0/4 masquerade fully-random
  ip saddr != {_CLUSTER} ip daddr {_CLUSTER} masquerade fully-random\n }}
 chain forward {{ type filter hook forward priority {forward}; ip saddr {_CLUSTER} accept\n ip daddr {_CLUSTER} accept\n }}
}}
"""


def _service(protocol: str, ends: list[str], port: int) -> str:
    mapped = ", ".join(f"{number} : {end} . {port}" for number, end in enumerate(ends))
    return f"meta l4proto {protocol} dnat ip to numgen random mod {len(ends)} map {{ {mapped} }}"
