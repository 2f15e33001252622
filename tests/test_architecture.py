"""Who may import whom. The folders show the architecture; this keeps them telling the truth."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for folder in ("bot", "plugins", "storage", "training") for path in (ROOT / folder).rglob("*.py"))

#: package → the only places that may import it
ONLY_IN = {
    "discord": ("plugins/platforms/discord/",),
    "telegram": ("plugins/platforms/telegram/",),
    "nicegui": ("plugins/platforms/web/",),
    "fastapi": ("plugins/platforms/web/",),
    "uvicorn": ("plugins/platforms/web/",),
    "openai": ("plugins/repliers/openai.py", "training/reasoning.py"),
    "kiwipiepy": ("plugins/repliers/",),
    "torch": ("plugins/classifiers/", "plugins/repliers/causal_lm.py", "training/"),
    "transformers": ("plugins/classifiers/", "plugins/repliers/causal_lm.py", "training/"),
    "sqlalchemy": ("storage/",),
    "alembic": ("storage/",),
    "cryptography": ("storage/keys.py",),
}
#: layer → what of ours it may not import
NEVER = {
    "bot": ("plugins", "training"),
    "storage": ("plugins", "training", "bot.delivery", "bot.core", "bot.app", "bot.desk", "bot.__main__"),
    "plugins": ("training",),
    "training": ("bot.delivery", "bot.app", "bot.desk", "bot.__main__", "storage"),
}


def _imports(path: Path) -> list[tuple[str, int]]:
    """Modules imported anywhere in a file, with the nesting depth of the import (0: at import time)."""
    found: list[tuple[str, int]] = []

    def visit(node: ast.AST, depth: int) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                found.extend((alias.name, depth) for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module:
                found.append((child.module, depth))
                found.extend((f"{child.module}.{alias.name}", depth) for alias in child.names)
            inner = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) or _is_type_checking(child)
            visit(child, depth + inner)

    visit(ast.parse(path.read_text(encoding="utf-8")), 0)
    return found


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _is(module: str, name: str) -> bool:
    return module == name or module.startswith(name + ".")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_what_its_place_allows(path: Path) -> None:
    place = str(path.relative_to(ROOT))
    for module, _ in _imports(path):
        for package, places in ONLY_IN.items():
            assert not _is(module, package) or place.startswith(places), f"{place} imports {module}"
        for name in NEVER[place.split("/")[0]]:
            assert not _is(module, name), f"{place} imports {module}"


@pytest.mark.parametrize("heavy", ["torch", "transformers", "kiwipiepy", "openai", "nicegui"])
def test_a_heavy_library_is_never_imported_by_importing_a_plugin(heavy: str) -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for group in config["project"]["entry-points"].values():
        for target in group.values():
            module = ROOT / (target.partition(":")[0].replace(".", "/") + ".py")
            if module.exists() and not target.startswith("training"):
                assert not [m for m, depth in _imports(module) if _is(m, heavy) and depth == 0], (
                    f"{module} imports {heavy}"
                )


def test_the_vocabulary_imports_nothing_of_ours() -> None:
    ours = ("bot", "plugins", "storage", "training")
    assert [module for module, _ in _imports(ROOT / "bot/types.py") if module.split(".")[0] in ours] == []


def test_core_knows_no_storage_and_no_delivery() -> None:
    for name in ("core.py", "empathy.py", "prompt.py", "fallback.py", "emotions.py", "gate.py", "budget.py"):
        modules = [module for module, _ in _imports(ROOT / "bot" / name)]
        assert not [m for m in modules if _is(m, "storage") or _is(m, "bot.delivery") or _is(m, "bot.desk")], name


def test_only_the_composition_root_builds_the_house() -> None:
    builders = [path for path in SOURCES if "Delivery(" in path.read_text(encoding="utf-8") and path.parts[-2] == "bot"]
    assert [path.name for path in builders if "class Delivery" not in path.read_text(encoding="utf-8")] == [
        "__main__.py"
    ]


def test_every_entry_point_leads_to_a_class_or_command_that_is_there() -> None:
    from importlib import import_module

    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for group in config["project"]["entry-points"].values():
        for target in group.values():
            module, _, attribute = target.partition(":")
            assert hasattr(import_module(module), attribute), target
