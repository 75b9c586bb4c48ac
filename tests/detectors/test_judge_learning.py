"""What a tag does, how far it reaches, and when it ends."""

from dataclasses import fields, replace
from datetime import date

import numpy as np
from panel_builder import CALENDAR, panel_of

from detectors import taste
from detectors.calling import combine
from detectors.judge import judge
from detectors.judgement import Judgement
from detectors.learning import FAVOUR, Lessons
from detectors.lessons import PATTERNS, Lesson, lesson_of, seen_of, worth_looking
from detectors.preview import Known, preview
from detectors.reasons import reason
from detectors.showing import to_show
from recon.panel import Panel

MAY = date(2026, 5, 12)


def spiky(height: float = 50.0, keys: int = 6) -> Panel:
    rng = np.random.default_rng(8)
    loud = [[*rng.normal(0, 1, 40), height + i] for i in range(keys)]
    quiet = [list(rng.normal(0, 1, 41)) for _ in range(60)]
    return panel_of([*loud, *quiet], tolerance=0.01)


def ask(panel: Panel, lessons: Lessons | None = None) -> Judgement:
    return judge(panel, calendar=CALENDAR, target_fdr=0.1, budget=None, lessons=lessons)


def false_positive(judged: Judgement, i: int, **said: object) -> Lesson:
    features = {"pattern": PATTERNS[judged.pattern[i]], "pair": "Balance", "scores": [float(judged.score[i])]}
    lesson = lesson_of(f"F{i}", "false_positive", features | {"key": {"key": str(i)}}, MAY)
    return replace(lesson, **said)  # type: ignore[arg-type]


def test_a_tag_without_a_scope_speaks_for_its_own_key() -> None:
    before = ask(spiky())
    after = ask(spiky(), Lessons.of([false_positive(before, 0)], MAY))
    assert before.anomaly[:6].tolist() == [1] * 6
    assert after.anomaly[:6].tolist() == [0, 1, 1, 1, 1, 1]
    assert np.array_equal(before.pvalue, after.pvalue)
    assert after.score[0] < before.score[0]


def test_a_tag_does_not_bury_one_that_grows() -> None:
    tag = false_positive(ask(spiky(50)), 0)
    assert ask(spiky(1e7), Lessons.of([tag], MAY)).anomaly[0] == 1


def test_a_tag_expires_and_is_not_known_before_it_was_said() -> None:
    judged = ask(spiky())
    tag = false_positive(judged, 0, expires_on=date(2026, 6, 1))
    assert ask(spiky(), Lessons.of([tag], date(2026, 5, 31))).anomaly[0] == 0
    assert ask(spiky(), Lessons.of([tag], date(2026, 6, 1))).anomaly[0] == 1
    assert ask(spiky(), Lessons.of([tag], date(2026, 5, 11))).anomaly[0] == 1


def test_a_later_true_takes_a_false_positive_back() -> None:
    tag = false_positive(ask(spiky()), 0)
    later = replace(tag, id="F9", verdict="true", said_on=date(2026, 5, 13))
    assert ask(spiky(), Lessons.of([tag, later], date(2026, 5, 14))).anomaly[0] == 1


def test_many_tags_of_one_pattern_teach_the_pattern() -> None:
    judged = ask(spiky(keys=14))
    tags = [false_positive(judged, i) for i in range(10)]
    after = ask(spiky(keys=14), Lessons.of(tags, MAY))
    assert after.anomaly[:14].sum() <= 2


def missed(judged: Judgement, amount: float | None = None) -> Lesson:
    features = {"key": {"key": "0"}, "scores": [float(judged.score[0])], "amounts": [amount]}
    return lesson_of("F1", "missed", features, MAY)


def test_a_missed_one_is_raised_the_next_time_and_says_why() -> None:
    panel = spiky(height=2.2, keys=1)
    judged = ask(panel)
    assert judged.anomaly[0] == 0
    lessons = Lessons.of([missed(judged, amount=2.2)], MAY)
    after = ask(panel, lessons)
    assert after.anomaly.sum() == after.anomaly[0] == 1
    assert "you said on 12 May 2026 that one like it was missed" in reason(panel, after, 0, lessons)


def test_a_missed_one_does_not_raise_a_smaller_and_usual_one() -> None:
    lesson = missed(ask(spiky(height=2.2, keys=1)), amount=2.2)
    assert ask(spiky(height=0.5, keys=1), Lessons.of([lesson], MAY)).anomaly.sum() == 0


def test_a_larger_one_comes_back_though_its_score_did_not_grow_and_says_why() -> None:
    judged = ask(spiky(50))
    tag = false_positive(judged, 0, amount=50.0, surprise=1e6)
    lessons = Lessons.of([tag], MAY)
    assert ask(spiky(70), lessons).anomaly[0] == 0
    grown = ask(spiky(80), lessons)
    assert grown.anomaly[0] == 1
    assert "you called it false on 12 May 2026 at 50.00; it has grown beyond that, so it is back" in reason(
        spiky(80), grown, 0, lessons
    )


def test_a_confirmed_one_is_called_sooner_and_says_why() -> None:
    rng = np.random.default_rng(3)
    panel = panel_of([[*rng.normal(0, 1, 60), 3.6], *(list(rng.normal(0, 1, 61)) for _ in range(40))], tolerance=0.01)
    judged = ask(panel)
    assert judged.anomaly[0] == 0
    limit = judged.pvalue[0] * len(judged.rows) / 0.1
    assert 1.0 < limit < FAVOUR, "the case is near the limit, else it shows nothing"
    lessons = Lessons.of([lesson_of("F1", "true", {"key": {"key": "0"}, "scores": [0.5]}, MAY)], MAY)
    after = ask(panel, lessons)
    assert after.anomaly[0] == 1
    assert "you confirmed one like it on 12 May 2026" in reason(panel, after, 0, lessons)


