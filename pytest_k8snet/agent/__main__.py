"""`python3 agent.pyz …` and `python -m pytest_k8snet.agent …`."""

from __future__ import annotations

import sys

from .main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
