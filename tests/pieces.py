"""Runs pieces of Python beside a site, one a line, in one process; `Site.shell` talks to it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import traceback


def main() -> None:
    """Answer each line of stdin, a piece of code as JSON, with what it printed or its error."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "teams_site.settings"
    import django

    django.setup()
    from django.apps import apps
    from django.db import connections

    models = {model.__name__: model for model in apps.get_models()}
    for line in sys.stdin:
        printed, error = io.StringIO(), ""
        try:
            with contextlib.redirect_stdout(printed):
                exec(json.loads(line), dict(models))  # noqa: S102
        except BaseException:
            error = traceback.format_exc()
        connections.close_all()
        print(json.dumps({"printed": printed.getvalue(), "error": error}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
