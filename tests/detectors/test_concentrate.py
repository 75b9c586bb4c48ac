"""A slice is found where flagged rows gather, as short as explains it, and never where chance alone put them."""

import numpy as np

from detectors.concentrate import concentrations, grid_of


def table(seed: int, n: int = 400) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.integers(0, size, n).astype(np.int32) for name, size in (("feed", 20), ("desk", 8), ("ccy", 4))}


def test_a_slice_with_most_flagged_rows_is_named_though_most_of_it_is_fine() -> None:
    book = np.repeat(np.arange(5, dtype=np.int32), 80)
    flag = np.zeros(400, np.bool_)
    flag[80:89] = True
    grid = grid_of({"book": book})
    assert concentrations(grid, flag, flag * 1.0) == []
    (found,) = concentrations(grid, flag, flag * 1.0, partly=True)
    assert (found.parts, len(found.deviating), len(found.rows)) == ({"book": 1}, 9, 80)
    flag[200::25] = True
    assert concentrations(grid, flag, flag * 1.0, partly=True) == []


def test_the_shortest_slice_that_explains_is_found() -> None:
    columns = table(1)
    flag = columns["feed"] == 3
    (found,) = concentrations(grid_of(columns), flag, flag * 5.0)
    assert found.parts == {"feed": 3}
    assert found.purity == 1.0
    assert found.coverage == 1.0


def test_a_deeper_slice_is_found_where_only_it_is_pure() -> None:
    columns = table(2)
    flag = (columns["desk"] == 2) & (columns["ccy"] == 1)
    (found,) = concentrations(grid_of(columns), flag, flag * 1.0)
    assert found.parts == {"desk": 2, "ccy": 1}


def test_two_causes_are_two_slices() -> None:
    columns = table(3)
    flag = (columns["feed"] == 3) | (columns["feed"] == 11)
    assert {s.parts["feed"] for s in concentrations(grid_of(columns), flag, flag * 1.0)} == {3, 11}


def test_scattered_rows_share_nothing() -> None:
    found = 0
    for seed in range(40):
        flag = np.random.default_rng(100 + seed).random(400) < 0.05
        found += len(concentrations(grid_of(table(seed)), flag, flag * 1.0))
    assert found <= 1
