"""What goes in and out of the doors for agents, as types."""

from apps.api.schemas.briefings import *  # noqa: F403
from apps.api.schemas.journal import *  # noqa: F403
from apps.api.schemas.messages import *  # noqa: F403
from apps.api.schemas.plans import *  # noqa: F403
from apps.api.schemas.tasks import *  # noqa: F403
from apps.api.schemas.teams import *  # noqa: F403
