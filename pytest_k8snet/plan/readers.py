"""The facts a node's host pod reads, which requirement needs which of them, and in what order they may be asked.

Reading is harmless: every reader lists or opens, none loads a module. `iptables-legacy-save -t TABLE` creates a table that is not there,
so the names in /proc/net/ip_tables_names are read first and only those tables are dumped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pytest_k8snet.model.recording import Recording

from .available import HOST_ROLES
from .cni_paths import CONFIG_FOLDER, PROGRAM_FOLDER, written
from .health import FLANNEL_PATHS, flannel_health, proxy_health

HOST = "/host"
BEFORE, AFTER = "before", "after"
LIMIT = 262144
CNI_LINES = r"^\s*(\[|version\b|imports\b)|conf_dir|bin_dir"

Request = dict[str, Any]
Stage = Callable[[Recording, str], list[Request]]


@dataclass(frozen=True, slots=True)
class Reader:
    """One fact: how the agent gets it (`argv`, `path` or `http`) and in which phases it is worth reading.

    `endings` restrict a path to files that end so: what else lies there is nobody's business.
    """

    name: str
    how: Mapping[str, Any]
    phases: frozenset[str] = frozenset({AFTER})
    endings: tuple[str, ...] = ("",)

    @property
    def requests(self) -> list[Request]:
        """The reader as the agent's `facts` request wants it, once for every ending."""
        path = self.how.get("path")
        return [{"name": self.name, **self.how, **({"path": f"{path}{ending}"} if path else {})} for ending in self.endings]


def _argv(name: str, *argv: str) -> Reader:
    return Reader(name, {"argv": list(argv)})


def _path(name: str, path: str, *phases: str) -> Reader:
    return Reader(name, {"path": path, "limit": LIMIT}, frozenset(phases or {AFTER}))