def test_what_is_confirmed_counts_for_more_over_the_whole_run_however_it_is_cut() -> None:
    judged = ask(spiky(height=2.9, keys=1))
    weight = np.ones(len(judged.rows))
    weight[:20] = FAVOUR
    whole = replace(judged, numbers=judged.numbers | {"weight": weight})
    parts = [taken(whole, slice(0, 30)), taken(whole, slice(30, None))]
    (one,), cut = combine([whole]), combine(parts)
    assert np.array_equal(one.anomaly, np.concatenate([part.anomaly for part in cut]))
    assert {part.threshold for part in cut} == {one.threshold}


def taken(judged: Judgement, part: slice) -> Judgement:
    """Some of a judgement's rows."""
    arrays = {f.name: getattr(judged, f.name) for f in fields(judged)}
    cut = {name: value[part] for name, value in arrays.items() if isinstance(value, np.ndarray)}
    names = {name: {k: v[part] for k, v in arrays[name].items()} for name in ("views", "numbers")}
    return replace(judged, **cut, **names)  # type: ignore[arg-type]


def test_a_correction_to_in_line_is_quiet() -> None:
    judged = ask(spiky())
    tag = false_positive(judged, 0, verdict="corrected", corrected="in_line")
    assert ask(spiky(), Lessons.of([tag], MAY)).anomaly[:2].tolist() == [0, 1]


def test_a_tag_changes_nothing_outside_its_neighbourhood() -> None:
    """Fewer discoveries would tighten the limit for all others: quieting comes after it is found."""
    panel = spiky(keys=14)
    judged = ask(panel)
    after = ask(panel, Lessons.of([replace(false_positive(judged, i), columns={}) for i in range(5)], MAY))
    assert after.threshold == judged.threshold
    assert np.array_equal(after.anomaly[5:], judged.anomaly[5:])
    assert np.array_equal(after.pvalue, judged.pvalue)


def known(panel: Panel, judged: Judgement, confirmed: int) -> Known:
    at = worth_looking(panel, judged)
    nothing = np.full(len(at), "unknown", object)
    return Known(seen_of(panel, judged, at), nothing, judged.anomaly[at] == 1, at == confirmed)


def test_the_preview_says_what_the_run_then_does() -> None:
    panel = spiky()
    judged = ask(panel)
    tag = false_positive(judged, 2)
    said = preview(Lessons.of([], MAY), tag, MAY, [known(panel, judged, 2)])
    after = ask(panel, Lessons.of([tag], MAY))
    assert said.quieted == int((judged.anomaly == 1).sum() - (after.anomaly == 1).sum()) == 1
    assert said.quieted_confirmed == 1
    assert said.raised == 0
    assert len(said.rows) == 1


def test_the_preview_of_a_true_says_what_it_brings_back() -> None:
    panel = spiky()
    judged = ask(panel)
    tag = false_positive(judged, 2)
    later = replace(tag, id="F9", verdict="true", said_on=date(2026, 5, 13))
    said = preview(Lessons.of([tag], date(2026, 5, 14)), later, date(2026, 5, 14), [known(panel, judged, 2)])
    assert (said.quieted, said.raised) == (0, 1)


def test_a_quiet_row_says_who_made_it_quiet() -> None:
    panel = spiky()
    lessons = Lessons.of([false_positive(ask(panel), 0)], MAY)
    assert "since you said so on 12 May 2026, 1 like it is quiet" in reason(panel, ask(panel, lessons), 0, lessons)


def test_what_is_asked_is_of_every_pattern_and_of_all_strengths_the_strangest_first() -> None:
    kind, surprise = np.repeat([0, 1], [20, 10]), np.random.default_rng(1).exponential(9.0, 30)
    shown = to_show(kind, surprise, 8)
    assert shown[0] == surprise[:20].argmax()
    assert set(kind[shown[:3]]) == {0, 1}
    assert len(set(shown.tolist())) == 8
    asked = surprise[shown[kind[shown] == 0]]
    assert (asked < np.median(surprise[:20])).any(), "ten of the strangest teach as little as one"


def test_what_tags_have_in_common_changes_what_is_asked_next() -> None:
    judged = ask(spiky(keys=14))
    seen = seen_of(spiky(keys=14), judged, np.arange(14))
    seen = replace(seen, pattern=np.array(["spike"] * 7 + ["drop"] * 7, dtype=object))
    tags = [false_positive(judged, i, pattern="spike") for i in range(3)]
    assert set(np.argsort(-taste.worth(tags, seen))[:7].tolist()) == set(range(7, 14))
    assert taste.worth([], seen).argmax() == seen.surprise.argmax()


def told(verdict: str, amount: float, n: int) -> list[Lesson]:
    keys = [{"key": f"{verdict}-{amount}-{i}"} for i in range(n)]
    features = {"pattern": "spike", "pair": "Balance", "scores": [0.6], "amounts": [amount]}
    return [lesson_of(f"F{k['key']}", verdict, features | {"key": k}, MAY) for k in keys]  # type: ignore[arg-type]


def test_a_pattern_that_is_now_and_then_real_is_not_quiet() -> None:
    """One pattern, mostly noise, yet now and then real: quieting the pattern would bury what a person called real."""
    judged = ask(spiky(keys=14))
    noise = Lessons.of(told("false_positive", 60.0, 20), MAY)
    mixed = Lessons.of([*told("false_positive", 60.0, 20), *told("true", 60.0, 2)], MAY)
    panel = spiky(keys=14)
    assert judged.anomaly[:14].sum() == 14
    assert ask(panel, noise).anomaly[:14].sum() <= 2
    assert ask(panel, mixed).anomaly[:14].sum() >= 12
