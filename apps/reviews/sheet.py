"""Everything the page of one plan shows, read at once. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.safestring import SafeString

from apps.core import markdown
from apps.core.errors import DomainError, NotFound
from apps.core.text import as_number
from apps.reviews import diff
from apps.reviews.actions.deciding import check_decider
from apps.reviews.diff import Line, StepChange
from apps.reviews.models import Plan, PlanDecision, PlanStep, PlanVersion
from apps.reviews.models.plan import PlanState
from apps.reviews.stages import label
from apps.teams.lifecycle import Allows
from apps.teams.models import Member, Team


@dataclass(frozen=True)
class Stage:
    """One stage of the version that is shown, with its decision where there is one."""

    index: int
    name: str
    label: str
    decision: PlanDecision | None
    is_now: bool


@dataclass(frozen=True)
class PlanSheet:
    """A plan as somebody sees it, at one of its versions.

    `steps` and `lines` compare it with the version before. `refusal` says why the reader cannot
    decide it now, and is None where they can.
    """

    plan: Plan
    version: PlanVersion
    versions: list[PlanVersion]
    previous: PlanVersion | None
    body: SafeString
    steps: list[StepChange]
    lines: list[Line]
    stages: list[Stage]
    earlier: list[PlanDecision]
    refusal: DomainError | None

    @property
    def is_current(self) -> bool:
        """Whether this is the version that counts."""
        return self.version.number == self.plan.version

    @property
    def may_decide(self) -> bool:
        """Whether the reader may decide it now."""
        return self.is_current and self.plan.is_pending and self.refusal is None

    @property
    def done(self) -> int:
        """How many steps are behind."""
        return sum(step.state in ("done", "skipped") for step in self.steps)

    @property
    def is_reported(self) -> bool:
        """Whether steps have states to show."""
        return self.version.outcome == PlanVersion.Outcome.APPROVED

    @property
    def changed(self) -> int:
        """How many steps differ from the version before."""
        return sum(step.kind != "same" for step in self.steps) if self.previous else 0


def asked_version(text: str) -> int | None:
    """The version that an address asks for; None for the current one, 0 for one no plan has."""
    return (as_number(text) or 0) if text.isdecimal() else None


def sheet_for(plan: Plan, reader: Member | None, number: int | None = None) -> PlanSheet:
    """The plan at version `number` (the current one by default); three queries.

    `reader` is None for one who has no seat in the plan's team. Team, author and task must be
    loaded.
    """
    versions = list(plan.versions.prefetch_related("steps", "decisions__member").order_by("number"))
    chosen = _chosen(versions, plan.version if number is None else number)
    before = [v for v in versions if v.number < chosen.number and v.submitted_at is not None]
    previous = before[-1] if before else None
    last = next(reversed(_decisions(versions[-1])), None)
    return PlanSheet(
        plan=plan,
        version=chosen,
        versions=versions,
        previous=previous,
        body=rendered(plan.team, chosen.body),
        steps=_steps(previous, chosen),
        lines=diff.lines(previous.body, chosen.body) if previous else [],
        stages=_stages(plan, chosen),
        earlier=[d for v in reversed(before) for d in _decisions(v)],
        refusal=_refusal(plan, reader, last),
    )


def rendered(team: Team, text: str) -> SafeString:
    """Markdown whose task numbers lead to the cards of `team`."""

    def task_url(number: int) -> str | None:
        known = number <= team.task_watermark
        return reverse("task", args=[team.address, number]) if known else None

    return markdown.render(text, task_url=task_url)


def _chosen(versions: list[PlanVersion], number: int) -> PlanVersion:
    for version in versions:
        if version.number == number:
            return version
    raise NotFound(f"The plan has no version {number}.", code="version_not_found")


def _decisions(version: PlanVersion) -> list[PlanDecision]:
    return sorted(version.decisions.all(), key=lambda decision: decision.stage)


def _pairs(version: PlanVersion) -> list[tuple[str, str]]:
    return [(step.title, step.detail) for step in _in_order(version)]


def _in_order(version: PlanVersion) -> list[PlanStep]:
    return sorted(version.steps.all(), key=lambda step: step.index)


def _steps(previous: PlanVersion | None, version: PlanVersion) -> list[StepChange]:
    new = _pairs(version)
    found = diff.steps(_pairs(previous) if previous else new, new)
    states = {step.number: step.state for step in _in_order(version)}
    return [step._replace(state=states.get(step.number, "")) for step in found]


def _stages(plan: Plan, version: PlanVersion) -> list[Stage]:
    by_stage = {decision.stage: decision for decision in version.decisions.all()}
    if version.number != plan.version:
        return [
            Stage(d.stage, d.stage_name, label(d.stage_name), d, is_now=False)
            for d in _decisions(version)
        ]
    names = plan.stages or plan.team.approval_stages
    now = plan.stage if plan.is_pending else -1
    return [
        Stage(index, name, label(name), by_stage.get(index), is_now=index == now)
        for index, name in enumerate(names)
    ]


def _refusal(plan: Plan, reader: Member | None, last: PlanDecision | None) -> DomainError | None:
    if reader is None or plan.state == PlanState.DRAFT:
        return NotFound("Nothing is to be decided here.")
    try:
        reader.require_seat()
        plan.team.require(Allows.DECISIONS)
        check_decider(reader, plan, last, version=plan.version, stage=plan.stage)
    except DomainError as refusal:
        return refusal
    return None
