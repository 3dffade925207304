"""Every cause that can be named, one small module for each part of the network.

A module yields causes for what is wrong in its part. Order matters: a cause that only shows what an earlier one brings
about is left out (diagnose/ranking.py), so what lies deeper comes first. How to add one: docs/how-to/add-a-cause.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pytest_k8snet.model.cause import Cause

from ..casefile import CaseFile
from . import dns, flannel, forwarding, masquerade, overlay, proxy, tunnel

Search = Callable[[CaseFile], Iterable[Cause]]

SEARCHES: tuple[Search, ...] = (
    masquerade.network_mismatch,
    masquerade.catches_pods,
    masquerade.missing,
    forwarding.off,
    overlay.entries,
    tunnel.mtu,
    proxy.process,
    proxy.jumps,
    dns.loopback_server,
    dns.tcp_stopped,
    flannel.process,
    flannel.swapped_return,
)
