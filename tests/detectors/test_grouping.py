"""One problem, one case: what a proof ties together is together, whether or not each part is strange by itself."""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from random import Random

from judged_files import TODAY, judged_on

from detectors.grouping import Group, group


def cents(amount: int) -> str:
    return f"{amount / 100:.2f}"


def cases(folder: Path, off: Mapping[str, int], *, noisy: str = "") -> list[Group]:
    """Accounts that always agree, but for `noisy`, which breaks by anything; `off`: today's differences in cents."""
    rng = Random(7)
    names = [f"ACC{n:02d}" for n in range(30)]

    def rows(day: date, today: Mapping[str, int] | None) -> list[list[str]]:
        out = []
        for name in names:
            sent = rng.randint(5_000_000, 90_000_000)
            gap = rng.randint(-3_000_000, 3_000_000) if name == noisy else 0
            gap = gap if today is None else today.get(name, 0)
            out.append([name, day.isoformat(), "W", "A", cents(sent), cents(sent - gap)])
        return out

    past = [row for n in range(40, 0, -1) for row in rows(TODAY - timedelta(days=n), None)]
    return group(judged_on(folder, past, rows(TODAY, off)))


def test_the_other_half_of_a_misposting_is_in_its_case_though_it_is_in_line(tmp_path: Path) -> None:
    found = cases(tmp_path, {"ACC03": 812_345, "ACC11": -812_345}, noisy="ACC11")
    assert [(case.kind, case.cause, len(case.members)) for case in found] == [("anomaly", "misposting", 2)]


def test_a_charge_that_recurs_is_one_case_over_its_keys(tmp_path: Path) -> None:
    found = cases(tmp_path, {"ACC03": 1735, "ACC11": 1735, "ACC20": 1735, "ACC25": 48_211})
    assert sorted((case.cause, len(case.members)) for case in found) == [("fee_or_tax", 3), ("unknown", 1)]
