"""The wheel as users get it, installed into an empty environment inside a foreign project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "plugin"))

CELLS = tuple(
    word for ids in ("NET-REACH-00*", "NET-REACH-01[0-5]", "NET-REACH-019", "NET-NAT-00[1-7]") for word in ("--k8snet-requirement", ids)
)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the tree, so that the checkout stays clean."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, source)
    for name in ("pytest_k8snet", "conformance"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", target, source], check=True, capture_output=True)
    return next(target.glob("*.whl"))


@pytest.fixture(scope="session")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment with the wheel; the environment lies in the project's folder, as many do."""
    project = tmp_path_factory.mktemp("project")
    venv.create(project / ".venv", with_pip=True)
    interpreter = project / ".venv" / "bin" / "python"
    subprocess.run([interpreter, "-m", "pip", "install", "-q", f"{wheel}[xdist]"], check=True, capture_output=True)
    return interpreter


@pytest.fixture
def run(python: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the environment's python in its project, without this process's own paths."""
    project = python.parents[2]
    for left in [*project.glob("*.py"), *project.glob("*.ini"), *project.glob("*.toml")]:
        left.unlink()
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}

    def start(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([python, *map(str, arguments)], cwd=project, env=clean, capture_output=True, text=True, timeout=300)

    return start
