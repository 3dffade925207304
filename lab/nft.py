"""Rule sets that the lab itself writes, by the nft(8) of the nodes' base tree (the machine needs none of its own)."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lab import addresses, namespace
from lab.errors import LabError

GUARD = "labguard"


def load(base: Path, pid: int, rules: str, *, quiet: bool = False) -> None:
    """Load a rule set in the network namespace of a process; LabError with nft's message, unless quiet."""
    with namespace.network(pid):
        done = subprocess.run(
            ["chroot", str(base), "nft", "-f", "-"],
            input=rules,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    if done.returncode and not quiet:
        raise LabError(f"nft refused the lab's rules: {done.stderr.strip().splitlines()[0] if done.stderr else 'no message'}")


def guard_rules(families: str) -> str:
    """Rules that stand in for kube-proxy until it has its own: the API's Service works, all others refuse at once.

    Without them flanneld and CoreDNS start against a dead address and wait out long back-offs and stale connection
    tracking. The API's Service has one address, of the cluster's first family.
    """
    pods, services = _first(families, addresses.PODS, addresses.PODS6), _first(families, addresses.SERVICES, addresses.SERVICES6)
    word, control = _word(families), _first(families, addresses.CONTROL.address, f"[{addresses.CONTROL.address6}]")
    service = _first(families, addresses.API_SERVICE, addresses.API_SERVICE6)
    to_api = f"{word} daddr {service} tcp dport 443 dnat to {control}:{addresses.API_PORT};"
    masquerade = f"{word} saddr {pods} {word} daddr {control.strip('[]')} masquerade;"
    return f"""
table {word} {GUARD} {{
  chain prerouting {{ type nat hook prerouting priority -110; {to_api} }}
  chain output {{ type nat hook output priority -110; {to_api} }}
  chain postrouting {{ type nat hook postrouting priority 90; {masquerade} }}
  chain forward {{ type filter hook forward priority 0; {word} daddr {services} reject; }}
}}
"""


def _first(families: str, four: object, six: object) -> str:
    return str(addresses.of_cluster(families, four, six)[0])


def _word(families: str) -> str:
    return _first(families, "ip", "ip6")


def remove_guard(base: Path, pid: int, families: str) -> None:
    """Delete the stand-in rules; established connections go on by connection tracking."""
    table = f"table {_word(families)} {GUARD}"
    load(base, pid, f"add {table}\ndelete {table}\n")


def runner_rules() -> str:
    """Rules that serve the API on the runner's loopback address, and nowhere else."""
    loopback = f"ip daddr 127.0.0.1 tcp dport {addresses.RUNNER_API_PORT}"
    api = f"{addresses.CONTROL.address}:{addresses.API_PORT}"
    return f"""
table ip k8snetlab {{
  chain output {{ type nat hook output priority -100; {loopback} dnat to {api}; }}
  chain postrouting {{ type nat hook postrouting priority 100; ip saddr 127.0.0.1 oifname "eth0" masquerade; }}
}}
"""
