"""How a proof writes amounts: integers in, thousands separators or plain decimal text out, never a float."""


def figure(units: int, scale: int) -> str:
    """Integer units as a person writes them: no needless zeros, but two decimals where there are any.

    >>> figure(89704000, 3), figure(8970450, 2), figure(-988512, 4), figure(5, 3)
    ('89,704', '89,704.50', '-98.8512', '0.005')
    """
    return _written(units, scale, ",")


def plain(units: int, scale: int) -> str:
    """The same amount as decimal text for values.

    >>> plain(8970450, 2), plain(89704000, 3)
    ('89704.50', '89704')
    """
    return _written(units, scale, "")


def _written(units: int, scale: int, separator: str) -> str:
    units = int(units)
    sign = "-" if units < 0 else ""
    whole, part = divmod(abs(units), 10**scale)
    text = f"{whole:,}" if separator else str(whole)
    if part == 0:
        return sign + text
    decimals = str(part).zfill(scale).rstrip("0").ljust(2, "0")
    return f"{sign}{text}.{decimals}"


def day_text(day: int) -> str:
    """A day number as an ISO date.

    >>> day_text(19874)
    '2024-05-31'
    """
    from recon.calendar import to_date

    date = to_date(day)
    return date.isoformat() if date else "no date"


def listed(parts: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`.

    >>> listed(["1", "2", "3"])
    '1, 2 and 3'
    """
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
