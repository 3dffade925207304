"""The kernel's own word about each rule that a packet meets: `meta nftrace` and `nft monitor trace`."""

from __future__ import annotations

import os
import re
import select
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from pytest_k8snet.netfilter.book import book, native_book
from pytest_k8snet.netfilter.branch import Branch
from pytest_k8snet.parse.nft import NftRuleset
from pytest_k8snet.parse.ruleset import Ruleset

from .world import Namespace

TABLE = "tracing"
SWITCHED_ON = f"""table ip {TABLE} {{
 chain first {{ type filter hook prerouting priority -500; meta nftrace set 1\n }}
 chain sent {{ type filter hook output priority -500; meta nftrace set 1\n }}
}}
"""
_LINE = re.compile(r"trace id (\w+) (\w+) (\S+) (\S+) (packet|rule|verdict|policy|unknown)(.*)")
_ID = re.compile(r" ip id (\d+) ")
_HANDLE = re.compile(r"# handle (\d+) \(verdict")
Met = tuple[str, str, int]  # "ip filter", chain, handle


@dataclass
class Monitor:
    """`nft monitor trace` in a namespace: which rules each packet met, by its IP id."""

    process: subprocess.Popen[str]
    rest: str = ""
    ids: dict[str, int] = field(default_factory=dict)
    met: dict[int, list[Met]] = field(default_factory=dict)

    @classmethod
    def start(cls, space: Namespace) -> Monitor:
        process = space.start(["stdbuf", "-oL", "nft", "-a", "-n", "monitor", "trace"], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        return cls(process)

    def seen(self, ident: int, timeout: float) -> bool:
        """Read until the packet is reported, or the time is over."""
        deadline = time.monotonic() + timeout
        while ident not in self.met and (left := deadline - time.monotonic()) > 0:
            self._read(left)
        return ident in self.met

    def drain(self, last: int) -> None:
        """Read until the last packet is reported and nothing more comes for a moment."""
        assert self.seen(last, 5), "the kernel's reports stopped"
        while self._read(0.02):
            pass

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    def _read(self, timeout: float) -> bool:
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        if not select.select([descriptor], [], [], timeout)[0]:
            return False
        text = self.rest + os.read(descriptor, 1 << 20).decode()
        *lines, self.rest = text.split("\n")
        for line in lines:
            self._take(line)
        return True

    def _take(self, line: str) -> None:
        found = _LINE.match(line)
        if found is None:
            return
        trace, family, table, chain, kind, more = found.groups()
        if kind == "packet" and (ident := _ID.search(more)):
            self.ids[trace] = int(ident[1])
            self.met.setdefault(int(ident[1]), [])
        elif kind == "rule" and table != TABLE and trace in self.ids and (handle := _HANDLE.search(more)):
            self.met[self.ids[trace]].append((f"{family} {table}", chain, int(handle[1])))


@dataclass(frozen=True)
class Handles:
    """Translates the walker's steps into what the kernel calls the rules."""

    listed: NftRuleset
    saved: Ruleset

    def of(self, branch: Branch) -> list[Met]:
        """The rules of a branch that may change something, as the kernel would report them."""
        found = []
        for step in branch.steps:
            if step.rule is None or step.world == "legacy":
                continue
            table = step.table if step.world == "native" else f"ip {step.table}"
            family, _, name = table.partition(" ")
            chain = self.listed.chain(family, name, step.chain)
            assert chain is not None
            found.append((table, step.chain, chain.rules[step.number - 1].handle))
        return found

    def decisive(self, met: Iterable[Met]) -> list[Met]:
        """Without the rules that only count: the walker does not name them."""
        return [one for one in met if not self._harmless(one)]

    def _harmless(self, met: Met) -> bool:
        family, _, table = met[0].partition(" ")
        chain = self.listed.chain(family, table, met[1])
        assert chain is not None
        (number,) = [rule.number for rule in chain.rules if rule.handle == met[2]]
        if family == "ip" and self.saved.chain(table, met[1]) is not None:
            return book(self.saved, table).lines(met[1]).lines[number - 1].action.harmless
        lines = native_book(self.listed, family, table).lines(met[1]).lines
        return all(line.action.harmless for line in lines if line.rule.number == number)
