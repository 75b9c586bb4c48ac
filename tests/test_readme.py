"""The README and docs/ say what is so: graph, recon files, commands, code, links, and a test behind each promise."""

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
import yaml
from two_sides import panel

from agents.graph import draw_mermaid
from cli import app
from detectors.mechanisms.proving import prove_with
from recon.recon_file import parse_recon_file
from recon.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)


def test_the_picture_is_the_graph() -> None:
    assert blocks("mermaid") == [draw_mermaid().strip() + "\n"]


def test_the_recon_file_is_one() -> None:
    (text,) = blocks("yaml")
    assert parse_recon_file(yaml.safe_load(text), "README").name == "gl-vs-ihub"


PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
by_page = pytest.mark.parametrize("page", PAGES, ids=[p.name for p in PAGES])


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@by_page
def test_every_command_exists(page: Path) -> None:
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    named = {word for words in re.findall(r"tieout ([a-z|-]+)", text_of(page)) for word in words.split("|")}
    assert named - {"audit"} <= known


def lines_of_shell(page: Path) -> list[list[str]]:
    """Every `tieout` line of the page's shell blocks as words; `a|b X` stands for two lines."""
    found = []
    for block in re.findall(r"```sh\n(.*?)```", text_of(page), re.DOTALL):
        for line in re.findall(r"^tieout (.+)$", block, re.MULTILINE):
            words = shlex.split(line, comments=True)
            found += [[name, *words[1:]] for name in words[0].split("|")]
    return found


@by_page
def test_every_line_of_shell_is_understood(page: Path) -> None:
    for words in lines_of_shell(page):
        command: Any = typer.main.get_command(app)
        context = command.make_context("tieout", words.copy())
        name, command, rest = command.resolve_command(context, words.copy())
        with command.make_context(name, rest, parent=context) as parsed:
            assert parsed.params, words


def test_the_shell_of_the_page_is_looked_at() -> None:
    assert len(lines_of_shell(ROOT / "README.md")) > 20


def test_every_target_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)", README.replace("make `.venv`", ""))) & {"demo", "test", "check"} <= targets


@by_page
def test_every_linked_file_is_there(page: Path) -> None:
    for target in re.findall(r"\]\((?!#)([^)]+)\)", text_of(page)):
        assert (page.parent / target).is_file(), target


@by_page
def test_every_variable_is_a_setting(page: Path) -> None:
    known = {f"TIEOUT_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"TIEOUT_[A-Z_]+", text_of(page))) <= known


@by_page
def test_every_block_of_code_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in re.findall(r"```python\n(.*?)```", text_of(page), re.DOTALL):
        exec(compile(block, page.name, "exec"), {"__name__": "a_page"})
    for block in re.findall(r"```yaml\n(.*?)```", text_of(page), re.DOTALL):
        assert parse_recon_file(yaml.safe_load(block), page.name).name


def test_the_mechanism_of_the_page_proves_what_it_says() -> None:
    text = text_of(ROOT / "docs" / "extending.md")
    block = next(b for b in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "def find" in b)
    page: dict[str, Any] = {"__name__": "a_page"}
    exec(compile(block, "extending.md", "exec"), page)
    built = panel([("a", "2024-05-31", 156955.32, 52318.44), ("b", "2024-05-31", 156955.33, 52318.44)])
    rows = [np.flatnonzero(built.current & built.is_break).astype(np.int64)]
    names = {"left_name": "GL", "right_name": "IHub", "currency_column": None, "rates": {}, "calendar": None}
    (found,) = prove_with((page["find"],), [built], rows, **names)
    proofs = [proof for of_row in found.values() for proof in of_row]
    assert [proof.mechanism for proof in proofs] == ["a_month_as_a_quarter"]
    assert proofs[0].statement == "156,955.32 is three times 52,318.44."


def test_each_promise_of_the_security_page_has_its_test() -> None:
    promised = re.findall(r"`(tests/\S+\.py)::(test_\w+)`", text_of(ROOT / "docs" / "security.md"))
    assert len(promised) > 20
    for file, name in promised:
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{name}"
