"""Everything that judges work or decides plans. Each function is one action."""

from apps.reviews.actions.deciding import decide_plan
from apps.reviews.actions.desk import decide_at_desk
from apps.reviews.actions.digest import mark_digest_seen
from apps.reviews.actions.plans import (
    create_plan,
    propose_plan,
    revise_plan,
    submit_plan,
    withdraw_plan,
)
from apps.reviews.actions.repairs import replace_reviewer, resolve_conflict
from apps.reviews.actions.rounds import (
    approve,
    reopen,
    request_changes,
    request_review,
    withdraw_review,
)
from apps.reviews.actions.steps import report_step

__all__ = [
    "approve",
    "create_plan",
    "decide_at_desk",
    "decide_plan",
    "mark_digest_seen",
    "propose_plan",
    "reopen",
    "replace_reviewer",
    "report_step",
    "request_changes",
    "request_review",
    "resolve_conflict",
    "revise_plan",
    "submit_plan",
    "withdraw_plan",
    "withdraw_review",
]
