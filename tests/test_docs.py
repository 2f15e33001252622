"""What the documents say works: their examples are run, and their lists are compared with the code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bot.config import Settings, load

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def _blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def test_the_plugin_of_the_documentation_installs_and_answers(tmp_path: Path) -> None:
    package, site = tmp_path / "package", tmp_path / "site"
    package.mkdir()
    project, used = _blocks("docs/plugins.md", "toml")
    plugin, conformance = _blocks("docs/plugins.md", "python")
    (package / "pyproject.toml").write_text(project, encoding="utf-8")
    (package / "maum_shout.py").write_text(plugin, encoding="utf-8")
    assert len(plugin.strip().splitlines()) <= 30
    install = [
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--target",
        site,
        package,
    ]
    subprocess.run([sys.executable, "-m", *map(str, install)], check=True, capture_output=True, timeout=100)
    (tmp_path / "config.toml").write_text(used + '[classifier]\nuse = "tests.house:WordClassifier"\n', encoding="utf-8")
    (tmp_path / "test_shout.py").write_text(conformance, encoding="utf-8")
    environ = os.environ | {"PYTHONPATH": f"{site}:{ROOT}", "MAUM_CONSENT__DEFAULT": "trusted"}
    maum = Path(sys.executable).parent / "maum"
    talk = subprocess.run(
        [maum, "chat", "--config", tmp_path / "config.toml"],
        input="so good, 좋아\n/quit\n",
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "SO GOOD, 좋아! SO GOOD, 좋아! (기쁨)" in talk.stdout, talk.stderr
    options = ["-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "--rootdir", tmp_path, tmp_path / "test_shout.py"]
    suite = subprocess.run(
        [sys.executable, "-m", "pytest", *map(str, options)], env=environ, capture_output=True, text=True, timeout=100
    )
    assert suite.returncode == 0, suite.stdout


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_link_in_a_document_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_configuration_in_a_document_loads(document: Path, tmp_path: Path) -> None:
    for block in _blocks(str(document.relative_to(ROOT)), "toml"):
        if set(tomllib.loads(block)) <= set(Settings.model_fields):
            (tmp_path / "config.toml").write_text(block, encoding="utf-8")
            load(tmp_path / "config.toml", {})


def test_every_make_word_in_a_document_exists() -> None:
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    for document in DOCUMENTS:
        for word in re.findall(r"\bmake ([a-z][a-z-]+)", document.read_text(encoding="utf-8")):
            assert word in known, f"{document.name}: make {word}"


def test_every_maum_command_in_a_document_exists() -> None:
    maum = Path(sys.executable).parent / "maum"
    text = subprocess.run([maum, "--help"], capture_output=True, text=True, check=True, timeout=60).stdout
    for document in DOCUMENTS:
        for word in re.findall(r"[`^]maum ([a-z]+)", document.read_text(encoding="utf-8")):
            assert re.search(rf"\b{word}\b", text), f"{document.name}: maum {word}"


def test_the_readme_names_every_folder_and_file_of_the_top_level() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    for name in {line.split("/")[0] for line in listed.splitlines()} - {".gitignore", ".ci"}:
        assert name in text, name


def test_every_metric_is_explained_to_operators() -> None:
    from prometheus_client.metrics import MetricWrapperBase

    from bot import metrics

    text = (ROOT / "docs/operators.md").read_text(encoding="utf-8")
    found = [one for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)]
    assert len(found) > 20
    for metric in found:
        (described,) = metric.describe()
        assert re.search(rf"`{described.name}(_total)?`", text), described.name
