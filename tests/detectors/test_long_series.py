"""One long series: windows, seasons and tails against plain twins, and what the judge makes of one column."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panel_builder import CALENDAR, panel_of

from detectors.judge import judge
from detectors.judgement import Judgement
from detectors.long_series import QUESTIONS, questions, strangeness
from detectors.own_tail import LEAST, surprises
from detectors.seasons import looks, period_of
from detectors.windows import moments, nearest_earlier, newest_of, unlike_any_earlier

settings.register_profile("compiled", deadline=None)
settings.load_profile("compiled")

few_values = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=40)


def windows(x: np.ndarray, width: int) -> dict[int, np.ndarray]:
    return {t: x[t - width + 1 : t + 1] for t in range(width - 1, len(x))}


def naive_nearest(x: np.ndarray, width: int, reach: int, shaped: bool) -> list[set[float]]:
    """For each row what the nearest earlier window allows, one value for each of several that are as near."""

    def of(w: np.ndarray) -> np.ndarray:
        if not shaped:
            return w
        return (w - w.mean()) / w.std() if w.std() > 1e-9 else np.zeros(width)

    def apart(a: np.ndarray, b: np.ndarray) -> float:
        if shaped and (a.any() != b.any()):
            return math.sqrt(2 * width)
        return float(np.linalg.norm(a - b))

    def newest(a: np.ndarray, b: np.ndarray) -> float:
        few = newest_of(width)
        if shaped and not (a.any() and b.any()):
            return math.inf
        return math.sqrt(width / few) * float(np.linalg.norm(a[-few:] - b[-few:]))

    all_of = {t: of(w) for t, w in windows(x, width).items()}
    told = []
    for t in range(len(x)):
        earlier = [all_of[u] for u in all_of if t in all_of and width <= t - u <= reach]
        least = min((apart(all_of[t], one) for one in earlier), default=0.0)
        told.append(
            {min(least, newest(all_of[t], one)) for one in earlier if apart(all_of[t], one) < least + 1e-6}
            or {math.nan}
        )
    return told


def is_one_of(found: np.ndarray, allowed: list[set[float]]) -> bool:
    return all(
        any(f == pytest.approx(a, abs=1e-5, nan_ok=True) for a in of) for f, of in zip(found, allowed, strict=True)
    )


@settings(max_examples=60)
@given(few_values, st.integers(1, 6), st.integers(1, 30))
def test_the_nearest_earlier_window_is_found(values: list[float], width: int, reach: int) -> None:
    x = np.array(values)
    assert is_one_of(nearest_earlier(x, width, reach), naive_nearest(x, width, reach, shaped=False))


@settings(max_examples=60)
@given(few_values, st.integers(3, 6), st.integers(1, 30))
def test_the_most_alike_earlier_shape_is_found(values: list[float], width: int, reach: int) -> None:
    x = np.array(values)
    assert is_one_of(unlike_any_earlier(x, width, reach), naive_nearest(x, width, reach, shaped=True))


def test_a_window_says_nothing_of_what_ended_in_it() -> None:
    rng = np.random.default_rng(2)
    x = np.tile(3 * rng.normal(size=60), 10) + 0.05 * rng.normal(size=600)
    x[500:510] += 1.0
    far = nearest_earlier(x, 32, 600)
    usual = far[300:500].max()
    assert far[509] > 3 * usual
    assert far[518:].max() < 1.5 * usual


@given(few_values, st.integers(1, 9))
def test_moments_are_those_of_the_last_rows(values: list[float], width: int) -> None:
    x = np.array(values)
    mean, deviation = moments(x, width)
    for t in range(len(x)):
        last = x[max(0, t - width + 1) : t + 1]
        assert (mean[t], deviation[t]) == pytest.approx((last.mean(), last.std()), abs=1e-9)


@pytest.mark.parametrize("period", [12, 24, 77])
def test_a_period_under_noise_and_a_trend_is_found(period: int) -> None:
    rng = np.random.default_rng(period)
    t = np.arange(1_200)
    x = 5 * np.sin(2 * np.pi * t / period) + 0.01 * t + rng.normal(size=len(t))
    assert abs(period_of(x) - period) <= 1


def test_noise_on_a_slow_wave_is_no_period_of_its_own() -> None:
    rng = np.random.default_rng(5)
    x = 5 * np.sin(2 * np.pi * np.arange(2_000) / 288) + rng.normal(size=2_000)
    assert abs(period_of(x) - 288) <= 2


@pytest.mark.parametrize("seed", range(4))
def test_counts_that_hang_together_for_minutes_have_a_day_and_no_period_of_minutes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.poisson(np.exp(1.0 + 0.8 * np.sin(2 * np.pi * np.arange(2_400) / 288))).astype(np.float64)
    assert abs(period_of(x) - 288) <= 12


def test_of_days_in_weeks_the_period_is_the_week() -> None:
    rng = np.random.default_rng(6)
    t = np.arange(24 * 7 * 6)
    x = (8 + 5 * np.sin(2 * np.pi * t / 24)) * np.where(t // 24 % 7 >= 5, 0.5, 1.0) + 0.3 * rng.normal(size=len(t))
    assert period_of(x) == 168


def test_a_busy_hour_may_vary_more_than_a_still_one() -> None:
    rng = np.random.default_rng(7)
    busy = np.arange(2_000) % 100 < 50
    x = rng.normal(size=2_000) * np.where(busy, 10.0, 0.5) + np.where(busy, 50.0, 0.0)
    x[1_875] += 8.0
    rest = np.abs(list(looks(x))[-1].rest)
    assert x[1_875] < 10
    assert rest[1_875] > np.nanmax(np.delete(rest, 1_875))


def test_a_lost_row_does_not_shift_the_season() -> None:
    x = daily(3)
    x[1_900] += 12
    lost = np.random.default_rng(9).choice(np.arange(300, 1_890), 60, replace=False)
    keep = np.delete(np.arange(len(x)), lost)
    whole, gaps = five_minutes(x, len(x)), five_minutes(x[keep], len(keep), keep)
    assert np.argmax(whole.score) == 1_900
    assert keep[np.argmax(gaps.score)] == 1_900
    assert gaps.score.max() > 0.9 * whole.score.max()


def test_what_goes_on_is_held_against_what_was_before_it() -> None:
    values = np.append(np.random.default_rng(8).exponential(size=1_000), np.full(100, 60.0))
    at_once, later = surprises(values), surprises(values, 128)
    assert at_once[-1] < 4 < 8 < later[-1]
    assert np.ptp(later[1_000:]) < 0.5


def test_what_is_left_without_the_season_looks_back_only() -> None:
    rng = np.random.default_rng(3)
    x = np.sin(np.arange(900) / 5) + 0.1 * rng.normal(size=900)
    changed = np.append(x[:600], rng.normal(size=300) * 50)
    for one, other in zip(list(looks(x))[:2], list(looks(changed))[:2], strict=True):
        assert one.period == other.period
        assert np.array_equal(one.rest, other.rest, equal_nan=True)


def test_when_the_period_is_found_the_rows_before_are_seen_without_it_too() -> None:
    x = 9 * np.sin(np.arange(1_200) * 2 * np.pi / 50)
    unknown, found, *_ = looks(x)
    assert (unknown.period, found.period) == (0, 50)
    assert np.abs(unknown.rest[200:]).max() > 5
    assert np.abs(found.rest[200:300]).max() < 1e-9


def test_the_share_of_earlier_values_and_beyond_them_a_larger_value_is_stranger() -> None:
    rng = np.random.default_rng(4)
    past = rng.exponential(size=2_000)
    for value in (0.1, 0.5, 1.0, 2.0):
        plain = (past >= value).mean()
        assert math.exp(-surprises(np.append(past, value))[-1]) == pytest.approx(plain ** (2_000 / 2_200), rel=0.2)
    beyond = [surprises(np.append(past, value))[-1] for value in (10.0, 20.0, 1e3, 1e6)]
    assert (np.diff(beyond) > 0).all()


def test_before_a_hundred_values_there_is_no_answer() -> None:
    assert not surprises(np.arange(1.0, LEAST + 1.0)).any()
    assert surprises(np.append(np.ones(LEAST), 50.0))[-1] > 2


def five_minutes(x: np.ndarray, now: int, at: np.ndarray | None = None) -> Judgement:
    """The judgement of values five minutes apart, or at these multiples of five minutes."""
    stamps = 19_000 * 86_400_000_000 + (np.arange(len(x)) if at is None else at) * 300_000_000
    panel = panel_of([list(x)], now=now, tolerance=0, days=stamps // 86_400_000_000, stamps=stamps, two_sided=False)
    return judge(panel, calendar=CALENDAR)


def daily(seed: int, n: int = 2_400) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.asarray(50 + 20 * np.sin(2 * np.pi * np.arange(n) / 288) + rng.normal(size=n))


def hits(judged: Judgement, begin: int, end: int) -> bool:
    """Whether the strangest row lies in the anomaly or within a window after it."""
    return begin <= int(np.argmax(judged.score)) <= end + 64


@pytest.mark.parametrize("kind", ["spike", "flat", "shift", "noise", "upside_down"])
def test_the_strangest_row_of_a_day_lies_in_what_was_planted(kind: str) -> None:
    rng = np.random.default_rng(8)
    x = daily(7)
    begin, end = 1_900, 1_980
    match kind:
        case "spike":
            end = begin + 1
            x[begin] += 25
        case "flat":
            x[begin:end] = x[begin]
        case "shift":
            x[begin:end] += 45
        case "noise":
            x[begin:end] += rng.normal(0, 8, end - begin)
        case _:
            x[begin:end] = 100 - x[begin:end]
    assert hits(five_minutes(x, len(x)), begin, end)


def test_a_long_quiet_series_has_no_alarm_in_the_median() -> None:
    alarms = [int((five_minutes(daily(seed), 1_200).anomaly == 1).sum()) for seed in range(7)]
    assert np.median(alarms) == 0


def test_no_row_of_a_long_series_sees_a_later_one() -> None:
    x = daily(9)
    other = x.copy()
    other[1_500:] = np.random.default_rng(1).normal(size=900) * 1e4
    one, two = five_minutes(x, len(x)), five_minutes(other, len(x))
    assert np.array_equal(one.score[:1_500], two.score[:1_500])
    assert not np.array_equal(one.score[1_500:], two.score[1_500:])


def test_one_accident_does_not_silence_the_next() -> None:
    rng = np.random.default_rng(12)
    x = daily(11, 4_000)
    x[1_800:1_812] += 8
    x[2_600] += 10
    x[3_700:3_720] += rng.normal(0, 5, 20)
    called = five_minutes(x, len(x)).anomaly == 1
    assert called[1_800:1_812].any()
    assert called[2_600]
    assert called[3_700:3_720].any()


def test_what_comes_once_a_day_for_one_row_has_a_day() -> None:
    rng = np.random.default_rng(3)
    x = rng.gamma(2.0, 0.1, 2_400)
    x[100::288] += 40.0
    assert period_of(x) == 288


def test_what_comes_once_a_day_is_no_news_and_what_comes_besides_is() -> None:
    rng = np.random.default_rng(5)
    x = rng.gamma(2.0, 0.1, 3_000)
    x[100::288] += 40.0
    x[2_500] += 40.0
    strange = strangeness(questions(x))
    usual = strange[100 + 288 * 5 :: 288]
    assert strange.argmax() == 2_500
    assert usual.max() < 0.7 * strange[2_500]


def test_a_trend_does_not_hide_what_goes_against_it() -> None:
    """Held against five weeks, a row of a falling series is always below; one above by as much is far all the same."""
    rng = np.random.default_rng(7)
    t = np.arange(1_500)
    x = 500.0 - 0.3 * t + 60.0 * np.sin(2 * np.pi * t / 24) + rng.normal(0.0, 3.0, len(t))
    wide = 0.3 * 24 * 3
    x[1_300] += wide
    season = questions(x)[QUESTIONS.index("season")]
    assert season[1_300] == season[600:].max()


def test_the_way_back_from_what_went_on_for_hours_is_no_stranger_than_it_was() -> None:
    rng = np.random.default_rng(9)
    x = rng.normal(0.0, 1.0, 2_000)
    x[1_500:1_620] -= 12.0
    season = questions(x)[QUESTIONS.index("season")]
    assert np.median(season[1_500:1_550]) > 5.0
    assert np.median(season[1_620:1_670]) < 2.0
