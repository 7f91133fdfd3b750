"""The follower for other machines as one file that Python runs: `follow.pyz`."""

from __future__ import annotations

import functools
import io
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MODULES = (
    "writing", "rows", "orders", "losses", "inotify", "catching", "remote", "remote_main",
)  # fmt: skip
MAIN = "import sys\n\nfrom apps.claude.remote_main import main\n\nsys.exit(main())\n"


@functools.cache
def program() -> bytes:
    """The archive, made of the very modules that run here."""
    sources = [HERE / f"{name}.py" for name in MODULES]
    sources += [ROOT / "apps" / "__init__.py", HERE / "__init__.py"]
    sources += sorted((HERE / "formats").glob("*.py"))
    buffer = io.BytesIO()
    buffer.write(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        for source in sources:
            archive.write(source, source.relative_to(ROOT).as_posix())
        archive.writestr("__main__.py", MAIN)
    return buffer.getvalue()
