"""Runs the suite on every flavour of the lab and writes docs/reference/flavours.md: `python docs/flavours.py [NAME ...]` (root).

The reports are kept under build/flavours/: naming flavours runs those anew, `--render` only writes the page.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "build" / "flavours"
PAGE = ROOT / "docs" / "reference" / "flavours.md"
LAB = [sys.executable, "-m", "lab"]
DEFAULT = {
    "--cni": "flannel", "--flannel-backend": "vxlan", "--proxy-mode": "iptables", "--rp-filter": "0",
    "--families": "ipv4", "--kubernetes": "1.36",
}  # fmt: skip
FLAVOURS: Mapping[str, Mapping[str, str]] = {
    "vxlan": {},
    "host-gw": {"--flannel-backend": "host-gw"},
    "direct-routing": {"--flannel-backend": "vxlan-direct"},
    "udp": {"--flannel-backend": "udp"},
    "proxy-nftables": {"--proxy-mode": "nftables"},
    "flannel-nftables": {"--flannel-nftables": ""},
    "dual-stack": {"--families": "dual"},
    "bridge": {"--cni": "bridge"},
    "kubernetes-1.35": {"--kubernetes": "1.35"},
}
SEEN = ("passed", "failed", "warning")
Report = Mapping[str, Any]


def options(name: str) -> list[str]:
    """Options of `up` for a flavour, all of them, so that nothing is kept of the flavour before."""
    chosen = {**DEFAULT, **FLAVOURS[name]}
    if chosen["--cni"] != "flannel":
        del chosen["--flannel-backend"]
    elif "--flannel-nftables" not in chosen:
        chosen["--no-flannel-nftables"] = ""
    return [word for pair in chosen.items() for word in pair if word]


def run(name: str) -> None:
    """Bring the lab to the flavour and keep the suite's report."""
    KEPT.mkdir(parents=True, exist_ok=True)
    report = KEPT / f"{name}.json"
    report.unlink(missing_ok=True)
    subprocess.run([*LAB, "up", *options(name)], cwd=ROOT, check=True)
    suite = [sys.executable, "-m", "pytest_k8snet", "--k8s-context", "k8snet-lab", "-q", "--k8snet-report", str(report)]
    subprocess.run([*LAB, "run", "--", *suite], cwd=ROOT, check=False)
    if not report.exists():
        raise SystemExit(f"the suite left no report on flavour {name}")


def page(reports: Mapping[str, Report]) -> str:
    """The page, from the reports by flavour."""
    lines = [
        "# What each flavour of the lab assesses",
        "",
        "Written by `python docs/flavours.py`, which runs the suite on each flavour of the lab. Numbers are requirements.",
        "",
        "| flavour | `python -m lab up` | Kubernetes | verdict | passed | warned | failed | inconclusive | not applicable | causes |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_row(name, report) for name, report in reports.items()),
        "",
        *_sum(reports),
        "",
    ]
    for name, report in reports.items():
        lines += [f"## {name}", "", *_details(report), ""]
    return "\n".join(lines)


def _row(name: str, report: Report) -> str:
    counts = report["coverage"]
    words = " ".join(word for pair in FLAVOURS[name].items() for word in pair if word) or "(default)"
    causes = ", ".join(f"`{cause['cause']}`" for cause in report["causes"]) or "none"
    numbers = " | ".join(str(counts[key]) for key in ("passed", "warning", "failed", "inconclusive", "skipped"))
    return f"| {name} | `{words}` | {report['cluster']['version']} | {report['verdict']} | {numbers} | {causes} |"


def _sum(reports: Mapping[str, Report]) -> Iterator[str]:
    everything: set[str] = set()
    assessed: set[str] = set()
    reasons: dict[str, str] = {}
    for report in reports.values():
        silent = {one["requirement"]: one["reason"] for one in report["coverage"]["notAssessed"]}
        found = {result["requirement"] for result in report["results"] if result["status"] in SEEN}
        everything |= found | set(silent)
        assessed |= found - set(silent)
        reasons |= silent
    yield f"{len(assessed)} of {len(everything)} requirements are assessed on at least one flavour."
    never = sorted(everything - assessed)
    if never:
        yield "The others, proven by recordings:"
        yield ""
        yield from (f"- {id}: {_first(reasons[id])}" for id in never)


def _details(report: Report) -> Iterator[str]:
    by_reason: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in report["coverage"]["notAssessed"]:
        by_reason[one["status"], _first(one["reason"])].append(one["requirement"])
    found: dict[tuple[str, str], str] = {}
    for result in report["results"]:
        if result["status"] in ("failed", "warning"):
            found.setdefault((result["status"], result["requirement"]), _first(result["message"]))
    yield from (f"- **{status}** {id}: {message}" for (status, id), message in found.items())
    yield from (f"- {status}, {reason}: {', '.join(ids)}" for (status, reason), ids in sorted(by_reason.items()))
    if not found and not by_reason:
        yield "Every requirement applies and holds."


def _first(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no reason given"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"flavours to run (default: all): {', '.join(FLAVOURS)}")
    parser.add_argument("--render", action="store_true", help="run nothing, write the page from the reports that are kept")
    given = parser.parse_args()
    if unknown := [name for name in given.names if name not in FLAVOURS]:
        parser.error(f"no flavour {unknown[0]!r}; there are {', '.join(FLAVOURS)}")
    for name in () if given.render else given.names or FLAVOURS:
        run(name)
    kept = {name: json.loads((KEPT / f"{name}.json").read_text()) for name in FLAVOURS if (KEPT / f"{name}.json").exists()}
    PAGE.write_text(page(kept))
    return 0


if __name__ == "__main__":
    sys.exit(main())
