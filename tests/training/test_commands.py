"""The training commands, as a shell calls them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from training.cli import app, main


def test_importing_the_commands_loads_nothing_heavy() -> None:
    code = "import sys, training.cli; print(sorted({'torch', 'sklearn', 'numpy', 'transformers'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_missing_corpus_folder_ends_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAUM_CORPORA", str(tmp_path / "none"))
    monkeypatch.setattr("sys.argv", ["training", "pretrain"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert "MAUM_CORPORA" in capsys.readouterr().err


def test_checking_the_corpus_prints_counts() -> None:
    found = CliRunner().invoke(app, ["corpus", "check"])
    assert found.exit_code == 0
    assert "분노" in found.output


def test_an_unknown_preset_is_named_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(app, ["train", "--preset", "nope"])
    assert "no preset 'nope'" in str(found.exception)
    assert not (tmp_path / "var").exists()


def test_an_unknown_part_is_wrong_use() -> None:
    assert CliRunner().invoke(app, ["evaluate", "models/none", "--part", "all"]).exit_code == 2


@pytest.mark.parametrize("command", ["default", "pretrain", "train", "evaluate"])
def test_without_scikit_learn_one_line_says_what_installs_it(command: str) -> None:
    code = "import sys; sys.modules['sklearn'] = None; from training.cli import main; main()"
    found = subprocess.run([sys.executable, "-c", code, command], capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert found.stderr.count("\n") == 1
    assert ".[train]" in found.stderr
