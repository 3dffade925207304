"""Prove a Kubernetes cluster's network right, cell by cell."""

__version__ = "0.1.0"
