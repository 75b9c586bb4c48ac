"""Trades in two booking systems, each on the daily report from trade date until it has settled."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from evals.scenarios.days import Days
from evals.scenarios.plants import Plant
from evals.scenarios.prose import comment

SIDES: Final = ("Meridian", "Anchor")
NULL_DATE: Final = np.datetime64("1900-01-01", "D")

_DESKS: Final = (
    # desk, trading unit, inventories, currency, settles after, price level, price spread, usual size
    ("Treasury", "Liquid Products - Treasuries", ("A480", "A481", "A577"), "USD", 1, 99.2, 0.8, 4e6),
    ("RMBS - Agency CMOs", "RMBS", ("CM10", "TQ40"), "USD", 3, 61.0, 24.0, 6e7),
    ("Corporate IG", "Credit Flow", ("G210", "G214"), "USD", 2, 97.5, 4.0, 1.5e6),
    ("Euro Govies", "Rates Europe", ("E050", "E051"), "EUR", 2, 98.4, 3.0, 5e6),
    ("Gilts", "Rates Europe", ("L330",), "GBP", 1, 95.1, 5.0, 3e6),
)


@dataclass
class Blotter:
    """One row per trade and report day; every column is an array of the same length."""

    days: Days
    rows: pd.DataFrame
    """Columns: day, trade, desk, ..., and for each side price, quantity, face, cusip, settle, inventory, side."""


def open_blotter(rng: np.random.Generator, days: Days, per_day: int) -> Blotter:
    """A year of trades that agree in both systems, except for what such systems always disagree on:
    pool factors rounded to 7 places on one side, and prices of tiny lots."""
    trades = _trades(rng, days, per_day)
    rows = _report(trades, days)
    _round_factors(rows)
    _round_small_lots(rows)
    _late_bookings(rng, rows)
    return Blotter(days, rows)


def _trades(rng: np.random.Generator, days: Days, per_day: int) -> pd.DataFrame:
    count = per_day * len(days)
    desk = rng.choice(len(_DESKS), size=count, p=(0.3, 0.25, 0.2, 0.15, 0.1))
    traded = np.sort(rng.integers(0, len(days), count))
    bonds = _bonds(rng)
    bond = np.array([int(rng.choice(np.flatnonzero(bonds["desk"] == d))) for d in desk])
    level = np.array([d[5] for d in _DESKS])[desk]
    spread = np.array([d[6] for d in _DESKS])[desk]
    walk = bonds["offset"].to_numpy()[bond] * spread + level
    market = np.cumsum(rng.normal(0, 0.12, len(days)))[traded]
    places = np.where(np.isin(desk, (1, 2)), 4, 6)
    price = np.clip(walk, 18, 112) + market + rng.normal(0, 0.05, count)
    size = np.array([d[7] for d in _DESKS])[desk] * np.exp(rng.normal(0, 1.1, count))
    face = np.maximum(np.rint(size / 1000) * 1000, 1000).astype(np.int64)
    tiny = rng.random(count) < 0.04
    face = np.where(tiny & (desk == 0), rng.integers(1, 10, count) * 100, face)
    settle = days.astype("datetime64[D]")[traded]
    lag = np.array([d[4] for d in _DESKS])[desk]
    return pd.DataFrame(
        {
            "trade": (71_000_000 + np.cumsum(rng.integers(1, 9, count))).astype(str),
            "traded": traded,
            "desk": np.array([d[0] for d in _DESKS])[desk],
            "unit": np.array([d[1] for d in _DESKS])[desk],
            "inventory": [str(rng.choice(_DESKS[d][2])) for d in desk],
            "currency": np.array([d[3] for d in _DESKS])[desk],
            "cusip": bonds["cusip"].to_numpy()[bond],
            "factor": bonds["factor"].to_numpy()[bond],
            "way": rng.choice(("B", "S"), count),
            "price": np.array([round(float(p), int(q)) for p, q in zip(price, places, strict=True)]),
            "face": face,
            "settle": np.busday_offset(settle, lag),
            "stays": lag + rng.integers(1, 3, count),
        }
    )


def _bonds(rng: np.random.Generator) -> pd.DataFrame:
    desk = np.repeat(np.arange(len(_DESKS)), (9, 12, 25, 10, 7))
    factor = np.where(desk == 1, rng.uniform(0.12, 0.98, len(desk)).round(10), 1.0)
    cusips = [_cusip(rng) for _ in desk]
    return pd.DataFrame({"desk": desk, "cusip": cusips, "factor": factor, "offset": rng.normal(0, 1, len(desk))})


def _cusip(rng: np.random.Generator) -> str:
    """Eight characters and the check digit of CUSIP's own formula (double every second, add the digits)."""
    body = "".join(str(d) for d in rng.integers(0, 10, 5)) + "".join(rng.choice(list("ABCDEFGHJKLMNPQRSTUVWXYZ"), 3))
    total = 0
    for place, letter in enumerate(body):
        value = int(letter) if letter.isdigit() else ord(letter) - ord("A") + 10
        value *= 1 + place % 2
        total += value // 10 + value % 10
    return body + str((10 - total % 10) % 10)


