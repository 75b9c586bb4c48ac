"""What tags called false have in common: which rules are believed, and what they keep quiet."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from detectors.learning import Lessons
from detectors.lessons import Lesson, Seen
from detectors.rules import PRIOR, QUIET, _evidence, learn
from recon.rows import Codes

MAY = date(2026, 5, 12)
BOOKS = ("A", "B", "C", "D")


def tag(n: int, *, false: bool, pattern: str = "spike", book: str = "A", amount: float = 50.0) -> Lesson:
    account = {"Account": f"taught-{n}"}
    return Lesson(
        f"F{n:04}",
        "false_positive" if false else "true",
        pattern,
        account | {"Book": book},
        MAY,
        keys=(account,),
        pair="Balance",
        surprise=10.0,
        amount=amount,
    )


def rows(**said: Sequence[object]) -> Seen:
    """Rows with each of the given patterns, books, amounts or surprises, all as strange as the tags else."""
    m = max(len(values) for values in said.values())
    books = np.array([BOOKS.index(str(b)) for b in said.get("book", ["A"] * m)], np.int32)
    return Seen(
        "Balance",
        {
            "Book": Codes(books, pa.array(BOOKS)),
            "Account": Codes(np.arange(m, dtype=np.int32), pa.array([str(i) for i in range(m)])),
        },
        np.array(said.get("pattern", ["spike"] * m), object),
        np.array(said.get("surprise", [10.0] * m), np.float64),
        np.array(said.get("amount", [50.0] * m), np.float64),
        np.ones(m, np.bool_),
    )


def quiet(tags: Sequence[Lesson], seen: Seen) -> list[bool]:
    return [bool(q) for q in Lessons.of(tags, MAY).effect(seen).quiet]


def in_turn(n: int, **said: Sequence[object]) -> list[Lesson]:
    """n tags that take each of the given values in turn; false where `false` says so."""
    return [tag(i, **{name: values[i % len(values)] for name, values in said.items()}) for i in range(n)]  # type: ignore[arg-type]


def test_a_book_of_which_all_were_false_is_quiet_whatever_the_pattern() -> None:
    tags = in_turn(40, book=BOOKS, false=[True, False, False, False], pattern=["spike", "drop", "new"])
    seen = rows(book=["A", "B", "A"], pattern=["spike", "spike", "high_volatility"])
    assert quiet(tags, seen) == [True, False, True]
    (rule,) = Lessons.of(tags, MAY).rules
    assert (rule.scope, rule.pattern, rule.at_most) == ({"Book": "A"}, "", None)
    effect = Lessons.of(tags, MAY).effect(seen)
    assert Lessons.of(tags, MAY).why_quiet(int(effect.by[0]), 2) == (
        "since 10 of 10 tags with Book A were called false, 2 like it are quiet"
    )


def test_a_pattern_in_one_book_is_quiet_there_alone() -> None:
    pattern = ["spike", "drop", "spike", "drop"]
    tags = [
        tag(i, book=BOOKS[i % 2], pattern=pattern[i // 2 % 4], false=i % 2 == 0 and i // 2 % 2 == 0) for i in range(48)
    ]
    assert quiet(tags, rows(book=["A", "A", "B"], pattern=["spike", "drop", "spike"])) == [True, False, False]


def test_two_tastes_are_two_rules() -> None:
    tags = in_turn(60, book=BOOKS, pattern=["spike", "drop", "new"], false=[True, False, False, False])
    tags = [replace(k, verdict="false_positive") if k.pattern == "drop" else k for k in tags]
    assert [str(rule) for rule in Lessons.of(tags, MAY).rules] == ["pattern drop", "Book A"]
    assert quiet(tags, rows(book=["A", "B", "B"], pattern=["spike", "drop", "spike"])) == [True, True, False]


def test_small_ones_are_quiet_up_to_the_largest_called_false_and_no_further() -> None:
    amounts = np.linspace(10.0, 1000.0, 40)
    tags = [tag(i, amount=float(a), false=bool(a < 300), book=BOOKS[i % 4]) for i, a in enumerate(amounts)]
    largest = max(a for a in amounts if a < 300)
    assert quiet(tags, rows(amount=[20.0, largest, largest + 0.01])) == [True, True, False]


def test_that_the_few_smallest_were_false_says_nothing_of_small_ones() -> None:
    amounts = np.linspace(10.0, 1000.0, 40)
    tags = [tag(i, amount=float(a), false=i < 9, book=BOOKS[i % 4]) for i, a in enumerate(amounts)]
    assert not Lessons.of(tags, MAY).rules


def test_large_ones_are_never_quiet_for_being_large() -> None:
    amounts = np.linspace(10.0, 1000.0, 40)
    tags = [tag(i, amount=float(a), false=bool(a > 700), book=BOOKS[i % 4]) for i, a in enumerate(amounts)]
    assert not Lessons.of(tags, MAY).rules


def test_one_that_outgrows_what_was_called_false_comes_back_and_says_so() -> None:
    tags = in_turn(40, book=BOOKS, false=[True, False, False, False])
    seen = rows(book=["A"] * 4, amount=[75.0, 75.1, 50.0, 50.0], surprise=[10.0, 10.0, 15.0, 15.1])
    lessons = Lessons.of(tags, MAY)
    effect = lessons.effect(seen)
    assert effect.quiet.tolist() == [True, False, True, False]
    assert effect.outgrown.tolist() == [False, True, False, True]
    assert lessons.why_back(int(effect.by[1])) == (
        "10 of 10 tags with Book A were called false, "
        "but this one is larger or stranger than all of those, so it is back"
    )


def test_one_called_right_among_them_takes_a_rule_back() -> None:
    tags = in_turn(40, book=BOOKS, false=[True, False, False, False])
    assert quiet(tags, rows(book=["A"])) == [True]
    assert quiet([*tags, tag(99, book="A", false=False)], rows(book=["A"])) == [False]


def test_a_key_that_was_called_false_day_after_day_says_it_once() -> None:
    once = in_turn(12, book=["B", "C"], false=[False])
    again = [replace(tag(50, book="A", false=True), id=f"F9{day}") for day in range(8)]
    others = [tag(60 + i, book="A", false=True) for i in range(8)]
    assert quiet([*once, *others], rows(book=["A"])) == [True]
    assert quiet([*once, *again], rows(book=["A"])) == [False]


def test_a_rule_that_hangs_on_single_tags_is_not_used() -> None:
    """Three false ones are a rule, but each replay without one of them is not of that mind."""
    tags = [tag(i, book="A", false=True) for i in range(3)] + [tag(10 + i, book="B", false=False) for i in range(27)]
    learnt = learn(tags)
    assert learnt is not None
    assert str(learnt.rules[0]) == "pattern spike, Book A"
    share, _, _ = learnt.shown(rows(book=["A"]), np.array(["spike"], object))
    assert QUIET < share[0] == pytest.approx(0.3)
    assert quiet(tags, rows(book=["A"])) == [False]


@pytest.mark.parametrize(("false", "believed"), [(4, False), (6, True)])
def test_a_few_false_ones_of_a_book_say_nothing_of_its_other_patterns(false: int, believed: bool) -> None:
    said = [tag(i, book="A", false=True, pattern=("spike", "drop")[i % 2]) for i in range(false)]
    others = in_turn(16, book=["B", "C", "D"], pattern=["spike", "drop", "new"], false=[False])
    new = replace(rows(book=["A"]), pattern=np.array(["new"], object))
    assert quiet([*others, *said], new) == [believed]


def test_tags_that_have_nothing_in_common_teach_nothing() -> None:
    rng = np.random.default_rng(4)
    found = 0
    for _ in range(60):
        tags = [
            tag(
                i,
                false=bool(rng.random() < 0.4),
                book=BOOKS[rng.integers(4)],
                amount=float(rng.exponential(100.0)),
                pattern=str(rng.choice(["spike", "drop", "new"])),
            )
            for i in range(30)
        ]
        found += bool(Lessons.of(tags, MAY).rules)
    assert found <= 6, "of 60 desks"


def test_the_order_of_tags_of_one_day_does_not_change_the_rules() -> None:
    tags = in_turn(40, book=BOOKS, false=[True, False, False, False])
    assert [str(r) for r in Lessons.of(tags[::-1], MAY).rules] == [str(r) for r in Lessons.of(tags, MAY).rules]


@given(false=st.integers(3, 40), true=st.integers(0, 2), rest_false=st.integers(0, 40), rest_true=st.integers(0, 40))
def test_the_evidence_is_the_ratio_of_two_marginal_likelihoods(
    false: int, true: int, rest_false: int, rest_true: int
) -> None:
    """By its definition: of a rule, the false share is drawn from the prior; of none, from what the others say."""
    real = np.repeat([False, True, False, True], [false, true, rest_false, rest_true])
    holds = (np.arange(len(real)) < false + true)[None, :]
    (got,) = _evidence(holds, np.ones(len(real), np.bool_), real, np.array([3]))
    if true > 0.06 * (false + true):
        assert got == -np.inf
        return

    def told(a: float, b: float) -> float:
        """ln of the chance of these tags, the false share being drawn from a beta distribution."""

        def density(f: float, t: float) -> float:
            # p = 1 - u**2: the density has no pole then
            whole = quad(lambda u: 2 * u * (1 - u * u) ** (f - 1) * (u * u) ** (t - 1), 0, 1, epsabs=0, limit=200)
            return float(whole[0])

        return float(np.log(density(a + false, b + true) / density(a, b)))

    assert got == pytest.approx(told(*PRIOR) - told(1 + rest_false, 4 + rest_true), abs=1e-5)


def test_a_rule_says_nothing_of_a_pair_of_which_none_was_called_false() -> None:
    """An amount of one pair is in another unit than that of another."""
    tags = in_turn(40, pattern=["spike", "drop"], false=[True, False])
    tags = [*tags[:20], *(replace(k, pair="Price", amount=0.5) for k in tags[20:])]
    assert [str(r) for r in Lessons.of(tags, MAY).rules] == ["pattern spike"]
    seen = rows(pattern=["spike"] * 3, amount=[0.6, 40.0, 80.0])
    assert quiet(tags, seen) == [True, True, False]
    assert quiet(tags, replace(seen, pair="Price")) == [True, False, False]
    assert quiet(tags, replace(seen, pair="Quantity")) == [False, False, False]
