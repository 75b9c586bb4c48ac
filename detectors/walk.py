"""The walk: every series once, oldest row first; each row is met with what its own past alone supports.

The baseline is prequential (Dawid 1984): four forecasts (median, exponential mean, last value, Holt's trend) run
side by side, each of the first three also with a weekday and a month-position (or time-of-day) offset, and the
one with the smaller bounded loss on the series' own earlier rows is used: level, trend and calendar only where
the past supports them. Its own past errors, not fitted residuals, give the spread. Rows out of pattern on this
replay stay out of the baseline until five in a row agree on a new level, or twelve in a row agree on nothing.
"""

import math

import numpy as np
import numpy.typing as npt
from numba import njit, prange

from detectors.kernels import (
    insert_sorted,
    mad_sorted,
    median_sorted,
    remember,
    remove_sorted,
    slot_value,
    t_surprise,
    trimmed_spread,
)
from detectors.views import (
    breaks_surprise,
    drift_surprise,
    level_surprise,
    rarity_surprise,
    ratio_surprise,
    shift_surprise,
    sides_surprise,
    size_surprise,
    volatility_surprise,
)

BOLLINGER = 20
OUT = 9.21
"""-ln p at which a row is kept out of the baseline: p < 1e-4 by the nominal predictive t."""
MILD = 4.0
"""-ln p of a mild excursion: a series by whose nature such come often is judged beside others like it."""
APART = 10
"""Rows without a mild excursion after which the next one is a new one."""
DAILY_PACE = (48, 5, 12)
"""Clean rows that level and spread look back on; rows that must agree before a new level is accepted; rows out of
pattern, agreeing on nothing, after which the old baseline is given up. `pace_of` knows many rows a day."""
FORGET = 0.97
NU_MAX = 8.0

BINS = 1024
BIN_WIDTH = 0.125
STRATUM_KINDS = 4
STRATA = 6 * STRATUM_KINDS
WALKED = 12

# columns of the float64 output
EXPECTED, SCALE, MEAN, DEVIATION, CUSUM, SLOPE, MEDIAN, PREVIOUS, SPREAD = range(9)
WIDE = 9
# columns of the float32 output; the first WALKED are the views' surprises
S_LEFT, S_RIGHT, Z, NU, SUPPORT, RUN, RATE, MODEL, OUTS, AGREE = range(WALKED, WALKED + 10)
STRATUM, SAME_SIGN, VOLATILITY_RATIO, BREAKS_BEFORE, RECENT, BEGINS = range(WALKED + 10, WALKED + 16)
NARROW = WALKED + 16

TALLY = 20
"""Rows and mild excursions by kind; series and their rows: without one, calm with one, wild (dense, then sparse)."""
T_ROWS, T_EPISODES, T_SERIES, T_SERIES_ROWS = 0, 4, 8, 14

PRIOR = 7
P_LN_SCALE, P_SCALE_N, P_RATE, P_RATE_N, P_LN_SIZE, P_SIZE_SD, P_SIZE_N = range(7)


def pace_of(rows_a_day: float) -> tuple[int, int, int]:
    """Daily rows keep the daily pace; with many rows a day a level must hold for two hours.

    >>> pace_of(1.0), pace_of(288.0)
    ((48, 5, 12), (96, 24, 48))
    """
    if rows_a_day < 8.0:
        return DAILY_PACE
    accept = int(min(max(rows_a_day / 12.0, 5.0), 72.0))
    return 96, accept, 2 * accept


@njit(cache=True)
def is_wild(episodes: int, rows: float) -> bool:
    """More mild excursions than accidents would bring: two, and one more for each 80 rows or so.

    >>> is_wild(1, 60.0), is_wild(2, 60.0), is_wild(2, 100.0), is_wild(4, 200.0)
    (False, True, False, True)
    """
    return episodes > 1.0 + 0.012 * rows


