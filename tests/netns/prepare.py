"""Installs the programs that the tests of real networks run, where they are missing and this is root on Debian."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

PACKAGES = {"ip": "iproute2", "iptables-legacy": "iptables", "nft": "nftables", "openssl": "openssl"}


def main() -> int:
    missing = sorted({package for program, package in PACKAGES.items() if shutil.which(program) is None})
    if not missing:
        return 0
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.stderr.write(f"tests/netns lacks {' '.join(missing)}: install them\n")
        return 0  # the tests that need them say so themselves
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    subprocess.run([*quiet, "update"], check=True)
    return subprocess.run([*quiet, "install", "-y", "--no-install-recommends", *missing], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
