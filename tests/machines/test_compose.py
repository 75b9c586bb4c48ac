"""compose.yaml says what is so: its commands exist, its variables are settings, its parts know each other."""

import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import yaml

from recon.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def settings() -> set[str]:
    """Every variable that the settings read."""
    found = set()
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        found.add(alias.choices[0] if alias is not None else f"TIEOUT_{name.upper()}")  # type: ignore[union-attr, arg-type]
    return found


def test_it_has_two_servers_one_database_one_vector_store_dask_and_a_proxy() -> None:
    assert set(SERVICES) == {
        "server-1", "server-2", "proxy", "postgres", "chroma", "dask-scheduler", "dask-worker",
    }  # fmt: skip
    assert SERVICES["server-1"] == SERVICES["server-2"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_each_command_exists_in_the_image(name: str) -> None:
    service = SERVICES[name]
    if "build" not in service:
        assert re.fullmatch(r"(caddy|postgres):\d+", service["image"])
        return
    scripts = {e.name for e in entry_points(group="console_scripts")}
    words = service["command"]
    assert words[0] in scripts
    if words[0] == "dask":
        assert words[1] in {e.name for e in entry_points(group="dask_cli")}
    if words[0] == "tieout":
        import typer

        from cli import app

        command = typer.main.get_command(app).commands[words[1]]  # type: ignore[attr-defined]
        known = {option for p in command.params for option in p.opts}
        assert {w for w in words if w.startswith("--")} <= known


def test_each_variable_is_a_setting() -> None:
    for service in SERVICES.values():
        ours = {v for v in service.get("environment", {}) if v.startswith(("TIEOUT_", "OPENAI_"))}
        assert ours <= settings()
    for variable in re.findall(r"\$\{(\w+)", TEXT):
        assert variable in settings() | {"POSTGRES_PASSWORD", "TIEOUT_PORT"}


def test_the_servers_settings_are_accepted_and_no_secret_is_written_down() -> None:
    said = SERVICES["server-1"]["environment"]
    plain = {k.removeprefix("TIEOUT_").lower(): v for k, v in said.items() if "${" not in v}
    made = Settings(_env_file=None, **plain)  # type: ignore[arg-type]
    assert made.auth == "token"
    assert not [v for k, v in said.items() if re.search("PASSWORD|TOKEN|KEY", k) and not v.startswith("${")]
    assert "${POSTGRES_PASSWORD:?" in said["TIEOUT_DATABASE_URL"]


def test_its_parts_know_each_other() -> None:
    for service in SERVICES.values():
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        for volume in service.get("volumes", ()):
            assert volume.split(":")[0] in COMPOSE["volumes"]
    addresses = re.findall(r"(?:@|//)([a-z][a-z0-9-]+)(?::\d+|/)", yaml.safe_dump(SERVICES["server-1"]["environment"]))
    assert set(addresses) == {"postgres", "chroma", "dask-scheduler"}
    upstreams = re.findall(r"([a-z0-9-]+):8321", COMPOSE["configs"]["proxy"]["content"])
    assert upstreams == ["server-1", "server-2"]


def test_the_example_environment_names_every_setting_and_no_other() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE)) == settings()
    assert not re.findall(r"^[A-Z_]+=.+", example, re.MULTILINE)


def test_the_image_installs_from_the_lock_with_hashes() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "--require-hashes -r requirements.lock" in text
    for copied in re.findall(r"^COPY (\S+) ", text, re.MULTILINE):
        assert (ROOT / copied).exists()
    assert re.search(r"^USER tieout$", text, re.MULTILINE)
