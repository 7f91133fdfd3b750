"""The tools, a module for each subject."""

from __future__ import annotations

from importlib import import_module

SUBJECTS = ("start", "tasks", "plans", "reviews", "talk", "discussions", "files")


def load() -> None:
    """Register every tool, in the order in which clients list them."""
    for subject in SUBJECTS:
        import_module(f"{__name__}.{subject}")
