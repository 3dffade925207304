"""What the lab says when it cannot go on."""

from __future__ import annotations


class LabError(Exception):
    """A step failed; the message names the step, what was seen and what to do next. Exit code 1."""


class UsageError(LabError):
    """The command or the environment does not fit; nothing was started. Exit code 4."""
