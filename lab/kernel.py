"""What the lab needs of the machine, each thing named when it is missing; looks only, in throw-away namespaces."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from lab import cgroup
from lab.errors import UsageError

TOOLS = {
    "ip": "iproute2", "nsenter": "util-linux", "unshare": "util-linux", "mount": "mount", "chroot": "coreutils",
    "bash": "bash", "sleep": "coreutils", "cp": "coreutils",
}  # fmt: skip
NAMESPACES = ("net", "mnt", "pid", "uts", "ipc", "cgroup")
DEVICES = {
    "veth": "link add k8snet0 type veth peer name k8snet1",
    "bridge": "link add k8snet2 type bridge",
    "vxlan": "link add k8snet3 type vxlan id 1 dstport 8472 nolearning dev lo",
}
RULES = """table ip k8snetcheck {
  chain nat { type nat hook postrouting priority 100; masquerade; }
}
"""


def check_user() -> None:
    """Raise UsageError unless this is root on Linux."""
    if sys.platform != "linux":
        raise UsageError(f"the lab needs Linux (network namespaces); this is {sys.platform}: run it in a Linux virtual machine")
    if os.geteuid() != 0:
        raise UsageError("the lab needs root (it makes namespaces and mounts): run it with sudo")


def check_machine() -> None:
    """Raise UsageError naming the first missing feature of the kernel."""
    for kind in NAMESPACES:
        if not Path(f"/proc/self/ns/{kind}").exists():
            raise UsageError(f"this kernel has no {kind} namespaces: the lab cannot run on it")
    if "overlay" not in {line.split()[-1] for line in Path("/proc/filesystems").read_text().splitlines()}:
        raise UsageError("overlayfs is missing in this kernel: try `modprobe overlay`")
    cgroup.check()
    check_devices()


def check_devices() -> None:
    """Raise UsageError naming the first kind of network device that this kernel cannot make."""
    for kind, line in DEVICES.items():
        if _inside(["ip", *line.split()]):
            raise UsageError(f"{kind} devices are missing in this kernel (`ip {line}` fails): try `modprobe {kind}`")
    if _inside(["test", "-e", "/proc/sys/net/bridge/bridge-nf-call-iptables"]):
        raise UsageError("bridge netfilter is missing in this kernel: try `modprobe br_netfilter`")


def check_backend(backend: str) -> None:
    """Raise UsageError if this kernel cannot make the device of a flannel backend."""
    if backend == "udp" and _inside(["ip", "tuntap", "add", "k8snet4", "mode", "tun"]):
        raise UsageError("tun devices, which flannel's udp backend uses, are missing in this kernel: try `modprobe tun`")


def _inside(argv: list[str]) -> int:
    return subprocess.run(["unshare", "--net", *argv], stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode


def check_rules(base: Path) -> None:
    """Raise UsageError if the kernel takes no NAT rules, from the nodes' nft and iptables."""
    done = subprocess.run(
        ["unshare", "--net", "chroot", str(base), "nft", "-f", "-"],
        input=RULES,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UsageError("nf_tables with NAT is missing in this kernel: try `modprobe nf_tables nft_chain_nat nft_masq`")
    rule = "iptables -t nat -A POSTROUTING -m comment --comment x -j MASQUERADE"
    if _inside(["chroot", str(base), *rule.split()]):
        raise UsageError(f"iptables rules are not taken by this kernel (`{rule}` fails): try `modprobe nft_compat xt_comment`")


def missing_tools() -> list[tuple[str, str]]:
    """Programs that the lab calls and this machine lacks, each with its Debian package."""
    return [(tool, package) for tool, package in TOOLS.items() if shutil.which(tool) is None]
