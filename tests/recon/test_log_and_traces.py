"""Log lines hold no secret and stay one line; nothing is traced unless TIEOUT_TRACES says so."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from recon.log import set_up
from recon.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SECRET = "s3cret-of-ours"


@pytest.fixture(autouse=True)
def untouched() -> object:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before, level


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_secret_in_a_message_or_a_trace_is_hidden_and_a_record_is_one_line(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up("INFO", form, [SECRET])  # type: ignore[arg-type]
    log = logging.getLogger("tieout.test")
    log.info("calling https://user:%s@jira.example\nsecond line", SECRET)
    try:
        int(f"refused {SECRET}")
    except ValueError:
        log.exception("the door broke")
    said = capsys.readouterr().err
    assert SECRET not in said
    assert said.count("***") == 2
    assert len(said.splitlines()) == 2
    if form == "json":
        first, second = map(json.loads, said.splitlines())
        assert (first["level"], first["where"]) == ("INFO", "tieout.test")
        assert "refused ***" in second["trace"]


def test_the_settings_know_all_their_secrets() -> None:
    said = {"database_url": "a", "openai_api_key": "b", "jira_token": "c", "smtp_url": "d", "webhook_secret": "e"}
    settings = Settings(_env_file=None, **said)  # type: ignore[arg-type]
    assert sorted(settings.secrets()) == ["a", "b", "c", "d", "e"]
    assert not set("abcde") & set(repr(settings).replace("SecretStr", "").split("'"))


RUN = """
import socket, sys, os
class Refused(AssertionError): pass
def refuse(self, address):
    raise Refused(f"connected to {address}")
socket.socket.connect = refuse
socket.socket.connect_ex = refuse
from server import open_desk
from recon.settings import Settings
from recon.tracing import span
desk = open_desk(Settings(_env_file=None, home=sys.argv[1], traces=sys.argv[2]))
with span("a.stage", rows=3):
    from langchain_core.messages import HumanMessage
    desk.model.invoke([HumanMessage("hello")])
from langsmith.utils import tracing_is_enabled
print(any(m.startswith("opentelemetry.exporter") for m in sys.modules), tracing_is_enabled())
desk.db.close()
"""


def traced(home: Path, traces: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-W", "ignore", "-c", RUN, str(home), traces]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, cwd=home)


def test_off_imports_and_connects_nothing_even_where_another_program_traces(tmp_path: Path) -> None:
    ambient = {"LANGSMITH_TRACING": "true", "LANGCHAIN_TRACING_V2": "true", "LANGSMITH_API_KEY": "x"}
    done = traced(tmp_path, "off", **ambient, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False", "False"]


def test_opentelemetry_is_on_when_it_is_asked_for(tmp_path: Path) -> None:
    done = traced(tmp_path, "otel", OTEL_TRACES_EXPORTER="console")
    assert done.returncode == 0, done.stderr
    assert '"name": "a.stage"' in done.stdout
    assert '"rows": 3' in done.stdout