@njit(cache=True)
def stratum_of(support: int, wild: bool, sparse: bool) -> int:
    """Rows are compared with rows of like support (6 steps) and of like kind.

    The kinds: a series that mostly differs (0, 1) or mostly matches (2, 3), calm (0, 2) or wild (1, 3) so far.

    >>> stratum_of(2, False, False), stratum_of(50, True, True)
    (0, 23)
    """
    if support < 3:
        a = 0
    elif support < 6:
        a = 1
    elif support < 12:
        a = 2
    elif support < 20:
        a = 3
    elif support < 40:
        a = 4
    else:
        a = 5
    return a * STRATUM_KINDS + (2 if sparse else 0) + (1 if wild else 0)


@njit(cache=True)
def bin_of(surprise: float) -> int:
    """The histogram bin of a surprise rounded to 9 decimals, so that the last bit never decides.

    >>> bin_of(0.0), bin_of(0.07), bin_of(1e9)
    (0, 0, 1023)
    """
    b = int(round(surprise * 1e9) / 1e9 / BIN_WIDTH) if surprise < 128.0 else BINS - 1
    return min(max(b, 0), BINS - 1)


@njit(cache=True)
def _pooled_scale(own: float, n: int, prior: npt.NDArray[np.float64], floor: float) -> float:
    """The series' own spread and its group's, averaged in logs by how many points each stands for."""
    own = max(own, floor)
    n0 = prior[P_SCALE_N]
    if n0 <= 0.0:
        return own
    if n == 0:
        return max(math.exp(prior[P_LN_SCALE]), floor)
    return max(math.exp((n * math.log(own) + n0 * prior[P_LN_SCALE]) / (n + n0)), floor)