_ALL = (
    _argv("iptables", "iptables-nft-save", "-c"),
    _path("legacy-tables", "/proc/net/ip_tables_names"),
    _argv("ip6tables", "ip6tables-nft-save", "-c"),
    _path("legacy-tables6", "/proc/net/ip6_tables_names"),
    _argv("nft", "nft", "-j", "list", "ruleset"),
    _argv("links", "ip", "-j", "-d", "link", "show"),
    _argv("addresses", "ip", "-j", "addr", "show"),
    _argv("routes", "ip", "-j", "route", "show", "table", "all"),
    _argv("rules", "ip", "-j", "rule", "show"),
    _argv("neighbours", "ip", "-j", "neigh", "show"),
    _argv("fdb", "bridge", "-j", "fdb", "show"),
    _argv("bridge-links", "bridge", "-j", "-d", "link", "show"),
    _path("ip-forward", "/proc/sys/net/ipv4/ip_forward", BEFORE, AFTER),
    _path("forwarding", "/proc/sys/net/ipv4/conf/*/forwarding", BEFORE, AFTER),
    _path("rp-filter", "/proc/sys/net/ipv4/conf/*/rp_filter"),
    _path("bridge-nf", "/proc/sys/net/bridge/bridge-nf-call-iptables", BEFORE, AFTER),
    _path("ip6-forward", "/proc/sys/net/ipv6/conf/all/forwarding", BEFORE, AFTER),
    _path("bridge-nf6", "/proc/sys/net/bridge/bridge-nf-call-ip6tables"),
    _path("udp-sockets", "/proc/net/udp"),
    _argv("wg-handshakes", "wg", "show", "all", "latest-handshakes"),  # no other listing of wg: they hold keys
    _path("subnet.env", f"{HOST}/run/flannel/subnet.env"),
    # beside the configuration, plugins keep kubeconfigs with tokens there: those never enter a recording
    Reader("cni", {"path": f"{HOST}/etc/cni/net.d/*", "limit": LIMIT}, endings=(".conf", ".conflist", ".json")),
    Reader("cni-files", {"list": f"{HOST}{CONFIG_FOLDER}"}),
    Reader("cni-programs", {"list": f"{HOST}{PROGRAM_FOLDER}"}),
    # of containerd's files only the lines about CNI: others hold credentials of registries
    Reader(
        "runtime-config", {"path": f"{HOST}/etc/containerd/", "limit": LIMIT, "lines": CNI_LINES}, endings=("config.toml", "conf.d/*.toml")
    ),
    _path("modules", "/proc/modules"),
    _path("netstat", "/proc/net/netstat", BEFORE, AFTER),
    _path("conntrack-max", "/proc/sys/net/netfilter/nf_conntrack_max"),
    _path("conntrack-count", "/proc/sys/net/netfilter/nf_conntrack_count"),
    _path("conntrack-stat", "/proc/net/stat/nf_conntrack", BEFORE, AFTER),
    _path("local-ports", "/proc/sys/net/ipv4/ip_local_port_range"),
    _path("reserved-ports", "/proc/sys/net/ipv4/ip_local_reserved_ports"),
    _path("hostname", "/proc/sys/kernel/hostname"),
    _path("machine-id", f"{HOST}/etc/machine-id"),
    _path("product-uuid", "/sys/class/dmi/id/product_uuid"),
    _path("ip-vs", "/proc/net/ip_vs"),
    _argv("ipsets", "ipset", "list", "-n"),
    _path("vs-conntrack", "/proc/sys/net/ipv4/vs/conntrack"),
    _path("arp-ignore", "/proc/sys/net/ipv4/conf/all/arp_ignore"),
    _path("arp-announce", "/proc/sys/net/ipv4/conf/all/arp_announce"),
    Reader("proxy-mode", {"http": "http://127.0.0.1:10249/proxyMode"}),
    Reader("proxy-healthz", {"http": "http://127.0.0.1:10256/healthz"}),
    *(Reader(name, {"http": f"http://127.0.0.1:8081{path}"}) for name, path in FLANNEL_PATHS.items()),
    _path("route-localnet", "/proc/sys/net/ipv4/conf/all/route_localnet"),
    _path("tcp-be-liberal", "/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal"),
    _path("resolv.conf", f"{HOST}/etc/resolv.conf"),
    _path("hosts", f"{HOST}/etc/hosts"),
)
# requirements that rest on what probe pods read about themselves, and the roles whose pods they need
IN_PODS: Mapping[str, frozenset[str]] = MappingProxyType({"NET-REACH-017": frozenset({"a", "host"}), "NET-MTU-002": frozenset({"a"})})
# the canonical name of the own hostname, which is what `hostname -f` prints; that tool is not in every image
FULL_NAME = ("python3", "-c", "import socket as s; print(s.getaddrinfo(s.gethostname(), None, flags=s.AI_CANONNAME)[0][3])")
HOSTS_READ, NAMED = ("a", "b", "host"), "a"
READERS: Mapping[str, Reader] = MappingProxyType({reader.name: reader for reader in _ALL})

