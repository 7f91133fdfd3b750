"""What needs me, plans, and the moves of a review."""

from apps.reviews.views.home import digest, digest_seen, home
from apps.reviews.views.plans import (
    plan,
    plan_anywhere,
    plan_decide,
    plan_new,
    plan_revise,
    plan_step,
    plan_submit,
    plan_withdraw,
    plans,
)
from apps.reviews.views.verbs import review

__all__ = [
    "digest",
    "digest_seen",
    "home",
    "plan",
    "plan_anywhere",
    "plan_decide",
    "plan_new",
    "plan_revise",
    "plan_step",
    "plan_submit",
    "plan_withdraw",
    "plans",
    "review",
]
