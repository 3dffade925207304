"""Which programs for reading a node this image has."""

from __future__ import annotations

import asyncio
import shutil

NAMES = (
    "iptables-save", "iptables-legacy-save", "iptables-nft-save", "ip6tables-save", "ip6tables-legacy-save", "ip6tables-nft-save",
    "nft", "ip", "bridge", "ipset", "conntrack", "sysctl", "ethtool", "ss", "tcpdump", "crictl", "ipvsadm",
)  # fmt: skip
VERSION = {
    "iptables-save": "--version",
    "iptables-legacy-save": "--version",
    "iptables-nft-save": "--version",
    "nft": "--version",
    "ip": "-V",
}
SECONDS = 3.0


async def found() -> dict[str, str]:
    """Name -> path, with the version where it matters: "/usr/sbin/nft nftables v1.0.6 …". Absent tools are absent."""
    paths = {name: path for name in NAMES if (path := shutil.which(name))}
    versions = await asyncio.gather(*(_version(path, VERSION.get(name)) for name, path in paths.items()))
    return {name: f"{path} {version}".strip() for (name, path), version in zip(paths.items(), versions)}


async def _version(path: str, option: str | None) -> str:
    if option is None:
        return ""
    try:
        process = await asyncio.create_subprocess_exec(
            path, option, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError:
        return ""
    try:
        output, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    except asyncio.TimeoutError:
        process.kill()
        return ""
    return output.decode("utf-8", "replace").partition("\n")[0].strip()[:100]