_RULES = ("iptables", "legacy-tables", "nft", "links", "addresses", "routes", "bridge-nf")
_RULES6 = ("ip6tables", "legacy-tables6", "nft", "addresses", "routes")
_DEVICES = ("links", "addresses", "routes")
_FILE = ("resolv.conf",)
_NEEDED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "NET-DNS-006": _FILE,
        "NET-DNS-007": _FILE,
        "NET-DNS-008": _FILE,
        "NET-DNS-009": _FILE,
        "NET-DNS-011": _FILE,
        "NET-DNS-012": _FILE,
        "NET-DNS-013": _FILE,
        "NET-DNS-014": _FILE,
        "NET-DNS-032": ("hosts",),
        "NET-PROXY-002": (*_RULES, "proxy-mode"),
        "NET-PROXY-003": ("proxy-healthz",),
        "NET-PROXY-004": _RULES,
        "NET-PROXY-007": _RULES,
        "NET-PROXY-008": _RULES,
        "NET-PROXY-009": _RULES,
        "NET-PROXY-010": _RULES,
        "NET-PROXY-011": _RULES,
        "NET-PROXY-012": (*_RULES, "tcp-be-liberal"),
        "NET-PROXY-013": _RULES,
        "NET-PROXY-014": _RULES,
        "NET-PROXY-015": _RULES,
        "NET-PROXY-016": _RULES,
        "NET-PROXY-017": _RULES,
        "NET-PROXY-018": _RULES,
        "NET-PROXY-019": _RULES,
        "NET-PROXY-020": _RULES,
        "NET-PROXY-021": _RULES,
        "NET-PROXY-022": _RULES,
        "NET-PROXY-023": _RULES,
        "NET-PROXY-025": _RULES,
        "NET-PROXY-026": _RULES,
        "NET-PROXY-027": _RULES,
        "NET-PROXY-028": ("proxy-mode",),
        "NET-PROXY-029": ("ip-vs", "addresses"),
        "NET-PROXY-030": ("ipsets", "vs-conntrack", "arp-ignore", "arp-announce", "ip-forward"),
        "NET-FLANNEL-004": ("subnet.env",),
        "NET-FLANNEL-005": ("subnet.env", *_DEVICES),
        "NET-FLANNEL-006": ("cni",),
        "NET-FLANNEL-008": ("cni-files", "runtime-config"),
        "NET-FLANNEL-009": ("cni-programs", "runtime-config"),
        "NET-FLANNEL-013": _DEVICES,
        "NET-FLANNEL-014": _DEVICES,
        "NET-FLANNEL-015": _DEVICES,
        "NET-FLANNEL-016": ("neighbours", "links"),
        "NET-FLANNEL-017": ("fdb", "links"),
        "NET-FLANNEL-018": _DEVICES,
        "NET-FLANNEL-019": ("cni", "bridge-links"),
        "NET-FLANNEL-020": _RULES,
        "NET-FLANNEL-021": _RULES,
        "NET-FLANNEL-024": ("subnet.env", *_DEVICES),
        "NET-FLANNEL-026": tuple(FLANNEL_PATHS),
        "NET-FLANNEL-023": _RULES,
        "NET-FLANNEL-025": ("udp-sockets", "wg-handshakes", *_DEVICES),
        "NET-NODE-001": ("ip-forward", "forwarding", *_DEVICES),
        "NET-NODE-002": ("bridge-nf",),
        "NET-NODE-003": ("links", "modules"),
        "NET-NODE-004": ("rp-filter", "netstat", *_DEVICES),
        "NET-NODE-005": ("conntrack-max", "conntrack-count", "conntrack-stat"),
        "NET-NODE-006": _RULES,
        "NET-NODE-007": _RULES,
        "NET-NODE-010": _DEVICES,
        "NET-NODE-008": _RULES,
        "NET-NODE-009": ("addresses",),
        "NET-NODE-011": _RULES,
        "NET-NODE-012": ("hostname", "machine-id", "product-uuid", *_DEVICES),
        "NET-NODE-014": _DEVICES,
        "NET-NODE-015": (*_RULES, "route-localnet"),
        "NET-NODE-016": _RULES,
        "NET-NODE-017": ("local-ports", "reserved-ports"),
        "NET-NODE-018": ("cni", "cni-files", "runtime-config"),
        "NET-NAT-008": _RULES,
        "NET-NAT-009": _RULES,
        "NET-NAT-010": _RULES,
        "NET-NAT-011": _RULES,
        "NET-MTU-001": _DEVICES,
        "NET-MTU-002": ("subnet.env", "links"),
        "NET-IPV6-001": ("ip6-forward", "bridge-nf6"),
        "NET-MTU-007": ("subnet.env",),
        "NET-IPV6-006": _RULES6,
        "NET-IPV6-007": (*_RULES6, "neighbours", "fdb"),
    }
)
# requirements that judge rules by Services which a run itself must make
_SERVICES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "NET-IPV6-006": frozenset({"web", "empty"}),
        "NET-PROXY-010": frozenset({"web"}),
        "NET-PROXY-016": frozenset({"web"}),
        "NET-PROXY-019": frozenset({"web"}),
        "NET-PROXY-022": frozenset({"empty"}),
        "NET-PROXY-023": frozenset({"web", "self"}),
    }
)


def services_for(requirements: Iterable[str]) -> frozenset[str]:
    """Services of ours by which these requirements judge what they read."""
    return frozenset(name for requirement in requirements for name in _SERVICES.get(requirement, ()))


def names_for(requirements: Iterable[str]) -> frozenset[str]:
    """Names of the readers these requirements need."""
    return frozenset(name for requirement in requirements for name in _NEEDED.get(requirement, ()))


