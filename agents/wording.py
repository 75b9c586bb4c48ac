"""The deterministic wording: every agent's answer by rule, from the brief alone. True by construction.

The offline model speaks these words, and they stand in wherever a model's own words fail the grounding gate.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from agents.documenting import documenting
from agents.views import LONGEST
from agents.wishes import read_wish, revise

Brief = Mapping[str, Any]


def _of_kind(brief: Brief, *kinds: str) -> list[Mapping[str, Any]]:
    return [e for kind in kinds for e in brief["evidence"] if e["kind"] == kind]


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    if not text:
        return ""
    return text if text.rstrip("»")[-1:] in (".", "!", "?") else text + "."


def _stated(evidence: Sequence[Mapping[str, Any]]) -> str:
    said = ((_sentence(e["statement"]).removesuffix("."), e["id"]) for e in evidence if e["statement"].strip())
    return " ".join(f"{statement} [{ident}]." for statement, ident in said)


def _ids(evidence: Sequence[Mapping[str, Any]]) -> list[str]:
    return [e["id"] for e in evidence]


def side_name(brief: Brief) -> str:
    """The suspect source's own name, or an empty text."""
    side = brief["case"]["suspect_side"]
    if side == "both":
        return f"{brief['sources']['left']} and {brief['sources']['right']}"
    return str(brief["sources"].get(side, ""))


def detector_view(brief: Brief) -> dict[str, Any]:
    """Why the case is out of pattern, or why it is not."""
    proof = _of_kind(brief, "band", "series", "onset")[:2] or _of_kind(brief, "break")[:1] or brief["evidence"][:1]
    case = brief["case"]
    if not proof:
        return {
            "verdict": "abstain",
            "why": "There is no evidence on how this series behaved before.",
            "settled_by": "history of the same key",
            "cites": [],
        }
    opening = (
        "The breaks are in line with their own past"
        if case["kind"] == "document"
        else "The breaks are out of pattern for their series"
    )
    if case["pattern"] == "insufficient_history":
        opening = "There is not enough history to say what is usual here"
    return {"verdict": "agree", "why": f"{opening}: {_stated(proof)}", "cites": _ids(proof)}


BOTH: Final = "in both sources"


def classifier_view(brief: Brief) -> dict[str, Any]:
    """Pattern and cause, with what proves them."""
    case = brief["case"]
    proofs = _of_kind(brief, "proof", "pair", "side")[:2]
    shape = _of_kind(brief, "band", "series", "break")[:1]
    if case["cause"] == "unknown":
        why = f"{case['pattern_label']}. No mechanism was found that explains the amounts. {_stated(shape)}"
        settled = f"the entries behind the difference {BOTH}"
        return {
            "verdict": "abstain" if not shape else "agree",
            "pattern": case["pattern"],
            "cause": "unknown",
            "why": why.strip(),
            "settled_by": settled,
            "cites": _ids(shape),
        }
    why = f"{case['pattern_label']}. {case['cause_label']}: {_stated(proofs or shape)}"
    return {
        "verdict": "agree",
        "pattern": case["pattern"],
        "cause": case["cause"],
        "why": why.strip(),
        "cites": _ids(proofs or shape),
    }


def _precedent(brief: Brief) -> str:
    found = brief["consensus"]
    if not found:
        return ""
    return f"{found['statement']}: «{found['comment']}»."


def next_step(brief: Brief) -> str:
    """What to do first, without a figure in it."""
    case = brief["case"]
    side = side_name(brief)
    if case["kind"] == "document":
        return "Document the breaks with the comment proposed."
    where = f"in {side}" if side and case["suspect_side"] in ("left", "right") else BOTH
    if not case["scope"] and _of_kind(brief, "slice") and case["cause"] != "reference_data":
        return f"Check how the whole feed of the day came {where} before any single entry is corrected."
    match case["cause"]:
        case "missing_left" | "missing_right":
            return f"Ask why the entry is not there {where}, and whether it is late or lost."
        case "timing" | "lag" | "stale":
            return f"Check whether today's feed has arrived {where} before anything is corrected."
        case "duplicate" | "misposting" | "sign_flip" | "scale" | "digit_slip":
            known = where != BOTH
            return (
                f"Have the entry corrected {where}." if known else "Find the side that is wrong, and have it corrected."
            )
        case "reference_data":
            return f"Find which source holds the right details, and have the other one corrected; look {where} first."
        case "fx_rate" | "price" | "factor_rounding":
            return f"Compare the rate or price that each source used, {where} first."
        case "unknown" | "new":
            return f"Look at the entries behind the difference {where}; no mechanism explains it yet."
        case _:
            return f"Check the entries {where}."


