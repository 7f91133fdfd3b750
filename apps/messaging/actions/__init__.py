"""Everything that changes a message or a discussion. Each function is one action."""

from apps.messaging.actions.discussions import (
    cancel,
    conclude,
    open_discussion,
    sweep_deadlocks,
    take_turn,
)
from apps.messaging.actions.permissions import answer_permission
from apps.messaging.actions.posting import mark_answered, post
from apps.messaging.actions.reading import (
    archive,
    clear_inbox,
    deliver,
    mark_all_read,
    mark_read,
    unarchive,
)
from apps.messaging.actions.sending import send_message
from apps.messaging.actions.shutdown import answer_shutdown, request_shutdown
from apps.messaging.actions.switches import choose_notices

__all__ = [
    "answer_permission",
    "answer_shutdown",
    "archive",
    "cancel",
    "choose_notices",
    "clear_inbox",
    "conclude",
    "deliver",
    "mark_all_read",
    "mark_answered",
    "mark_read",
    "open_discussion",
    "post",
    "request_shutdown",
    "send_message",
    "sweep_deadlocks",
    "take_turn",
    "unarchive",
]