def roles_for(requirements: Iterable[str]) -> frozenset[str]:
    """Roles of the probe pods in which these requirements have something read."""
    return frozenset(role for requirement in requirements for role in IN_PODS.get(requirement, ()))


def readers_for(names: frozenset[str], phase: str) -> tuple[Stage, ...]:
    """What to ask a node in this phase, stage by stage; each stage knows the facts that the earlier ones recorded.

    An unknown name raises KeyError: it would be a requirement that is silently never assessed.
    """
    wanted = [READERS[name] for name in sorted(names)]
    now = [reader for reader in wanted if phase in reader.phases]

    def first(recording: Recording, node: str) -> list[Request]:
        return [request for reader in now for request in _placed(reader, recording, node)]

    kinds = [kind for kind in (LEGACY4, LEGACY6) if any(reader.name == kind.names for reader in now)]

    def legacy(recording: Recording, node: str) -> list[Request]:
        return [request for kind in kinds for table in kind.tables(recording, node, phase) for request in kind.reader(table).requests]

    return (first, legacy) if kinds else (first,)


@dataclass(frozen=True, slots=True)
class Legacy:
    """How the rules of one family are read: `saved` and `names` are readers, `program` prints a legacy table."""

    saved: str
    names: str
    program: str

    def tables(self, recording: Recording, node: str, phase: str = AFTER) -> tuple[str, ...]:
        """Names of the legacy tables the node's kernel holds; none where the file is missing (no legacy module)."""
        facts = [fact for fact in recording.entries("facts", node=node, phase=phase, name=self.names) if fact["ok"]]
        return tuple(sorted(facts[-1]["text"].split())) if facts else ()

    def reader(self, table: str) -> Reader:
        """The dump of one legacy table that exists."""
        return _argv(f"{self.program}/{table}", f"{self.program}-save", "-c", "-t", table)


LEGACY4 = Legacy("iptables", "legacy-tables", "iptables-legacy")
LEGACY6 = Legacy("ip6tables", "legacy-tables6", "ip6tables-legacy")


def resolver_path(recording: Recording, node: str) -> str | None:
    """Path of the file named by kubelet's `resolvConf` on that node; "" when kubelet is told to use none, None when it is not known."""
    body = recording.object(f"configz/{node}")
    if not isinstance(body, Mapping):
        return None
    path = body.get("kubeletconfig", {}).get("resolvConf", "/etc/resolv.conf")
    return str(path)


def pod_readers(role: str) -> list[Request]:
    """What the agent of a probe pod reads there: resolv.conf, off the host network its addresses, and what else some checks want."""
    file = {"name": f"resolv.conf/{role}", "path": "/etc/resolv.conf", "limit": LIMIT}
    interface = {"name": pod_addresses_name(role), "argv": ["ip", "-j", "addr", "show"]}
    hosts = {"name": f"hosts/{role}", "path": "/etc/hosts", "limit": LIMIT}
    name = {"name": f"full-name/{role}", "argv": list(FULL_NAME)}
    wanted = ((file, True), (interface, role not in HOST_ROLES), (hosts, role in HOSTS_READ), (name, role == NAMED))
    return [request for request, read in wanted if read]


def pod_addresses_name(role: str) -> str:
    """Name of the fact that holds a probe pod's addresses."""
    return f"addresses/{role}"


def _placed(reader: Reader, recording: Recording, node: str) -> list[Request]:
    """The reader's requests where the cluster's configuration says that it must look; none where it says that there is nothing."""
    if reader.name == "resolv.conf":
        return [{**request, "path": HOST + (resolver_path(recording, node) or "/etc/resolv.conf")} for request in reader.requests]
    if reader.name in ("cni-files", "cni-programs"):
        own = written(recording)
        folder = own.config if reader.name == "cni-files" else own.programs
        return [{**request, "list": HOST + folder} if folder else request for request in reader.requests]
    if reader.name == "proxy-healthz":
        return [{**request, "http": proxy_health(recording)} for request in reader.requests]
    if reader.name in FLANNEL_PATHS:
        url = flannel_health(recording)
        return [{**request, "http": url + FLANNEL_PATHS[reader.name]} for request in reader.requests] if url else []
    return reader.requests
