"""What is known of segments, for people."""

from __future__ import annotations

from typing import Any

from ml.segments.features import NAMES
from warehouse.connection import connect
from warehouse.errors import MillraceError, WrongUsage, nearest
from warehouse.settings import Settings


def segments_of(settings: Settings, project: str) -> list[dict[str, Any]]:
    """Those of the last scoring, the largest first."""
    with connect(settings, "modeler") as client:
        rows = client.query(
            "SELECT segment_id, segment, people, toString(as_of), model_version, medians "
            "FROM ml.segment_profiles FINAL WHERE project_id = {project:String} "
            "AND written_at = (SELECT max(written_at) FROM ml.segment_profiles "
            "WHERE project_id = {project:String}) ORDER BY people DESC, segment_id",
            parameters={"project": project},
        ).result_rows
    if not rows:
        raise MillraceError(
            f"Nothing is known of segments of {project} yet.",
            hint="`millrace train segments`, then `millrace predict segments`.",
        )
    names = ("segment_id", "segment", "people", "as_of", "model_version", "medians")
    return [dict(zip(names, row, strict=True)) for row in rows]


def segment_of(settings: Settings, project: str, named: str) -> dict[str, Any]:
    """By id or name: what is usual in it beside all, which kinds of customers are in it, who came and went last."""
    known = segments_of(settings, project)
    found = next((one for one in known if named in (str(one["segment_id"]), one["segment"])), None)
    if found is None:
        raise WrongUsage(
            f"There is no segment {named!r}{nearest(named, [one['segment'] for one in known]) or '.'}",
            hint=f"Segments of {project} are {'; '.join(one['segment'] for one in known)}.",
        )
    parameters = {"project": project, "segment": found["segment_id"]}
    with connect(settings, "modeler") as client:
        moves = client.query(
            "SELECT toString(toDate(later.valid_from)) AS day, earlier.segment AS was, later.segment AS is, "
            "count() AS people FROM marts.dim_user_segments AS earlier INNER JOIN marts.dim_user_segments AS later ON "
            "earlier.person_key = later.person_key AND earlier.valid_to = later.valid_from "
            "WHERE earlier.project_id = {project:String} "
            "AND (earlier.segment_id = {segment:UInt32} OR later.segment_id = {segment:UInt32}) "
            "GROUP BY day, was, is ORDER BY day DESC, people DESC, was, is LIMIT 10",
            parameters=parameters,
        ).result_rows
        kinds = client.query(
            "SELECT ifNull(toString(rfm.rfm_segment), 'never ordered') AS kind, count() AS people "
            "FROM marts.dim_user_segments AS members LEFT JOIN marts.agg_customer_rfm AS rfm USING (person_key) "
            "WHERE members.project_id = {project:String} AND is_current AND segment_id = {segment:UInt32} "
            "GROUP BY kind ORDER BY people DESC, kind",
            parameters=parameters,
        ).result_rows
    others = [one["medians"] for one in known if one["segment_id"] and one["segment_id"] != found["segment_id"]]
    usual = [
        {"feature": name, "median": found["medians"][name], "others": [one.get(name) for one in others]}
        for name in NAMES
        if name in found["medians"]
    ]
    return {
        **{name: value for name, value in found.items() if name != "medians"},
        "features": usual,
        "customers": [{"kind": kind, "people": people} for kind, people in kinds],
        "moves": [dict(zip(("day", "from", "to", "people"), row, strict=True)) for row in moves],
    }
