"""Scenarios: short scripts of steps that play side by side, each with its own objects in the run's namespaces."""
