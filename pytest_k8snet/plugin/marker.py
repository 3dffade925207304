"""The decorator that ties a test function to its requirement."""

from __future__ import annotations

from typing import Any

import pytest

NAME = "k8snet"
DESCRIPTION = "k8snet(id): the test function judges the requirement of that id (pytest-k8snet)."


def requirement(id: str) -> pytest.MarkDecorator:
    """Tie a test function to the requirement `id` of the catalogue; its arguments decide what it judges.

    `cell` = one item per cell of the reachability matrix, `node` = one per node, `resolver` = one per node's pod of a
    dnsPolicy, `cluster` = one item.
    """
    mark: pytest.MarkDecorator = getattr(pytest.mark, NAME)
    return mark(id)


def requirement_of(definition: Any) -> str:
    """Id of the requirement that a test function or item judges, "" if it is none of the suite's."""
    marker = definition.get_closest_marker(NAME)
    return str(marker.args[0]) if marker and marker.args else ""
