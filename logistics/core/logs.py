"""Log lines that cannot carry PHI: a fixed message and allow-listed fields."""

from __future__ import annotations

import json
import logging

ALLOWED = (
    "error", "seconds", "subscriber", "delivery", "topic", "event_id", "tenant", "feed", "peer", "count", "status",
    "code", "request_id", "task", "trip_id", "message_id", "milliseconds", "bytes", "path", "method", "port", "state",
)  # fmt: skip


class SafeFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, allowed extras, and for an exception its type
    and the code lines only. Exception texts may quote a patient's data and are left out."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage() if not record.exc_info else str(record.msg),
        }
        for name in ALLOWED:
            if name in record.__dict__:
                line[name] = str(record.__dict__[name])
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["where"] = _where(record.exc_info[2])
        return json.dumps(line)


def _where(trace: object) -> list[str]:
    out = []
    while trace is not None:
        code = trace.tb_frame.f_code  # type: ignore[attr-defined]
        out.append(f"{code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno} {code.co_name}")  # type: ignore[attr-defined]
        trace = trace.tb_next  # type: ignore[attr-defined]
    return out[-8:]