def _report(trades: pd.DataFrame, days: Days) -> pd.DataFrame:
    """Each trade once per report day, while it stays."""
    stays = np.minimum(trades["stays"].to_numpy() + 1, len(days) - trades["traded"].to_numpy())
    rows = trades.loc[trades.index.repeat(stays)].reset_index(drop=True)
    nth = np.arange(len(rows)) - np.repeat(np.cumsum(stays) - stays, stays)
    rows["d"] = rows["traded"] + nth
    rows["quantity"] = np.rint(rows["face"] * rows["factor"]).astype(np.int64)
    for side in SIDES:
        for column in ("price", "quantity", "face", "cusip", "settle", "inventory", "way"):
            rows[f"{side}.{column}"] = rows[column]
        rows[f"{side}.missing"] = False
    rows["cause"] = ""
    rows["Anchor.factor"] = rows["factor"].round(7)
    return rows.sort_values(["d", "desk", "trade"], kind="stable").reset_index(drop=True)


def _round_factors(rows: pd.DataFrame) -> None:
    rounded = np.rint(rows["face"] * rows["Anchor.factor"]).astype(np.int64)
    rows["Anchor.quantity"] = rounded
    rows.loc[(rounded - rows["Meridian.quantity"]).abs() > 1, "cause"] = "factor_rounding"


def _round_small_lots(rows: pd.DataFrame) -> None:
    small = rows["quantity"] < 1000
    rows.loc[small, "Anchor.price"] = rows.loc[small, "price"].round(2)
    rows.loc[small & ((rows["Anchor.price"] - rows["price"]).abs() > 0.001), "cause"] = "price_rounding"


def _cell(rows: pd.DataFrame, i: Any, column: str) -> Any:
    return rows[column].to_numpy()[i]


def _late_bookings(rng: np.random.Generator, rows: pd.DataFrame) -> None:
    """Some trades reach the second system a day late; other troubles of a year, each with its cause."""
    first = (rows["d"] == rows["traded"]).to_numpy()
    picked = rng.random(len(rows))
    late = first & (picked < 0.025)
    rows.loc[late, "Anchor.missing"] = True
    rows.loc[late, "cause"] = "timing"
    for cause, low, high in (("price", 0.1, 0.104), ("quantity", 0.2, 0.202), ("reference_data", 0.3, 0.303)):
        for i in np.flatnonzero((picked >= low) & (picked < high) & (rows["cause"] == "")):
            _trouble(rng, rows, int(i), cause)


def _trouble(rng: np.random.Generator, rows: pd.DataFrame, i: int, cause: str) -> None:
    """The trade of row i is wrong in the second system on this and its next days on the report."""
    hit = rows.index[(rows["trade"] == _cell(rows, i, "trade")) & (rows["d"] >= _cell(rows, i, "d"))]
    match cause:
        case "price":
            rows.loc[hit, "Anchor.price"] = round(_cell(rows, i, "price") + float(rng.normal(0, 0.4)), 4)
        case "quantity":
            rows.loc[hit, "Anchor.quantity"] = int(_cell(rows, i, "quantity") * float(rng.choice((0.5, 0.8, 0.75))))
        case "reference_data":
            rows.loc[hit, "Anchor.cusip"] = _cusip(rng)
        case _:
            rows.loc[hit, "Anchor.missing"] = True
    rows.loc[hit, "cause"] = cause


