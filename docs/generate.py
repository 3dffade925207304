"""Writes docs/reference/options.md and requirements.md from the code and the catalogue: `python docs/generate.py [--check]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from pytest_k8snet.model.requirement import Requirement
from pytest_k8snet.model.settings import Settings
from pytest_k8snet.plan.catalogue import load
from pytest_k8snet.plugin.options import OPTIONS, Option

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"


def options() -> str:
    lines = [
        "# Options",
        "",
        "Every option without *command line only* can also stand in an ini file, under the name in the second column.",
        "",
        "| option | ini name | meaning |",
        "|---|---|---|",
    ]
    for option in OPTIONS:
        name = f"`{option.dest}`" if option.ini else "*command line only*"
        repeat = "" if option.metavar == "" else f" {option.metavar}".replace("|", "\\|")
        lines.append(f"| `{option.flag}{repeat}` | {name} | {_help(option)} |")
    return "\n".join(lines) + "\n"


def _help(option: Option) -> str:
    return option.help.replace("%(image)s", str(Settings().image)).replace("|", "\\|")


def requirements() -> str:
    catalogue = sorted(load(ROOT / "conformance" / "catalogue").values())
    lines = ["# Requirements", "", f"The {len(catalogue)} requirements that the suite assesses, from `conformance/catalogue/`.", ""]
    for group, members in groupby(catalogue, key=lambda requirement: requirement.group):
        lines += [f"## {group}", ""]
        for requirement in members:
            lines += [*_entry(requirement), ""]
    return "\n".join(lines)


def _entry(requirement: Requirement) -> Iterator[str]:
    yield f"### {requirement.id}: {requirement.title}"
    yield ""
    yield requirement.statement
    yield ""
    if requirement.meaning:
        yield f"- **A failure means** {requirement.meaning}"
    kind = f"**Level** {requirement.level} · **Basis** {requirement.basis} · **Class** {requirement.kind}"
    yield f"- {kind} · **Applies** `{requirement.applies}`"
    yield f"- **Source** {requirement.source}"


def main(check: bool) -> int:
    pages = {"options.md": options(), "requirements.md": requirements()}
    stale = [name for name, text in pages.items() if not (REFERENCE / name).is_file() or (REFERENCE / name).read_text() != text]
    if check:
        sys.stderr.write("".join(f"docs/reference/{name} is not current: run python docs/generate.py\n" for name in stale))
        return bool(stale)
    for name in stale:
        (REFERENCE / name).write_text(pages[name])
    return 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
