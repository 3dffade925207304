"""`{name}` in the data of a fault: stands for what was drawn, found or kept."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping

from lab.errors import UsageError

Values = Mapping[str, str | tuple[str, ...]]
NAME = re.compile(r"\{(?!end\})([a-z][a-z0-9_]*)\}")  # {end} is of jsonpath


def expand(text: str, values: Values) -> list[str]:
    """The text with its placeholders filled in: once for every choice where a value has several parts.

    JSON and jsonpath may stand in the text: `{"spec"` and `{.items` are no placeholders.
    """
    names = list(dict.fromkeys(NAME.findall(text)))
    if unknown := [name for name in names if name not in values]:
        raise UsageError(f"a fault names {{{unknown[0]}}}, which is none of {', '.join(sorted(values))}")
    choices = [_parts(values[name]) for name in names]
    return [_fill(text, dict(zip(names, chosen, strict=True))) for chosen in itertools.product(*choices)]


def expand_all(texts: Iterable[str], values: Values) -> list[str]:
    """Every text expanded, in order."""
    return [filled for text in texts for filled in expand(text, values)]


def _parts(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _fill(text: str, chosen: Mapping[str, str]) -> str:
    return NAME.sub(lambda match: chosen[match[1]], text)
