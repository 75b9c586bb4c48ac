"""What each agent must answer: one typed form per node, given to the model as its answer tool."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from recon.words import Cause, Pattern

Short = Annotated[str, StringConstraints(max_length=400)]
LONGEST: Final = 4000
Text = Annotated[str, StringConstraints(max_length=LONGEST)]
Verdict = Literal["agree", "disagree", "abstain"]


class View(BaseModel):
    """What every answer has: the evidence it rests on."""

    model_config = ConfigDict(extra="ignore")

    cites: list[str] = Field(description="Evidence ids that every claim rests on, such as E1")


class DetectorView(View):
    """Whether the break is out of pattern, and why."""

    verdict: Verdict = Field(description="agree or disagree with the computed answer, or abstain")
    why: Text = Field(description="One to three sentences that state only what the cited evidence states")
    settled_by: Short = Field(default="", description="When abstaining: what would settle it")


class ClassifierView(View):
    """Which bucket the case belongs in."""

    verdict: Verdict = Field(description="agree or disagree with the computed pattern and cause, or abstain")
    pattern: Pattern = Field(description="The pattern you would file it under")
    cause: Cause = Field(description="The cause you would file it under; unknown without proof")
    new_name: Short = Field(default="", description="A short name, when pattern or cause is new")
    why: Text = Field(description="One to three sentences that state only what the cited evidence states")
    settled_by: Short = Field(default="", description="When abstaining: what would settle it")


class HypothesisView(BaseModel):
    """One possible cause."""

    model_config = ConfigDict(extra="ignore")

    cause: Cause
    statement: Short
    confidence: float = Field(ge=0, le=1)
    cites: list[str]


class AnalystView(View):
    """What happened, in the words that an operator reads first."""

    verdict: Verdict = Field(description="agree or disagree with the computed cause, or abstain")
    summary: Text = Field(description="Three to five sentences that state only what the cited evidence states")
    hypotheses: list[HypothesisView] = Field(default_factory=list, max_length=5)
    next_step: Short = Field(default="", description="What the operator should do first")


class PlannerView(View):
    """The wording of the drafts; every destination and figure is put in by code."""

    title: Annotated[str, StringConstraints(max_length=180)] = Field(description="The ticket's title, one line")
    body: Text = Field(description="What happened and what is asked for, two to six sentences")
    comment: Short = Field(default="", description="The comment that documents the breaks")
    rationale: Short = Field(description="Why these drafts, one or two sentences for the approver")


ANSWERS: dict[str, type[View]] = {
    "detector": DetectorView,
    "classifier": ClassifierView,
    "analyst": AnalystView,
    "planner": PlannerView,
}