@njit(cache=True)
def _walk_series(
    a: int,
    z_end: int,
    current: npt.NDArray[np.bool_],
    excluded: npt.NDArray[np.bool_],
    day: npt.NDArray[np.int32],
    diff: npt.NDArray[np.int64],
    left: npt.NDArray[np.int64],
    right: npt.NDArray[np.int64],
    is_break: npt.NDArray[np.bool_],
    tolerance: npt.NDArray[np.int64],
    unit: float,
    two_sided: bool,
    slot_a: npt.NDArray[np.int16],
    slot_b: npt.NDArray[np.int16],
    n_a: int,
    pace: npt.NDArray[np.int64],
    prior: npt.NDArray[np.float64],
    store_all: bool,
    out: int,
    wide: npt.NDArray[np.float64],
    narrow: npt.NDArray[np.float32],
    hist: npt.NDArray[np.int32],
    tally: npt.NDArray[np.int64],
    x_ring: npt.NDArray[np.float64],
    x_sorted: npt.NDArray[np.float64],
    e_ring: npt.NDArray[np.float64],
    e_sorted: npt.NDArray[np.float64],
    raw: npt.NDArray[np.float64],
    pend: npt.NDArray[np.float64],
    ring: npt.NDArray[np.float64],
    count: npt.NDArray[np.int64],
    gain: npt.NDArray[np.float64],
    tries: npt.NDArray[np.float64],
    slot_error: npt.NDArray[np.float64],
    s: npt.NDArray[np.float64],
    zs: npt.NDArray[np.float64],
    recent: npt.NDArray[np.int64],
    begun: npt.NDArray[np.int64],
    hour: npt.NDArray[np.float64],
) -> None:
    window, accept, restart = pace[0], pace[1], pace[2]
    pred = np.zeros(4)
    loss = np.zeros(4)
    loss_sum = np.zeros(4)
    loss_n = 0.0
    seasonal_seen = False
    count[:] = 0
    gain[:] = 0.0
    tries[:] = 0.0
    slot_error[:] = 0.0
    nx = 0  # clean rows in the window
    ne = 0  # errors in the window
    clean = 0  # clean rows ever
    e_seen = 0
    seen = 0  # rows that may support a baseline, clean or not
    raw_n = 0
    ewma = 0.0
    last = 0.0
    holt_l = 0.0
    holt_b = 0.0
    holt_n = 0
    change_n = 0.0
    change_s = 0.0
    breaks = 0.0
    rows = 0.0
    rate_5 = 0.0
    g_n = 0.0
    g_m = 0.0
    g_up = 0.0
    g_down = 0.0
    dev_g = 0.0
    dev_h = 0.0
    lately = 0.0
    hour[:] = 0.0
    keep_lately = math.exp(-1.0 / max(accept, 6))
    rate_10 = 0.0
    run = 0
    size_n = 0.0
    size_m = 0.0
    size_q = 0.0
    pend_n = 0
    out_run = 0
    episodes = 0
    calm = APART + 1  # rows since the last mild excursion
    past_rows = 0
    past_wild = False
    past_any = False
    past_sparse = False
    c_up = 0.0
    c_down = 0.0
    run_up = 0.0
    run_down = 0.0
    y_n = 0.0
    y_m = 0.0
    y_s = 0.0
    y_frozen = 0
    r_n = 0.0
    r_m = 0.0
    r_s = 0.0
    l_n = 0.0
    last_l = left[a]
    last_r = right[a]
    l_s = 0.0
    g_s = 0.0
    zn = 0
    z_lag = 0.0
    z_var = 0.0
    recent[:] = 0
    begun[:] = 0
    up_steps = 0.0
    down_steps = 0.0
    steps_n = 0.0
    prev = 0.0
    prev_break = False
    for t in range(a, z_end):
        x = diff[t] * unit
        tol = tolerance[t] * unit
        floor = max(tol, unit)
        brk = is_break[t]
        judged = brk or not two_sided
        first = raw_n == 0
        rough = 1e-12 * abs(x)
        # --- what the past says
        own = trimmed_spread(e_sorted, ne)
        scale = _pooled_scale(own, ne, prior, max(floor, 1e-9 * abs(last)))
        if nx > 0:
            pred[0] = median_sorted(x_sorted, nx)
            pred[1] = ewma
            pred[2] = last
            pred[3] = holt_l + holt_b if holt_n >= 2 else last
        # a quarter end without quarters of its own behind it is a month end
        second = n_a + slot_b[t]
        quarter = n_a == 7 and slot_b[t] == 2
        if quarter and count[second] < 2:
            second = n_a + 1
        best = 0
        best_score = 1e9
        best_which = -1
        best_shift = 0.0
        root = 1.0 / math.sqrt(loss_n + 1.0)
        for b in range(4):
            base = loss_sum[b] / (loss_n + 1e-9) if loss_n > 0.0 else 0.0
            pen = 0.0 if b == 0 else (0.15 if b < 3 else 0.25)
            score = base + pen * root
            which = -1
            shift = 0.0
            if b < 3 and seasonal_seen:
                for w in range(2):
                    k = slot_a[t] if w == 0 else second
                    if count[k] >= 2 and tries[k] >= 1.0:
                        g = gain[b, k] / tries[k] + 0.8 / math.sqrt(tries[k])
                        if g < 0.0 and base + pen * root + g < score:
                            score = base + pen * root + g
                            which = w
                            shift = slot_value(ring[b, k], count[k])
            if score < best_score - 1e-12:
                best_score = score
                best = b
                best_which = which
                best_shift = shift
        expected = pred[best] + best_shift if nx > 0 else 0.0
        used = scale
        nu = min(max(ne + prior[P_SCALE_N] - 1.0, 1.0), NU_MAX)
        if best_which >= 0:
            k = slot_a[t] if best_which == 0 else second
            used = max(scale, 1.25 * slot_error[best, k])
            nu = min(nu, max(1.0, tries[k]))
        error = x - expected
        if abs(error) <= rough:
            error = 0.0
        z = error / used
        # --- the views
        s[:] = 0.0
        supported = nx >= 1 and (ne >= 1 or prior[P_SCALE_N] > 0.0 or abs(error) <= floor)
        plain = level_surprise(error, used, nu, float(max(nx, 1))) if supported else 0.0
        is_out = supported and ne >= 3 and plain > OUT and not excluded[t]
        # an excursion says what the series is like only once it is over: 10 rows late
        settled = episodes
        for i in range(10):
            settled -= begun[i]
        sparse = two_sided and 3.0 * breaks <= rows
        mild = supported and ne >= 3 and plain > MILD and not excluded[t]
        begins = mild and calm > APART
        stratum = stratum_of(ne, is_wild(settled, rows), sparse)
        kind = stratum % STRATUM_KINDS
        rate = (breaks + prior[P_RATE] * prior[P_RATE_N] + 0.5) / (rows + prior[P_RATE_N] + 1.0)
        r5 = (rate_5 * max(rows - 4.0, 0.0) + prior[P_RATE] * prior[P_RATE_N] + 0.5) / (
            max(rows - 4.0, 0.0) + prior[P_RATE_N] + 1.0
        )
        r10 = (rate_10 * max(rows - 9.0, 0.0) + prior[P_RATE] * prior[P_RATE_N] + 0.5) / (
            max(rows - 9.0, 0.0) + prior[P_RATE_N] + 1.0
        )
        s_left = 0.0
        s_right = 0.0
        if two_sided and not first:
            moved_l = abs(left[t] - last_l) * unit
            moved_r = abs(right[t] - last_r) * unit
            if l_n >= 3.0:
                nu_l = min(l_n - 1.0, NU_MAX)
                s_left = t_surprise(moved_l / max(l_s, floor) / 1.25, nu_l)
                s_right = t_surprise(moved_r / max(g_s, floor) / 1.25, nu_l)
        ratio = 0.0
        if two_sided:
            big = max(abs(left[t]), abs(right[t]))
            if big > 0:
                ratio = diff[t] / big
        if judged and seen >= 1:
            s[0] = plain
            if change_n >= 2.0:
                s[1] = t_surprise((x - last) / max(1.25 * change_s, floor), min(change_n, NU_MAX))
            if rows >= 3.0:
                in_5 = 1 if brk else 0
                in_10 = in_5
                for i in range(1, 10):
                    if i < 5:
                        in_5 += recent[i - 1]
                    in_10 += recent[i - 1]
                if two_sided:
                    s[2] = breaks_surprise(brk, in_5, in_10, r5, r10, rate)
            if brk and sparse:
                n0 = prior[P_SIZE_N]
                if size_n + n0 >= 2.0:
                    m = (size_n * size_m + n0 * prior[P_LN_SIZE]) / (size_n + n0)
                    v = (
                        size_q
                        + n0 * prior[P_SIZE_SD] ** 2
                        + (size_n * n0 / (size_n + n0) * (size_m - prior[P_LN_SIZE]) ** 2 if n0 > 0.0 else 0.0)
                    )
                    v = v / max(size_n + n0 - 1.0, 1.0)
                    sd = math.sqrt(v * (1.0 + 1.0 / (size_n + n0)) + 0.01)
                    s[3] = size_surprise(math.log(max(abs(x), unit)), m, sd, min(size_n + n0, NU_MAX), rate)
                elif rows >= 3.0:
                    s[3] = -math.log(rate)
            if two_sided and r_n >= 3.0:
                s[7] = ratio_surprise(ratio, r_m, max(1.25 * r_s, floor / max(big * unit, floor)), r_n)
            if two_sided:
                s[8] = sides_surprise(s_left, s_right)
        zc = min(max(z, -4.0), 4.0) if supported and ne >= 3 else 0.0
        if judged and ne >= 5:
            sum_3 = zc
            sum_6 = zc
            square = min(z * z, 16.0)
            for i in range(1, 6):
                if i < 3:
                    sum_3 += zs[i - 1]
                sum_6 += zs[i - 1]
                square += zs[i - 1] * zs[i - 1]
            if zn >= 5:
                rho = min(max(z_lag / (z_var + 1.0), 0.0), 0.9)
                wider = math.sqrt((1.0 + rho) / (1.0 - rho))
                s[5] = shift_surprise(sum_3 / wider, sum_6 / wider, zc)
                s[6] = volatility_surprise(square, 6, zc)
        # --- the value against all of the past, and how strange it has been of late
        clock = slot_a[t] // 12 if n_a == 288 else 0
        if judged and g_n >= 100.0:
            use_hour = n_a == 288 and hour[0, clock] >= 24.0 and dev_h < 0.9 * dev_g
            centre = hour[1, clock] if use_hour else g_m
            up = hour[2, clock] if use_hour else g_up
            down = hour[3, clock] if use_hour else g_down
            s[10] = rarity_surprise(x, centre, up, down, floor)
            if n_a == 288:
                s[11] = lately
        if g_n > 0.0 and not excluded[t]:
            dev_g = 0.999 * dev_g + 0.001 * min(abs(x - g_m), 8.0 * max(g_up, g_down, floor))
            dev_h = 0.999 * dev_h + 0.001 * min(abs(x - hour[1, clock]), 8.0 * max(g_up, g_down, floor))
        # --- drift inside tolerance
        y = x
        cusum = 0.0
        run_sum = 0.0
        mostly = 0
        for i in range(10):
            mostly += recent[i]
        if two_sided and tol > 0.0 and not brk and mostly <= 3:
            if y_n >= 5.0:
                spread = max(1.25 * y_s, 0.05 * tol)
                centre = y_m
                allowance = 0.5 + 1.0 / math.sqrt(y_n)
                u = min(max((y - centre) / spread, -3.0), 3.0)
                c_up = max(0.0, c_up + u - allowance)
                c_down = max(0.0, c_down - u - allowance)
                run_up = run_up + y - centre if c_up > 0.0 else 0.0
                run_down = run_down + y - centre if c_down > 0.0 else 0.0
                cusum = c_up if c_up > c_down else c_down
                run_sum = run_up if c_up > c_down else run_down
                if u * (c_up - c_down) > 0.0:
                    s[4] = drift_surprise(cusum, run_sum, tol)
            if not excluded[t]:
                if cusum > 3.0 and y_frozen < 60:
                    y_frozen += 1
                else:
                    if y_frozen >= 60:
                        c_up = 0.0
                        c_down = 0.0
                        run_up = 0.0
                        run_down = 0.0
                    y_frozen = 0
                    y_n += 1.0
                    step = max(1.0 / y_n, 0.04)
                    dev = abs(y - y_m)
                    y_m += step * (y - y_m)
                    y_s += max(1.0 / y_n, 0.06) * (dev - y_s)
        # --- an exact echo of a recent row
        if judged and not first and abs(x) > tol:
            same_day = day[t] == day[t - 1]
            if (
                same_day
                and diff[t] == diff[t - 1]
                and left[t] == left[t - 1]
                and right[t] == right[t - 1]
                and two_sided
            ):
                s[9] = 8.0
            elif prev_break and abs(x + prev) <= tol + 1e-9 * abs(x) and abs(x) > 3.0 * scale and abs(x) > 50.0 * tol:
                s[9] = 6.0
        # --- keep or count
        if current[t] or store_all:
            total = 0.0
            total2 = 0.0
            m = min(raw_n, BOLLINGER)
            for i in range(m):
                total += raw[(raw_n - 1 - i) % len(raw)]
            mean = total / m if m > 0 else np.nan
            for i in range(m):
                total2 += (raw[(raw_n - 1 - i) % len(raw)] - mean) ** 2
            wide[out, EXPECTED] = expected if nx > 0 else np.nan
            wide[out, SCALE] = used if supported else np.nan
            wide[out, MEAN] = mean
            wide[out, DEVIATION] = math.sqrt(total2 / m) if m > 1 else np.nan
            wide[out, CUSUM] = run_sum
            wide[out, SLOPE] = holt_b
            wide[out, MEDIAN] = median_sorted(x_sorted, nx) if nx > 0 else np.nan
            wide[out, PREVIOUS] = prev if not first else np.nan
            wide[out, SPREAD] = mad_sorted(x_sorted, nx, wide[out, MEDIAN]) * 1.4826 if nx > 0 else np.nan
            for v in range(WALKED):
                narrow[out, v] = s[v]
            narrow[out, S_LEFT] = s_left if l_n >= 3.0 else np.nan
            narrow[out, S_RIGHT] = s_right if l_n >= 3.0 else np.nan
            narrow[out, Z] = z
            narrow[out, NU] = nu
            narrow[out, SUPPORT] = seen
            narrow[out, RUN] = run + 1 if brk else 0
            narrow[out, RATE] = rate
            narrow[out, MODEL] = best + 4 * (best_which + 1)
            narrow[out, OUTS] = out_run
            agree = 0
            for i in range(pend_n):
                if abs(pend[i] - x) <= max(4.0 * used, 0.15 * abs(error)):
                    agree += 1
            narrow[out, AGREE] = agree
            narrow[out, STRATUM] = stratum
            narrow[out, SAME_SIGN] = (up_steps - down_steps) / steps_n if steps_n >= 3.0 else 0.0
            sq = 0.0
            for i in range(min(zn, 5)):
                sq += zs[i] * zs[i]
            narrow[out, VOLATILITY_RATIO] = math.sqrt(sq / min(zn, 5)) if zn > 0 else 0.0
            narrow[out, BREAKS_BEFORE] = breaks
            hits = 0
            for i in range(10):
                hits += recent[i]
            narrow[out, RECENT] = hits
            narrow[out, BEGINS] = 1.0 if begins else 0.0
            out += 1
        if not current[t] and not excluded[t] and seen >= 1:
            for v in range(WALKED):
                hist[v, stratum, bin_of(s[v])] += 1
            tally[T_ROWS + kind] += 1
            if begins:
                tally[T_EPISODES + kind] += 1
            past_rows += 1
            past_wild = is_wild(episodes + (1 if begins else 0), rows)
            past_any = past_any or begins
            past_sparse = sparse
        # --- learn from the row
        if first:
            moved = 0.0
        else:
            moved = x - prev
            steps_n = 0.85 * steps_n + 1.0
            up_steps = 0.85 * up_steps + (1.0 if moved > floor else 0.0)
            down_steps = 0.85 * down_steps + (1.0 if moved < -floor else 0.0)
        if two_sided and not first:
            moved_l = abs(left[t] - last_l) * unit
            moved_r = abs(right[t] - last_r) * unit
            l_n += 1.0
            step = max(1.0 / l_n, 0.08)
            cap_l = 4.0 * l_s if l_n > 3.0 and l_s > 0.0 else moved_l
            cap_r = 4.0 * g_s if l_n > 3.0 and g_s > 0.0 else moved_r
            l_s += step * (min(moved_l, cap_l) - l_s)
            g_s += step * (min(moved_r, cap_r) - g_s)
        if first or not is_out or out_run >= 3:
            last_l = left[t]
            last_r = right[t]
        raw[raw_n % len(raw)] = x
        raw_n += 1
        prev = x
        prev_break = brk
        if excluded[t]:
            run = run + 1 if brk else 0
            continue
        seen += 1
        lately = keep_lately * lately + min(plain, 12.0) / 6.0 if n_a == 288 else 0.0
        g_n += 1.0
        g_m, g_up, g_down = remember(x, g_n, g_m, g_up, g_down)
        if n_a == 288:
            hour[0, clock] += 1.0
            hour[1, clock], hour[2, clock], hour[3, clock] = remember(
                x, hour[0, clock], hour[1, clock], hour[2, clock], hour[3, clock]
            )
        for i in range(9, 0, -1):
            begun[i] = begun[i - 1]
        begun[0] = 1 if begins else 0
        episodes += begun[0]
        calm = 0 if mild else calm + 1
        # losses of every forecast on this row
        if nx > 0:
            for b in range(4):
                u = abs(x - pred[b]) / scale
                loss[b] = u / (1.0 + u)
            loss_n = FORGET * loss_n + 1.0
            for b in range(4):
                loss_sum[b] = FORGET * loss_sum[b] + loss[b]
            for w in range(3 if quarter else 2):
                k = slot_a[t] if w == 0 else n_a + (slot_b[t] if w == 1 else 1)
                c = count[k]
                if c >= 1:
                    seasonal_seen = True
                    fade = 0.9 if tries[k] > 8.0 else 1.0
                    tries[k] = fade * tries[k] + 1.0
                    for b in range(3):
                        added = slot_value(ring[b, k], c)
                        plain_error = abs(x - pred[b])
                        e = abs(x - pred[b] - added)
                        gain[b, k] *= fade
                        # most rows of most series match: no logarithm for them
                        if added != 0.0 and (e > 0.0 or plain_error > 0.0):
                            better = math.log((scale + e) / (scale + plain_error))
                            gain[b, k] += min(max(better, -1.5), 1.5)
                        cap = 4.0 * slot_error[b, k] if c > 3 and slot_error[b, k] > 0.0 else e
                        slot_error[b, k] += max(1.0 / c, 0.15) * (min(e, cap) - slot_error[b, k])
                for b in range(3):
                    ring[b, k, c % 5] = x - pred[b]
                count[k] = c + 1
        if not is_out and supported and ne >= 3:
            z_lag = 0.98 * z_lag + zc * zs[0]
            z_var = 0.98 * z_var + zc * zc
        for i in range(4, 0, -1):
            zs[i] = zs[i - 1]
        zs[0] = zc
        if supported and ne >= 3:
            zn += 1
        if is_out:
            out_run += 1
            # does it agree with the ones waiting?
            agrees = True
            for i in range(pend_n):
                if abs(pend[i] - x) > max(4.0 * used, 0.15 * abs(error)):
                    agrees = False
            if not agrees:
                pend_n = 0
            pend[pend_n] = x
            pend_n += 1
            holt_l += holt_b
            if pend_n >= accept:
                # what these rows seemed to say of their weekdays was the shift
                for i in range(accept):
                    for w in range(2):
                        k = slot_a[t - i] if w == 0 else n_a + slot_b[t - i]
                        if count[k] > 0:
                            count[k] -= 1
                            for b in range(3):
                                ring[b, k, count[k] % 5] = 0.0
                nx = 0
                total = 0.0
                for i in range(max(0, pend_n - window), pend_n):
                    x_ring[nx] = pend[i]
                    insert_sorted(x_sorted, nx, pend[i])
                    nx += 1
                    total += pend[i]
                clean = nx
                ewma = total / nx
                last = x
                holt_l = x
                holt_b = 0.0
                pend_n = 0
                out_run = 0
                zs[:] = 0.0
                zn = 0
                r_m = ratio
                r_n = 3.0
            elif out_run >= restart:
                nx = 0
                ne = 0
                m = min(raw_n, min(restart, window))
                total = 0.0
                for i in range(m):
                    value = raw[(raw_n - m + i) % len(raw)]
                    x_ring[i] = value
                    insert_sorted(x_sorted, nx, value)
                    nx += 1
                    total += value
                clean = nx
                middle = median_sorted(x_sorted, nx)
                for i in range(m):
                    e = abs(x_ring[i] - middle)
                    e_ring[ne] = e
                    insert_sorted(e_sorted, ne, e)
                    ne += 1
                e_seen = ne
                ewma = total / nx
                last = x
                holt_l = x
                holt_b = 0.0
                pend_n = 0
                out_run = 0
                zs[:] = 0.0
                zn = 0
                r_m = ratio
                r_n = 3.0
        else:
            out_run = 0
            pend_n = 0
            if nx > 0:
                e = abs(error)
                if ne == window:
                    at = e_seen % window
                    remove_sorted(e_sorted, ne, e_ring[at])
                    e_ring[at] = e
                    insert_sorted(e_sorted, ne - 1, e)
                else:
                    e_ring[ne] = e
                    insert_sorted(e_sorted, ne, e)
                    ne += 1
                e_seen += 1
                change_n += 1.0
                d = abs(x - last)
                cap = 4.0 * change_s if change_n > 3.0 and change_s > 0.0 else d
                change_s += max(1.0 / change_n, 0.06) * (min(d, cap) - change_s)
            if nx == window:
                at = clean % window
                remove_sorted(x_sorted, nx, x_ring[at])
                x_ring[at] = x
                insert_sorted(x_sorted, nx - 1, x)
            else:
                x_ring[nx] = x
                insert_sorted(x_sorted, nx, x)
                nx += 1
            ewma = x if clean == 0 else ewma + 0.3 * (x - ewma)
            if holt_n == 0:
                holt_l = x
            elif holt_n == 1:
                holt_b = x - holt_l
                holt_l = x
            else:
                ahead = holt_l + holt_b
                level = ahead + 0.5 * (x - ahead)
                holt_b += 0.15 * (x - ahead)
                holt_l = level
            holt_n += 1
            last = x
            clean += 1
        if two_sided:
            r_n += 1.0
            dev = abs(ratio - r_m)
            cap = 4.0 * r_s if r_n > 3.0 and r_s > 0.0 else dev
            move = min(max(ratio - r_m, -cap), cap)
            r_m += max(1.0 / r_n, 0.06) * move
            if r_n > 1.0:
                r_s += max(1.0 / (r_n - 1.0), 0.06) * (min(dev, cap) - r_s)
        if brk:
            run += 1
            breaks += 1.0
            size_n += 1.0
            ls = math.log(max(abs(x), unit))
            d = ls - size_m
            size_m += d / size_n
            size_q += d * (ls - size_m)
        else:
            run = 0
        rows += 1.0
        for i in range(9, 0, -1):
            recent[i] = recent[i - 1]
        recent[0] = 1 if brk else 0
        older = 0.0
        for i in range(4):
            older += recent[i]
        rate_5 = (breaks - older) / max(rows - 4.0, 1.0)
        for i in range(4, 9):
            older += recent[i]
        rate_10 = (breaks - older) / max(rows - 9.0, 1.0)
    if past_rows > 0:
        ends = (3 if past_sparse else 0) + (2 if past_wild else 1 if past_any else 0)
        tally[T_SERIES + ends] += 1
        tally[T_SERIES_ROWS + ends] += past_rows


