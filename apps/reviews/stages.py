"""Who may decide a plan at which stage. A stage names a role, a permission, or "staff"."""

from __future__ import annotations

from collections.abc import Sequence

from apps.teams.models import Member
from apps.teams.permissions import Permission, Role

STAFF = "staff"


def is_staff(member: Member) -> bool:
    """Whether the seat's account may decide plans at the desk."""
    user = member.user
    return bool(user and user.is_active and user.is_staff and user.has_perm("reviews.decide_plan"))


def holds(stage: str, member: Member) -> bool:
    """Whether the stage is the member's own, by role, permission or account."""
    if stage == STAFF:
        return is_staff(member)
    if stage in Role.values:
        return member.role == stage
    if stage in Permission.values:
        return member.can(stage)
    return member.can(Permission.DECIDE_PLANS)


def may_decide(stages: Sequence[str], index: int, member: Member) -> bool:
    """Whether the live `member` may decide the stage at `index`; authorship aside.

    Who may decide plans stands in for a role, unless another of the stages is theirs: nobody takes
    the place of a leader and then decides again as what they are.
    """
    if member.left_at is not None or Permission.DECIDE_PLANS in member.denied:
        return False
    stage = stages[index]
    if holds(stage, member):
        return True
    others = [other for place, other in enumerate(stages) if place != index]
    stands_in = member.can(Permission.DECIDE_PLANS) or is_staff(member)
    return stage in Role.values and stands_in and not any(holds(o, member) for o in others)


def label(stage: str) -> str:
    """The stage as a noun for people: "a leader", "staff", "who may review"."""
    if stage == STAFF:
        return "staff"
    if stage in Role.values:
        return f"a{'n' if stage == Role.OBSERVER else ''} {stage}"
    if stage in Permission.values:
        return f"who may {Permission(stage).label.lower()}"
    return stage
