"""Random but loadable iptables rule sets over the small world of the walker's tests."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st

CLIENTS = ("10.1.0.1", "10.1.0.2")
FAR = ("10.2.0.1", "10.2.0.2", "10.3.0.1", "10.3.0.2")
ROUTER = {"client": "10.1.0.254", "server": "10.2.0.254", "third": "10.3.0.254"}
VIPS = ("10.96.0.1", "10.96.0.2")  # routed to nobody: the third network takes them
PORTS = (53, 80, 7801)
BARRIER = 65000

HOOKS = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
}
_ADDRESSES = (
    *CLIENTS,
    *FAR,
    *VIPS,
    *ROUTER.values(),
    "10.2.0.0/24",
    "10.3.0.0/16",
    "10.0.0.0/8",
    "10.0.0.1/255.0.0.255",
    "10.96.0.0/12",
    "127.0.0.0/8",
)
_DEVICES = ("client", "server", "third", "lo", "c+", "th+")  # not "+": iptables-save does not print `! -i +`, which never matches
_PORTS = ("53", "80", "7801", "1:79", ":80", "80:")
_MARKS = ("0x1", "0x0/0x1", "0x4000/0x4000", "0x2/0xff", "0x1/0x0")
_STATES = ("NEW", "ESTABLISHED", "RELATED,ESTABLISHED", "INVALID", "DNAT", "SNAT", "NEW,DNAT", "UNTRACKED", "INVALID,UNTRACKED")


def _flag(name: str, values: tuple[str, ...]) -> st.SearchStrategy[str]:
    """`name value`, or the negation."""
    return st.tuples(st.sampled_from(["", "", "! "]), st.sampled_from(values)).map(lambda pair: f"{pair[0]}{name} {pair[1]}")


def _loaded(module: str, option: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return option.map(lambda text: f"-m {module} {text}")


_ANYWHERE = (
    _flag("-s", _ADDRESSES),
    _flag("-d", _ADDRESSES),
    _loaded("mark", _flag("--mark", _MARKS)),
    _loaded("connmark", _flag("--mark", _MARKS)),
    _loaded("conntrack", _flag("--ctstate", _STATES)),
    _loaded("conntrack", _flag("--ctorigdst", (*VIPS, *FAR, "10.2.0.0/24"))),
    _loaded("conntrack", _flag("--ctdir", ("ORIGINAL", "REPLY")).map(lambda text: text.removeprefix("! "))),
    _loaded("conntrack", _flag("--ctorigdstport", ("80", "53"))),
    _loaded("state", _flag("--state", ("NEW", "RELATED,ESTABLISHED", "UNTRACKED"))),
    _loaded("addrtype", _flag("--dst-type", ("LOCAL", "UNICAST", "BROADCAST", "MULTICAST,LOCAL"))),
    _loaded("addrtype", _flag("--src-type", ("LOCAL", "UNICAST"))),
    _loaded("iprange", _flag("--dst-range", ("10.2.0.1-10.2.0.1", "10.2.0.2-10.3.0.1"))),
    _loaded("iprange", _flag("--src-range", ("10.1.0.1-10.1.0.1",))),
    _loaded("pkttype", _flag("--pkt-type", ("unicast", "multicast", "broadcast"))),
    st.sampled_from(['-m comment --comment "a \\"b\\" -j DROP"', "-m comment --comment -j"]),
)  # fmt: skip
_RANDOM = st.sampled_from(["-m statistic --mode random --probability 0.5", "-m statistic --mode random ! --probability 0.25"])
_UNREAD = st.sampled_from([  # what the walker does not know
    "-m length --length 0:100", "-m length --length 2000:", "-m limit --limit 1000/sec --limit-burst 1000", "-m ttl --ttl-eq 3",
])  # fmt: skip
_BY_PROTOCOL = (
    st.sampled_from(["-p tcp", "-p udp", "-p icmp", "! -p tcp", "! -p udp", "-p 47", "-p tcp -m tcp", "-p udp -m udp"]),
    _flag("--dport", _PORTS).map(lambda text: f"-p udp -m udp {text}"),
    _flag("--dport", _PORTS).map(lambda text: f"-p tcp -m tcp {text}"),
    _flag("--sport", ("1:1023", "1024:")).map(lambda text: f"-p udp -m udp {text}"),
    _flag("--dports", ("53,80", "1:80", "80,1000:9000")).map(lambda text: f"-p tcp -m multiport {text}"),
    _flag("--ports", ("53,80", "1024:65535")).map(lambda text: f"-p udp -m multiport {text}"),
    _flag("--tcp-flags", ("SYN,ACK SYN", "SYN,RST,ACK,FIN SYN", "ALL SYN", "SYN,ACK ACK")).map(lambda text: f"-p tcp -m tcp {text}"),
    _flag("--icmp-type", ("8", "0", "3/1", "any")).map(lambda text: f"-p icmp -m icmp {text}"),
)
_PHYSICAL = st.sampled_from(["-m physdev --physdev-is-in", "-m physdev ! --physdev-is-in"])
_OWNER = st.sampled_from(["-m owner --uid-owner 12345", "-m owner ! --uid-owner 12345"])


@cache
def _matches(side: str) -> st.SearchStrategy[str]:
    """Up to four matches that the hook allows; at most one names the protocol."""
    devices = [_flag("-i", _DEVICES), _PHYSICAL] if side in ("PREROUTING", "INPUT", "FORWARD") else []
    others = [_flag("-o", _DEVICES)] if side in ("FORWARD", "OUTPUT", "POSTROUTING") else []
    others += [*others * 7, _OWNER] if side in ("OUTPUT", "POSTROUTING") else []
    nothing = st.just([])
    parts = (
        st.lists(st.one_of(*_ANYWHERE * 6, _RANDOM, _RANDOM, _UNREAD), max_size=2),
        st.lists(st.one_of(*_BY_PROTOCOL), max_size=1),
        st.lists(st.one_of(*devices), max_size=1) if devices else nothing,
        st.lists(st.one_of(*others), max_size=1) if others else nothing,
    )
    return st.tuples(*parts).map(lambda found: " ".join(_unique([word for words in found for word in words])))


def _unique(words: list[str]) -> list[str]:
    """iptables refuses the same plain option twice."""
    kept: dict[str, str] = {}
    for word in words:
        kept.setdefault(word.removeprefix("! ").split()[0] if not word.startswith("-m") else word.split()[1] + word.split()[-2], word)
    return list(kept.values())


_MARKING = st.sampled_from([
    "MARK --set-xmark 0x4000/0x4000", "MARK --or-mark 0x1", "MARK --and-mark 0xfffe", "MARK --xor-mark 0x4002",
    "MARK --set-mark 0x2/0xf",
    "CONNMARK --save-mark", "CONNMARK --restore-mark", "CONNMARK --set-xmark 0x1/0xff",
    "CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff",
    "LOG --log-prefix k8snet", "NFLOG --nflog-group 9",
])  # fmt: skip
_TO = (*FAR, *(f"{address}:7801" for address in FAR))
_TARGETS = {
    ("nat", "dst"): st.sampled_from(
        [*(f"DNAT --to-destination {to}" for to in _TO), "DNAT --to-destination :53", "REDIRECT --to-ports 53", "REDIRECT"]
    ),
    ("nat", "src"): st.sampled_from(["MASQUERADE", "MASQUERADE --random-fully", "SNAT --to-source 10.9.0.9", "SNAT --to-source 10.1.0.2"]),
    ("nat", "in"): st.sampled_from(["SNAT --to-source 10.9.0.9"]),
    ("raw", ""): st.sampled_from(["CT --notrack", "NOTRACK"]),
    ("filter", ""): st.just("REJECT"),
}  # fmt: skip


def _side(table: str, chain: str) -> str:
    return "" if table != "nat" else {"PREROUTING": "dst", "OUTPUT": "dst", "INPUT": "in"}.get(chain, "src")


@cache
def _rules(table: str, chain: str, side: str, onward: tuple[str, ...], most: int) -> st.SearchStrategy[list[str]]:
    """Rules of a base chain, or of a user chain of that side; half of those in nat translate."""
    special = [_TARGETS[table, side]] * (2 if table == "nat" else 1) if (table, side) in _TARGETS else []
    verdicts = st.sampled_from(["ACCEPT", "RETURN"] if table == "nat" else ["ACCEPT", "RETURN", "DROP"])
    matches = _matches(chain if chain in HOOKS[table] else "")  # user chains are called from several hooks
    ending = st.tuples(matches, st.one_of(*special, verdicts, _MARKING)).map(lambda pair: _ended(chain, *pair))
    if not onward:
        return st.lists(ending, max_size=most)
    jump = st.tuples(matches, st.sampled_from(["-j", "-j", "-g"]), st.sampled_from(onward)).map(
        lambda words: f"-A {chain} {' '.join(words)}"
    )
    return st.lists(st.one_of(ending, ending, jump), max_size=most)


def _ended(chain: str, matches: str, target: str) -> str:
    """A translation of ports needs a protocol that has them."""
    if ":" in target or "--to-ports" in target:
        if " -p " not in f" {matches}":
            matches = f"-p udp {matches}"
        if "! -p" in matches or not ("-p udp" in matches or "-p tcp" in matches):
            matches = "-p tcp"
    return f"-A {chain} {matches} -j {target}"


@st.composite
def tables(draw: st.DrawFn) -> str:
    """All four tables as text for iptables-restore. A first rule in each base chain lets the barrier packet through."""
    return "".join(draw(strategy) for strategy in _TABLES)


@st.composite
def _table(draw: st.DrawFn, table: str) -> str:
    sides = ("dst", "src") if table == "nat" else ("",)
    user = {side: tuple(f"U{side}{number}" for number in range(3)) for side in sides}
    heads = [f":{hook} {draw(_POLICIES) if table == 'filter' else 'ACCEPT'} [0:0]" for hook in HOOKS[table]]
    heads += [f":{name} - [0:0]" for names in user.values() for name in names]
    rules = [f"-A {hook} -p udp -m udp --sport {BARRIER} -j ACCEPT" for hook in HOOKS[table]]
    for side, names in user.items():
        for number, name in enumerate(names):
            rules += draw(_rules(table, name, side, names[number + 1 :], 3))
    for hook in HOOKS[table]:
        side = _side(table, hook)
        rules += draw(_rules(table, hook, side, user.get(side, ()), 4 if table in ("nat", "filter") else 2))
    return "\n".join([f"*{table}", *heads, *rules, "COMMIT\n"])


_POLICIES = st.sampled_from(["ACCEPT", "ACCEPT", "ACCEPT", "DROP"])
_TABLES = [_table(table) for table in HOOKS]
_ALL = tables()


EMPTY = "".join(f"*{table}\n" + "".join(f":{hook} ACCEPT [0:0]\n" for hook in hooks) + "COMMIT\n" for table, hooks in HOOKS.items())


def iptables() -> st.SearchStrategy[str]:
    """What one of the two variants of iptables loads."""
    return _ALL
