"""What waits for a person in all their teams, the longest waiting first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.messaging.models import Delivery, Message
from apps.messaging.notices import Why, headline
from apps.reviews.calls import call_on
from apps.reviews.models import Plan
from apps.reviews.models.plan import PlanQuerySet, PlanState
from apps.reviews.scope import Scope
from apps.reviews.stages import may_decide
from apps.tasks.models import Task
from apps.tasks.models.task import Asked, TaskQuerySet
from apps.tasks.moves import Column, ReviewState, Status
from apps.teams.lifecycle import Allows
from apps.teams.models import Member, Team, User

MOST = 100
HEAVY = (
    "task__description", "task__metadata",
    *(f"{who}__{field}" for who in ("author", "task__owner") for field in ("prompt", "metadata")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that waits for a person since a moment; `limit` is how many seconds it may.

    `kind` is plan, review, replace, question, permission, stalled, conflict or mention; `key`
    names it in addresses; `thing` is the plan, card or copy of a message. `warning` is what speaks
    against it by now.
    """

    kind: str
    thing: Any
    seat: Member
    since: datetime
    title: str
    about: str
    limit: int | None = None
    warning: str = ""

    @property
    def key(self) -> str:
        """Its name in addresses."""
        return f"{self.kind}-{self.thing.pk}"

    @property
    def team(self) -> Team:
        """The team it belongs to."""
        return self.seat.team

    @property
    def seconds(self) -> int:
        """How long it has been waiting."""
        return max(0, int((timezone.now() - self.since).total_seconds()))

    @property
    def level(self) -> str:
        """`late` over the team's limit, `soon` over half of it, else nothing."""
        if self.limit is None:
            return ""
        if self.seconds >= self.limit:
            return "late"
        return "soon" if self.seconds * 2 >= self.limit else ""

    @property
    def limit_off(self) -> int:
        """The limit as what a running clock of the lateness starts at."""
        return -(self.limit or 0)


def needs_of(scope: Scope) -> list[Need]:
    """Everything that waits for the person, at most `MOST` of each kind; one query each."""
    if not scope.seats:
        return []
    found = [
        *_plans(scope),
        *_reviews(scope),
        *_questions(scope),
        *_stalled(scope),
        *_moved_on(scope),
        *_letters(scope),
    ]
    if all(number < MOST for number in Counter(need.kind for need in found).values()):
        vars(scope.user)["_needs_count"] = len(found)
    return sorted(found, key=lambda need: (need.since, need.key))


def needs_count(user: User) -> int:
    """How much waits for a person; eight small queries, or none where `user` was just asked."""
    known: int | None = vars(user).pop("_needs_count", None)
    if known is not None:
        return known
    scope = Scope.of(user)
    if not scope.seats:
        return 0
    rows = plans_for(scope).order_by().values_list("team_id", "stages", "stage")
    plans = sum(
        number
        for team, stages, stage, number in rows.annotate(Count("pk"))
        if may_decide(stages, stage, scope.by_team[team])
    )
    cards = (reviews_for, questions_for, stalled_for, moved_on_for)
    waiting = sum(find(scope).order_by().count() for find in cards)
    return int(plans + waiting + letters_for(scope).count())


def plans_for(scope: Scope) -> PlanQuerySet:
    """Pending plans of others in the person's teams; whose stage it is, is told by `may_decide`."""
    pending = Plan.objects.filter(state=PlanState.PENDING, team__in=scope.deciding)
    return pending.exclude(author__in=scope.seats).order_by("submitted_at", "pk")


def _plans(scope: Scope) -> Iterable[Need]:
    seen = 0
    for plan in (
        plans_for(scope)
        .select_related("author", "task__owner")
        .defer(*HEAVY)
        .iterator(chunk_size=MOST)
    ):
        seat = scope.by_team[plan.team_id]
        if not may_decide(plan.stages, plan.stage, seat) or plan.submitted_at is None:
            continue
        plan.team = seat.team
        place = f"#{plan.task.number} · " if plan.task else ""
        stage = f" · stage {plan.stage_name}" if len(plan.stages) > 1 else ""
        steps = f" · {plan.step_count} steps" if plan.step_count else ""
        title = f"Plan: {plan.title}" + (f", v{plan.version}" if plan.version > 1 else "")
        about = f"{place}{plan.author.name}{stage}{steps}"
        limit = _limit(seat.team)
        yield Need("plan", plan, seat, plan.submitted_at, title, about, limit, plan.taken)
        seen += 1
        if seen >= MOST:
            return


