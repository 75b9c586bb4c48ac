"""`tieout --help` answers at once: it loads nothing that the commands need."""

import subprocess
import sys

HEAVY = (
    *("numpy", "pandas", "pyarrow", "duckdb", "numba", "sklearn", "scipy", "sqlalchemy", "alembic", "pydantic"),
    *("chromadb", "langchain_core", "langgraph", "openai", "fastapi", "jinja2", "dask", "distributed", "jira"),
)


def loaded_by(words: list[str]) -> set[str]:
    """The top-level modules in memory after a command has answered."""
    code = (
        "import sys\n"
        f"sys.argv = ['tieout', *{words!r}]\n"
        "import cli\n"
        "try:\n    cli.main()\nexcept SystemExit as end:\n    assert end.code == 0, end.code\n"
        "sys.stderr.write('\\n'.join({name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage" in done.stdout
    return set(done.stderr.split())


def test_help_loads_none_of_the_heavy_packages() -> None:
    assert loaded_by(["--help"]) & set(HEAVY) == set()


def test_help_of_a_command_loads_none_of_them_either() -> None:
    by_typer = {"pydantic"}  # it reads the commands' annotations with it
    assert loaded_by(["run", "--help"]) & set(HEAVY) <= by_typer