@njit(cache=True, parallel=True)
def _walk_all(
    offsets: npt.NDArray[np.int64],
    current: npt.NDArray[np.bool_],
    excluded: npt.NDArray[np.bool_],
    day: npt.NDArray[np.int32],
    diff: npt.NDArray[np.int64],
    left: npt.NDArray[np.int64],
    right: npt.NDArray[np.int64],
    is_break: npt.NDArray[np.bool_],
    tolerance: npt.NDArray[np.int64],
    unit: float,
    two_sided: bool,
    slot_a: npt.NDArray[np.int16],
    slot_b: npt.NDArray[np.int16],
    n_a: int,
    n_b: int,
    pace: npt.NDArray[np.int64],
    prior: npt.NDArray[np.float64],
    store_all: bool,
    out_start: npt.NDArray[np.int64],
    chunks: npt.NDArray[np.int64],
    wide: npt.NDArray[np.float64],
    narrow: npt.NDArray[np.float32],
    hist: npt.NDArray[np.int32],
    tally: npt.NDArray[np.int64],
) -> None:
    for c in prange(len(chunks) - 1):
        window, restart = pace[0], pace[2]
        x_ring = np.zeros(max(window, restart) + 1)
        x_sorted = np.zeros(max(window, restart) + 1)
        e_ring = np.zeros(max(window, restart) + 1)
        e_sorted = np.zeros(max(window, restart) + 1)
        raw = np.zeros(max(BOLLINGER, restart))
        pend = np.zeros(restart + 1)
        hour = np.zeros((4, 24))
        ring = np.zeros((3, n_a + n_b, 5))
        count = np.zeros(n_a + n_b, np.int64)
        gain = np.zeros((3, n_a + n_b))
        tries = np.zeros(n_a + n_b)
        slot_error = np.zeros((3, n_a + n_b))
        s = np.zeros(WALKED)
        zs = np.zeros(5)
        recent = np.zeros(10, np.int64)
        begun = np.zeros(10, np.int64)
        for i in range(chunks[c], chunks[c + 1]):
            zs[:] = 0.0
            _walk_series(
                offsets[i], offsets[i + 1], current, excluded, day, diff, left, right, is_break, tolerance,
                unit, two_sided, slot_a, slot_b, n_a, pace, prior[i], store_all, out_start[i],
                wide, narrow, hist[c], tally[c], x_ring, x_sorted, e_ring, e_sorted, raw, pend, ring, count, gain,
                tries, slot_error, s, zs, recent, begun, hour,
            )  # fmt: skip