def _limit(team: Team) -> int | None:
    return team.review_sla_minutes * 60 if team.review_sla_minutes else None


def reviews_for(scope: Scope) -> TaskQuerySet:
    """Cards whose verdict waits for the person: chosen ones, ones that nobody was chosen for, and
    in teams the person leads those that are late or that nobody can give it to any more.
    """
    waiting = Task.objects.filter(
        board_column=Column.REVIEW, status=Status.COMPLETED, needs_input=Asked.NOBODY,
        internal=False,
    )  # fmt: skip
    anyones = Q(reviewer__in=scope.seats) | Q(reviewer=None)
    mine = anyones & Q(team__in=scope.reviewing) & ~Q(owner__in=[s.pk for s in _strict(scope)])
    return waiting.filter(mine | _to_replace(scope)).order_by("review_requested_at", "pk")


def _strict(scope: Scope) -> list[Member]:
    return [seat for seat in scope.seats if not seat.team.allow_self_approval]


def _to_replace(scope: Scope) -> Q:
    leading = [team for team in scope.leading if team in scope.deciding]
    gone = Q(reviewer__left_at__isnull=False) | Q(reviewer__terminated_at__isnull=False)
    own = Q(reviewer=F("owner"), team__in=[seat.team_id for seat in _strict(scope)])
    unfit = gone | own | Q(reviewer__in=scope.unfit) | _for_nobody(scope)
    found = Q(team__in=leading) & unfit
    for minutes, teams in _by_limit(scope, leading).items():
        limit = timezone.now() - timedelta(minutes=minutes)
        found |= Q(team__in=teams, reviewer__isnull=False, review_requested_at__lt=limit)
    return found


def _for_nobody(scope: Scope) -> Q:
    """No reviewer was chosen, and nobody but perhaps the owner may be one."""
    strict = {seat.team_id for seat in _strict(scope)}
    nobody = [team for team, judges in scope.judges.items() if not judges]
    alone = [pks[0] for team, pks in scope.judges.items() if len(pks) == 1 and team in strict]
    return Q(reviewer=None) & (Q(team__in=nobody) | Q(owner__in=alone))


def _by_limit(scope: Scope, leading: list[int]) -> dict[int, list[int]]:
    limits: dict[int, list[int]] = {}
    for team in leading:
        minutes = scope.by_team[team].team.review_sla_minutes
        if minutes:
            limits.setdefault(minutes, []).append(team)
    return limits


def _reviews(scope: Scope) -> Iterable[Need]:
    for task in _lean(reviews_for(scope))[:MOST]:
        seat = _home(scope, task)
        call, reviewer = call_on(seat, task, scope.judges.get(task.team_id)), task.reviewer
        if call is None:
            continue
        facts = [f"{task.owner.name} completed it" if task.owner else "It is completed"]
        if task.review_round > 1:
            facts.append(f"round {task.review_round}")
        if call.kind == "replace":
            facts.append(f"{reviewer.name} reviews it" if reviewer else "nobody can review it")
        about = " · ".join(facts)
        since = task.review_requested_at or task.updated_at
        title = f"Review #{task.number} {task.subject}"
        yield Need(call.kind, task, seat, since, title, about, _limit(seat.team))


def _lean(tasks: TaskQuerySet) -> TaskQuerySet:
    """With people, but without what a line of the list never shows."""
    heavy = ("prompt", "metadata", "cwd")
    people = [f"{who}__{field}" for who in ("owner", "reviewer") for field in heavy]
    return tasks.with_people().defer("description", "metadata", *people)


def _home(scope: Scope, task: Task) -> Member:
    seat = scope.by_team[task.team_id]
    task.team = seat.team
    return seat


def questions_for(scope: Scope) -> TaskQuerySet:
    """Cards that ask the person, by the roles the person has; never their own."""
    lead = Q(needs_input=Asked.LEAD, team__in=scope.leading)
    human = Q(needs_input=Asked.HUMAN, team__in=scope.managing)
    teams = {*scope.leading, *scope.managing}
    asking = Task.objects.filter(asked_at__isnull=False, team__in=teams, internal=False)
    open_ones = asking.filter(lead | human).exclude(owner__in=scope.seats)
    return (
        open_ones.exclude(status=Status.DELETED)
        .exclude(review_state=ReviewState.APPROVED, status=Status.COMPLETED)
        .order_by("asked_at", "pk")
    )


