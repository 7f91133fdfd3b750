"""Messages with their deliveries, and discussions with their turns."""

from apps.messaging.models.discussion import Discussion, Turn
from apps.messaging.models.message import Delivery, Message

__all__ = ["Delivery", "Discussion", "Message", "Turn"]
