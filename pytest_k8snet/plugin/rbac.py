"""`python -m pytest_k8snet rbac`: print the role that a run needs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pytest_k8snet.model.settings import Tier


def show(arguments: Sequence[str]) -> int:
    """Print the ClusterRole for a tier as YAML, ready for `kubectl apply -f -`."""
    parser = argparse.ArgumentParser("python -m pytest_k8snet rbac", description=__doc__)
    parser.add_argument("--tier", choices=[str(tier) for tier in Tier], default=str(Tier.PRIVILEGED), help="as --k8snet-tier")
    from pytest_k8snet.cluster.rbac import role

    sys.stdout.write(role(Tier(parser.parse_args(arguments).tier)))
    return 0
