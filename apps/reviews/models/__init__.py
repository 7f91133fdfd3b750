"""How finished work was judged, and what agents intend to do and were allowed to."""

from apps.reviews.models.plan import Plan, PlanDecision, PlanStep, PlanVersion
from apps.reviews.models.review import Review

__all__ = ["Plan", "PlanDecision", "PlanStep", "PlanVersion", "Review"]
