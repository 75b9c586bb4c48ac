"""The comment that documents a break where no precedent lends one: its proved cause and its pattern."""

from dataclasses import dataclass

from agents.brief import Sources, cause_label, pattern_label
from detectors.grouping import Finding, Judged
from recon.recon_file import ReconFile


def documenting(*, in_line: bool, cause: str, pattern: str, proof: str = "") -> str:
    """`cause` and `pattern` are labels, the cause's empty where none was proved; `proof` is its sentence.

    A break in line shares its comment with others, so the sentence of one proof does not stand in it.

    >>> documenting(in_line=True, cause="Rounding", pattern="Outstanding balances are in line with previous months")
    'Rounding; outstanding balances are in line with previous months'
    >>> documenting(in_line=False, cause="Sign reversed", pattern="Huge spike", proof="5 on GL is -5 on IHub")
    'Sign reversed: 5 on GL is -5 on IHub.'
    >>> documenting(in_line=False, cause="", pattern="Huge spike in outstanding balances")
    'Huge spike in outstanding balances'
    """
    if not cause:
        return pattern
    if in_line or not proof:
        return f"{cause}; {pattern[:1].lower()}{pattern[1:]}"
    return f"{cause}: {proof.strip().rstrip('.')}."


@dataclass(frozen=True)
class Documenter:
    """Words the documenting comment of any finding of a run."""

    judged: Judged
    said: ReconFile
    sources: Sources

    def comment(self, finding: Finding) -> str:
        """The comment for one finding."""
        panel, position = finding
        proof = self.judged.best_proof(finding)
        return documenting(
            in_line=self.judged.judgements[panel].anomaly[position] != 1,
            cause=cause_label(proof.cause, self.said, self.sources) if proof else "",
            pattern=pattern_label(self.judged.pattern(finding), self.said),
            proof=proof.statement if proof else "",
        )
