"""The README says what is so: its graph is the graph, its recon file is one, its commands exist."""

import re
from pathlib import Path

import typer
import yaml

from agents.graph import draw_mermaid
from cli import app
from recon.recon_file import parse_recon_file

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)


def test_the_picture_is_the_graph() -> None:
    assert blocks("mermaid") == [draw_mermaid().strip() + "\n"]


def test_the_recon_file_is_one() -> None:
    (text,) = blocks("yaml")
    assert parse_recon_file(yaml.safe_load(text), "README").name == "gl-vs-ihub"


def test_every_command_exists() -> None:
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    named = {word for words in re.findall(r"tieout ([a-z|]+)", README) for word in words.split("|")}
    assert named - {"audit"} <= known


def test_every_target_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)", README.replace("make `.venv`", ""))) & {"demo", "test", "check"} <= targets


def test_every_linked_file_is_there() -> None:
    for target in re.findall(r"\]\((?!#)([^)]+)\)", README):
        assert (ROOT / target).is_file(), target