def plant_trades(rng: np.random.Generator, blotter: Blotter, recon: str) -> list[Plant]:
    """Plants on the newest day's report; each on trades of its own."""
    rows = blotter.rows
    today = len(blotter.days) - 1
    free = set(rows.index[(rows["d"] == today) & (rows["cause"] == "") & (rows["quantity"] > 50_000)].tolist())
    plants: list[Plant] = []

    def take(count: int, wanted: Any = None) -> list[int]:
        fits = sorted(i for i in free if wanted is None or wanted(rows.loc[i]))
        if len(fits) < count:
            msg = f"only {len(fits)} trades of the newest day fit, {count} are needed; report more trades a day"
            raise ValueError(msg)
        chosen = [int(i) for i in rng.choice(fits, count, replace=False)]
        free.difference_update(chosen)
        return chosen

    def told(causes: tuple[str, ...], hit: list[int], pair: str, note: str, **scope: str) -> None:
        rows.loc[hit, "cause"] = causes[0]
        plants.append(
            Plant(
                id=f"T{len(plants) + 1:02}",
                recon=recon,
                causes=causes,
                patterns=("spike", "drop", "insufficient_history", "new", "inconsistent", "level_shift", "repeated"),
                anomaly=True if causes[0] not in ("timing",) else None,
                keys=tuple((str(_cell(rows, i, "trade")),) for i in hit),
                pair=pair,
                onset=str(blotter.days[int(rows.loc[hit, "d"].min())]),
                scope=dict(scope),
                note=note,
            )
        )

    _plant_prices(rng, rows, take, told)
    _plant_quantities(rng, rows, take, told)
    _plant_statics(rng, rows, take, told)
    _plant_sides(rows, take, told)
    return plants


def _plant_prices(rng: np.random.Generator, rows: pd.DataFrame, take: Any, told: Any) -> None:
    (i,) = take(1)
    rows.at[i, "Anchor.price"] = round(_cell(rows, i, "price") / 100, 8)
    told(("scale",), [i], "Price", "Anchor holds the price per 1, not per 100")
    (i,) = take(1)
    rows.at[i, "Anchor.price"] = round(_cell(rows, i, "price") * (1 + 0.0025), 6)
    told(("fee_or_tax", "price"), [i], "Price", "commission of 25 bp inside Anchor's price")
    hit = take(3, lambda r: r["desk"] == "Gilts" or r["desk"] == "Corporate IG")
    for j in hit:
        rows.at[j, "Anchor.price"] = round(_cell(rows, j, "price") + float(rng.normal(0, 0.35)), 4)
        told(("price", "unknown"), [j], "Price", "another price, no arithmetic behind it")


def _plant_quantities(rng: np.random.Generator, rows: pd.DataFrame, take: Any, told: Any) -> None:
    (i,) = take(1, lambda r: r["factor"] == 1)
    digits = str(_cell(rows, i, "quantity"))
    slipped = digits[1] + digits[0] + digits[2:] if digits[0] != digits[1] else "9" + digits[1:]
    rows.at[i, "Anchor.quantity"] = int(slipped)
    told(("digit_slip",), [i], "Quantity", f"{digits} keyed as {slipped}")
    (i,) = take(1, lambda r: r["factor"] == 1)
    rows.at[i, "Anchor.quantity"] = -_cell(rows, i, "quantity")
    told(("sign_flip",), [i], "Quantity", "Anchor's quantity is negative")
    (i,) = take(1, lambda r: r["factor"] == 1)
    rows.at[i, "Anchor.quantity"] = 2 * _cell(rows, i, "quantity")
    told(("duplicate", "quantity"), [i], "Quantity", "Anchor counts the fill twice")
    (i,) = take(1, lambda r: r["factor"] == 1)
    rows.at[i, "Anchor.quantity"] = _cell(rows, i, "quantity") - int(rng.integers(30, 400)) * 1000 - 123
    told(("quantity", "unknown"), [i], "Quantity", "an allocation is missing")


def _plant_statics(rng: np.random.Generator, rows: pd.DataFrame, take: Any, told: Any) -> None:
    bond = rows.loc[take(1, lambda r: r["desk"] == "Euro Govies")[0]]
    same = (rows["d"] == bond["d"]) & (rows["cusip"] == bond["cusip"]) & (rows["cause"] == "")
    hit = rows.index[same].tolist()
    rows.loc[hit, "Anchor.cusip"] = _cusip(rng)
    told(
        ("reference_data",), hit, "CUSIP", "the bond is set up under another CUSIP in Anchor", CUSIP=str(bond["cusip"])
    )
    hit = take(2, lambda r: r["desk"] == "Treasury")
    rows.loc[hit, "Anchor.inventory"] = "A999"
    told(("reference_data",), hit, "Inventory", "booked in another inventory in Anchor")


