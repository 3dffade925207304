"""The generated reference pages are current."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_what_the_code_and_the_catalogue_say(capsys):
    assert generator().main(check=True) == 0, capsys.readouterr().err


def test_a_stale_page_is_named(tmp_path, monkeypatch, capsys):
    module = generator()
    (tmp_path / "options.md").write_text(module.options() + "more")
    (tmp_path / "requirements.md").write_text(module.requirements())
    monkeypatch.setattr(module, "REFERENCE", tmp_path)
    assert module.main(check=True) == 1
    assert capsys.readouterr().err == "docs/reference/options.md is not current: run python docs/generate.py\n"
