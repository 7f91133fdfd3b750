from __future__ import annotations

from pathlib import Path

import pytest

from tests.claude.trees import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty `~/.claude` for a team called crew."""
    return Home(tmp_path / "claude")