def _questions(scope: Scope) -> Iterable[Need]:
    for task in _lean(questions_for(scope))[:MOST]:
        seat = _home(scope, task)
        who = task.owner.name if task.owner else f"#{task.number}"
        since = task.asked_at or task.updated_at
        title, about = f"{who} asks: {task.question}", f"#{task.number} {task.subject}"
        yield Need("question", task, seat, since, title, about, _limit(seat.team))


def stalled_for(scope: Scope) -> TaskQuerySet:
    """Running cards whose owner is silent or gone, in teams where the person can release them."""
    gone = Q(owner__terminated_at__isnull=False) | Q(owner__left_at__isnull=False)
    return Task.objects.filter(
        Q(stalled_at__isnull=False) | gone, board_column=Column.IN_PROGRESS, owner__isnull=False,
        needs_input=Asked.NOBODY, internal=False, team__in=_steering(scope),
    ).order_by("stalled_at", "pk")  # fmt: skip


def moved_on_for(scope: Scope) -> TaskQuerySet:
    """Cards that show as reviewed although their work is not completed any more."""
    return Task.objects.filter(
        completed_at__isnull=True, status__in=(Status.PENDING, Status.IN_PROGRESS), internal=False,
        review_state__in=(ReviewState.REVIEW, ReviewState.APPROVED), needs_input=Asked.NOBODY,
        team__in=_steering(scope),
    ).order_by("updated_at", "pk")  # fmt: skip


def _steering(scope: Scope) -> list[int]:
    return [team for team in scope.managing if scope.by_team[team].team.allows(Allows.WORK)]


def _stalled(scope: Scope) -> Iterable[Need]:
    for task in _lean(stalled_for(scope))[:MOST]:
        seat, owner = _home(scope, task), task.owner
        who = f"{owner.name} {owner.ended or 'is silent'}" if owner else "Its owner is silent"
        title = f"{who} with #{task.number} in progress"
        seen = (owner.left_at or owner.terminated_at or owner.last_seen_at) if owner else None
        since = seen or task.stalled_at or task.updated_at
        yield Need("stalled", task, seat, since, title, task.subject, seat.team.stall_minutes * 60)


def _moved_on(scope: Scope) -> Iterable[Need]:
    for task in _lean(moved_on_for(scope))[:MOST]:
        seat = _home(scope, task)
        title = f"#{task.number} {task.subject} went on after its review began"
        now = Status(task.status).label.lower()
        about = f"It shows as {task.column.label}, but is {now} again"
        yield Need("conflict", task, seat, task.updated_at, title, about)


def letters_for(scope: Scope) -> QuerySet[Delivery]:
    """Unread mentions of the person, and requests for permissions that nobody answered."""
    mention = Q(why=Why.MENTION, read_at=None)
    answers = Message.objects.filter(reply_to=OuterRef("message"), kind="permission_response")
    asked = Q(
        ~Exists(answers), why=Why.QUESTION, answered_at=None, message__kind="permission_request",
        message__sender__left_at=None,
    )  # fmt: skip
    # `why` first, by itself: few copies pass it, and only those are looked up among the messages.
    kept = Delivery.objects.filter(recipient__in=scope.hearing, archived_at=None)
    return kept.filter(why__in=(Why.MENTION, Why.QUESTION)).filter(mention | asked).order_by("pk")


def _letters(scope: Scope) -> Iterable[Need]:
    for copy in (
        letters_for(scope).select_related("message__sender").defer("message__native")[:MOST]
    ):
        seat = scope.by_team[copy.message.team_id]
        copy.recipient = seat
        message, who = copy.message, copy.message.sender.name
        if message.kind == "permission_request":
            about, limit = f"{who} waits for an answer", _limit(seat.team)
            yield Need("permission", copy, seat, message.sent_at, headline(message), about, limit)
            continue
        title = f"{who} mentions you: {headline(message)}"
        yield Need("mention", copy, seat, message.sent_at, title, "")