def _plant_sides(rows: pd.DataFrame, take: Any, told: Any) -> None:
    hit = take(1)
    rows.loc[hit, "Meridian.missing"] = True
    told(("missing_left",), hit, "Price", "only in Anchor")
    hit = take(2, lambda r: r["d"] > r["traded"])
    rows.loc[hit, "Anchor.missing"] = True
    for i in hit:
        told(("missing_right",), [i], "Price", "only in Meridian, a day and more after trade date")
    hit = take(2, lambda r: r["d"] == r["traded"])
    rows.loc[hit, "Anchor.missing"] = True
    for i in hit:
        told(("timing", "missing_right"), [i], "Price", "booked late: Anchor has new trades a day later")


def table(rng: np.random.Generator, blotter: Blotter) -> pd.DataFrame:
    """The report as its file: text columns, dates as yyyy-mm-dd, comments on most breaks that stand a day."""
    rows = blotter.rows
    out: dict[str, npt.NDArray[Any] | pd.Series] = {
        "Report Date": blotter.days[rows["d"].to_numpy()].astype(str),
        "Trade ID": rows["trade"],
        "Desk": rows["desk"],
        "Trading Unit": rows["unit"],
        "Currency": rows["currency"],
        "Trade Date": blotter.days[rows["traded"].to_numpy()].astype(str),
        "CUSIP": rows["cusip"],
    }
    for side in SIDES:
        out |= _side(rows, side)
    left, right = (rows[f"{side}.price"].where(~rows[f"{side}.missing"], 0.0) for side in SIDES)
    out["Price Difference"] = _places(left - right)
    first, second = (rows[f"{side}.quantity"].where(~rows[f"{side}.missing"], 0) for side in SIDES)
    out["Quantity Difference"] = (first - second).astype(str)
    out["Match Status"] = _status(rows, left - right, first - second)
    frame = pd.DataFrame(out)
    frame["Comment"] = _comments(rng, blotter, frame["Match Status"] != "Match")
    return frame


def _side(rows: pd.DataFrame, side: str) -> dict[str, pd.Series]:
    gone = rows[f"{side}.missing"]
    settle = pd.Series(rows[f"{side}.settle"].to_numpy().astype("datetime64[D]").astype(str), index=rows.index)
    columns = {
        f"{side} Inventory": rows[f"{side}.inventory"].where(~gone, ""),
        f"{side} CUSIP": rows[f"{side}.cusip"].where(~gone, ""),
        f"{side} Buy Sell": rows[f"{side}.way"].where(~gone, ""),
        f"{side} Settle Date": settle.where(~gone, str(NULL_DATE)),
        f"{side} Price": _places(rows[f"{side}.price"]).where(~gone, "0"),
        f"{side} Quantity": rows[f"{side}.quantity"].astype(str).where(~gone, "0"),
        f"{side} Original Face": rows[f"{side}.face"].astype(str).where(~gone, "0"),
    }
    if side == "Anchor":
        columns["Anchor Pool Factor"] = _places(rows["Anchor.factor"]).where(~gone, "0")
    return columns


def _places(values: pd.Series) -> pd.Series:
    return values.map(lambda v: f"{v:.8f}".rstrip("0").rstrip(".") if v else "0").replace("-0", "0")


def _status(rows: pd.DataFrame, price: pd.Series, quantity: pd.Series) -> npt.NDArray[np.str_]:
    one_sided = [rows["Meridian.missing"], rows["Anchor.missing"]]
    static = rows["Meridian.cusip"] != rows["Anchor.cusip"]
    moved = rows["Meridian.inventory"] != rows["Anchor.inventory"]
    tests = [*one_sided, quantity.abs() > 1, price.abs().round(9) > 0.001, static | moved]
    words = ["Anchor_Only", "Meridian_Only", "Quantity_Break", "Price_Break", "Static_Break"]
    return np.select(tests, words, default="Match")


def _comments(rng: np.random.Generator, blotter: Blotter, breaks: pd.Series) -> list[str]:
    """One comment per trade and cause, from its second day on; on its first in a third of the cases."""
    said: dict[tuple[str, str], str] = {}
    texts: list[str] = []
    today = len(blotter.days) - 1
    rows = blotter.rows
    for trade, cause, d, brk in zip(rows["trade"], rows["cause"], rows["d"], breaks, strict=True):
        known = said.get((trade, cause))
        if brk and known is None and d < today and rng.random() < 0.85:
            known = comment(rng, cause or "unknown", blotter.days[d].astype(object), SIDES)
            said[(trade, cause)] = known
            if rng.random() < 0.6:
                known = None
        texts.append(known if brk and known else "")
    return texts
