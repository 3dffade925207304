"""Entry point of `python -m lab`."""

import sys

try:
    from lab.cli import main
except ModuleNotFoundError as error:
    if error.name not in {"yaml", "dns"}:
        raise
    print(f"lab: the Python package {error.name} is missing: pip install pyyaml dnspython", file=sys.stderr)
    sys.exit(4)

sys.exit(main())
