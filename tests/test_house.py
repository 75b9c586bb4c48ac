"""The house keeps its own rules: names are ours, arrows point down, and no import does work."""

import ast
import functools
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ["recon", "detectors", "memory", "tools", "agents", "web", "evals"]


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@functools.cache
def imported(path: Path) -> set[str]:
    """The top-level names that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("name", [*FLOORS, "server", "cli"])
def test_each_top_level_name_is_this_project(name: str) -> None:
    assert set(importlib.metadata.packages_distributions()[name]) == {"tieout"}


@pytest.mark.parametrize("folder", FLOORS)
def test_nothing_below_the_doors_imports_them(folder: str) -> None:
    reaching_up = [str(p) for p in modules(folder) if imported(p) & {"server", "cli"} and folder != "evals"]
    assert not reaching_up


def test_only_the_agents_know_langgraph() -> None:
    others = [p for folder in FLOORS if folder != "agents" for p in modules(folder)]
    assert not [str(p) for p in others if "langgraph" in imported(p)]


def test_the_detectors_know_no_storage_no_model_and_no_web() -> None:
    foreign = {"sqlalchemy", "chromadb", "fastapi", "jira", "openai", "langchain_core", "langchain_openai", "httpx"}
    assert not [str(p) for p in [*modules("detectors"), *modules("recon")] if imported(p) & foreign]


def test_only_the_executor_knocks_at_the_doors() -> None:
    """Other agents may know a door's nouns (tools.actions.door), never an adapter."""
    adapters = {p.stem for p in modules("tools/actions")} - {"__init__", "door"}
    knocking = []
    for path in [*modules("agents"), *modules("web"), *modules("tools")]:
        if path.parent.name == "actions" or path.name == "executor.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module in {f"tools.actions.{name}" for name in adapters}:
                knocking.append(f"{path.name}: {node.module}")
    assert not knocking


def test_help_needs_none_of_the_heavy_packages() -> None:
    code = "import sys, cli; print(sorted(m for m in sys.modules if m in set(sys.argv[1:])))"
    heavy = ["langgraph", "chromadb", "pandas", "numba", "numpy", "sklearn", "fastapi", "sqlalchemy", "duckdb"]
    out = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.strip() == "[]"


def test_the_lock_names_no_host() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        assert "://" not in lock.read_text(encoding="utf-8")