def _fitting(text: str) -> str:
    """A key of thousands of characters stands in every statement; what does not fit is in the evidence."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def analyst_view(brief: Brief) -> dict[str, Any]:
    """The summary that an operator reads first."""
    case = brief["case"]
    slices = _of_kind(brief, "slice")[:1]
    proofs = _of_kind(brief, "proof", "pair")[:1]
    shape = _of_kind(brief, "band")[:1] or _of_kind(brief, "break")[:1]
    sides = _of_kind(brief, "side")[:1]
    promises = _of_kind(brief, "promise")[:1]
    used = [*slices, *proofs, *shape, *sides, *promises]
    precedents = _of_kind(brief, "similar")[:1] if brief["consensus"] else []
    parts = [_sentence(case["title"]), _stated(used)]
    if case["cause"] == "unknown" and not proofs:
        parts.append("No mechanism was found that explains the amounts.")
    parts += [_sentence(_precedent(brief)), next_step(brief)]
    hypotheses = [
        {"cause": h["cause"], "statement": h["statement"], "confidence": h["confidence"], "cites": h["cites"]}
        for h in brief["hypotheses"]
    ]
    return {
        "verdict": "agree",
        "summary": _fitting(" ".join(part for part in parts if part)),
        "hypotheses": hypotheses[:5],
        "next_step": next_step(brief),
        "cites": list(dict.fromkeys(_ids([*used, *precedents]))),
    }


def comment_for(brief: Brief) -> str:
    """The comment that documents the breaks: the desk's own where there is a precedent."""
    found = brief["consensus"]
    if found:
        return str(found["comment"])
    case = brief["case"]
    proofs = _of_kind(brief, "proof", "pair")[:1] if case["cause"] not in ("unknown", "", "new") else []
    return documenting(
        in_line=case["kind"] == "document",
        cause=case["cause_label"] if proofs else "",
        pattern=case["pattern_label"],
        proof=proofs[0]["statement"] if proofs else "",
    )


def planner_view(brief: Brief) -> dict[str, Any]:
    """The drafts' wording."""
    case = brief["case"]
    analyst = analyst_view(brief)
    asked = next_step(brief)
    cause = case["cause_label"] if case["cause"] not in ("unknown", "") else case["pattern_label"]
    where = ", ".join(f"{column} {value}" for column, value in (case["scope"] or case["key"]).items())
    title = f"{cause}: {where}" if where else case["title"]
    facts = analyst["summary"].replace(asked, "").removeprefix(_sentence(case["title"])).strip()
    body = "\n\n".join(part for part in (facts, asked) if part)
    rationale = _rationale(brief)
    if brief["wish"]:
        body = revise(body, read_wish(brief["wish"]))
        rationale = f"{rationale} Made anew as the operator asked."
    return {
        "title": title[:180],
        "body": _fitting(body),
        "comment": comment_for(brief)[:400],
        "rationale": rationale[:400],
        "cites": analyst["cites"],
    }


def _rationale(brief: Brief) -> str:
    found = brief["consensus"]
    case = brief["case"]
    if found:
        return f"{found['statement']}."
    if case["kind"] == "document":
        return "The breaks are in line with their own past; the comment documents that they are valid."
    if case["cause"] == "unknown":
        return "The breaks are out of pattern and no mechanism explains them; somebody has to look at the entries."
    return f"{case['cause_label']} is proved by arithmetic; the ticket asks for the correction."
