"""Entry point of `python -m lab`."""

import sys

if sys.version_info < (3, 11):
    sys.exit("lab: Python 3.11 or newer is needed")
try:
    from lab.cli import main
except ModuleNotFoundError as error:
    if error.name not in {"yaml", "dns"}:
        raise
    print(f"lab: the Python package {error.name} is missing: pip install pyyaml dnspython", file=sys.stderr)
    sys.exit(4)

sys.exit(main())
