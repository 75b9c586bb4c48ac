"""The made-up files hold what their truth says, and nothing else that would be news."""

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from evals.scenarios import DemoFiles, demo, planted
from recon.recon_file import load_recon_file
from recon.words import CAUSE_LABELS, PATTERN_LABELS, Cause


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> DemoFiles:
    return demo(tmp_path_factory.mktemp("demo"), seed=7)


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def truth(files: DemoFiles) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(files.truth.read_text())["plants"]
    return found


@pytest.mark.slow
def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(files: DemoFiles, tmp_path: Path) -> None:
    def digest(of: DemoFiles) -> list[str]:
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in (of.gl_current, of.trades_history, of.truth)]

    again, other = demo(tmp_path / "again", seed=7), demo(tmp_path / "other", seed=8)
    assert digest(again) == digest(files)
    assert digest(other) != digest(files)


def test_every_cause_and_pattern_an_operator_knows_is_somewhere_in_the_sample(files: DemoFiles) -> None:
    planted = truth(files)
    causes = {cause for plant in planted for cause in plant["causes"]}
    trades = read(files.trades_current)
    if trades["Comment"].str.contains("factor", case=False).any():
        causes.add("factor_rounding")
    assert causes == set(CAUSE_LABELS)
    patterns = {pattern for plant in planted for pattern in plant["patterns"]}
    assert set(PATTERN_LABELS) - patterns == {"in_line", "recurring"}, "these two are the books' ordinary life"


def test_every_planted_key_stands_once_in_the_current_file_and_breaks_unless_it_drifts(files: DemoFiles) -> None:
    tables = {
        "gl-vs-subledger": read(files.gl_current).set_index(["Company", "Account", "AU", "Currency"]),
        "meridian-vs-anchor": read(files.trades_current).set_index(["Trade ID"]),
    }
    for plant in truth(files):
        table = tables[plant["recon"]]
        for key in plant["keys"]:
            row = table.loc[tuple(key) if len(key) > 1 else key[0]]
            row = row.iloc[0] if isinstance(row, pd.DataFrame) else row
            drifts = plant["patterns"] == ["drift_within_tolerance"]
            assert (row["Match Status"] != "Match") != drifts, plant


def test_differences_and_statuses_agree_with_the_two_sides(files: DemoFiles) -> None:
    for path in (files.gl_current, files.gl_history):
        table = read(path)
        left, right, stated = (
            pd.to_numeric(table[name]).fillna(0) for name in ("GL Balance", "Subledger Balance", "Balance Difference")
        )
        assert ((left - right - stated).abs() < 0.005).all()
        one_sided = (table["GL Balance"] == "") != (table["Subledger Balance"] == "")
        assert ((table["Match Status"] == "Break") == ((stated.abs() > 1) | one_sided)).all()


def test_the_truth_never_leaks_into_the_files(files: DemoFiles) -> None:
    for path in (files.gl_current, files.gl_history, files.trades_current, files.trades_history):
        header = path.read_text().split("\n", 1)[0].lower()
        assert not {"cause", "anomaly", "label", "truth"} & set(header.replace('"', "").split(","))


def test_recon_files_load_and_name_columns_that_exist(files: DemoFiles) -> None:
    for said_path, table_path in ((files.gl_recon, files.gl_current), (files.trades_recon, files.trades_current)):
        said = load_recon_file(said_path)
        header = set(read(table_path).columns)
        named = {*said.columns.key, *said.columns.historical, *said.columns.comment, said.columns.date or ""}
        named |= {side for pair in said.columns.criteria for side in (pair.left, pair.right or pair.left)}
        assert named <= header


def test_comments_are_many_worded_and_none_stands_on_a_match(files: DemoFiles) -> None:
    table = read(files.gl_history)
    assert table.loc[table["Match Status"] == "Match", "Comments"].eq("").all()
    assert table["Comments"].nunique() > 200


def test_currencies_rest_on_their_own_holidays(files: DemoFiles) -> None:
    table = read(files.gl_history)
    on_showa_day = table[table["As Of Date"] == "29/04/2026"]
    assert len(on_showa_day) > 0
    assert (on_showa_day["Currency"] != "JPY").all()


def test_chosen_causes_are_planted_each_on_its_own_accounts() -> None:
    wanted: list[Cause] = [*["scale"] * 5, *["misposting"] * 2, "missing_right"]  # type: ignore[list-item]
    made = planted(wanted, seed=4, today=date(2026, 4, 30))
    assert [plant.causes[0] for plant in made.plants] == wanted
    keys = [key for plant in made.plants for key in plant.keys]
    assert len(set(keys)) == len(keys) == 5 + 4 + 1
    columns = made.current[["Company", "Account", "AU", "Currency"]]
    status = dict(zip(columns.itertuples(index=False, name=None), made.current["Match Status"], strict=True))
    assert {status[key] for key in keys} == {"Break"}
    with pytest.raises(ValueError, match="balances cannot have price"):
        planted(["price"], seed=1, today=date(2026, 4, 30))
