"""A whole team as one JSON document, and back: on another server, or under another address.

Members go by their names, cards by their numbers; whatever has no name of its own is numbered
within the document. Tokens, invitations and the places of files on a server stay behind.
"""

from apps.api.interchange.reading import import_team
from apps.api.interchange.tables import FORMAT, VERSION
from apps.api.interchange.writing import export_team

__all__ = ["FORMAT", "VERSION", "export_team", "import_team"]
