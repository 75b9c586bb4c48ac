"""Plain text for Jira's wiki fields: what came from data shows as it is, and is never read as markup."""

_ESCAPED = str.maketrans({"\\": "&#92;", "{": "\\{", "[": "\\[", "!": "\\!", "|": "\\|"})


def plain_for_wiki(text: str) -> str:
    """No macro, link, mention, image or table comes out of the text.

    A backslash is written as an entity: doubled, it would be a line break and free what follows it.

    >>> plain_for_wiki("{code} [~admin] !a.png! a|b")
    '\\\\{code} \\\\[~admin] \\\\!a.png\\\\! a\\\\|b'
    """
    return text.translate(_ESCAPED)
