"""One log line as one JSON object, for machines that collect them (`LOG_FORMAT=json`)."""

from __future__ import annotations

import json
import logging


class JsonFormatter(logging.Formatter):
    """Keys: at (RFC 3339), level, logger, message and, after a failure, traceback."""

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)
