"""The desk: the queue of plans that wait for a decision, and one plan with all that it takes.

Django's own admin; what may be written goes through the actions, and only by POST.
"""

from apps.reviews.admin.plans import Plans
from apps.reviews.admin.rounds import Reviews

__all__ = ["Plans", "Reviews"]
