"""A report as JSON: what `millrace ask --format json` tells of an answer, for each section."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from monitoring.reports.contents import Part, Report
from semantic_layer.ask.structures import to_json


def json_bytes(report: Report) -> bytes:
    document = {
        "report": report.name,
        "title": report.title,
        "description": report.description,
        "owner": report.owner,
        "project": report.project,
        "from": report.days.first,
        "to": report.days.last,
        "sections": [_section(part) for part in report.parts],
    }
    return (json.dumps(document, indent=2, ensure_ascii=False, default=_plain) + "\n").encode()


def _section(part: Part) -> dict[str, Any]:
    answer = part.answer
    return {
        "title": part.title,
        "asked": to_json(answer.understood.query),
        "columns": [
            {"name": column.name, "type": column.type, "label": column.label, "format": column.format}
            for column in answer.table.columns
        ],
        "rows": [list(row) for row in answer.table.rows],
        "reading": answer.reading,
        "remarks": list(answer.remarks),
        "definitions": [vars(definition) for definition in answer.definitions],
    }


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
