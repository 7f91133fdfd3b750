"""The pages of messages and discussions."""

from apps.messaging.views.discussions import (
    discussion,
    discussion_cancel,
    discussion_conclude,
    discussion_turn,
    discussions,
)
from apps.messaging.views.inbox import (
    inbox,
    inbox_all,
    inbox_all_read,
    inbox_clear,
    inbox_read_all,
)
from apps.messaging.views.letters import (
    message,
    message_answer,
    message_archive,
    message_new,
    message_read,
    message_reply,
    message_unarchive,
    shutdown,
)
from apps.messaging.views.notices import inbox_news, notices

__all__ = [
    "discussion",
    "discussion_cancel",
    "discussion_conclude",
    "discussion_turn",
    "discussions",
    "inbox",
    "inbox_all",
    "inbox_all_read",
    "inbox_clear",
    "inbox_news",
    "inbox_read_all",
    "message",
    "message_answer",
    "message_archive",
    "message_new",
    "message_read",
    "message_reply",
    "message_unarchive",
    "notices",
    "shutdown",
]
