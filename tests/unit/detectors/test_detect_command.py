"""`millrace detect`: every point with its score, or the anomalies; a file that is no series gets a sentence."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from monitoring.detectors.reading import read_points
from tests.support import Instance
from warehouse.errors import MillraceError

COLUMNS = ["timestamp", "value", "anomaly_score", "is_anomaly", "expected", "lower", "upper"]
LOST = 81


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    """Twelve weeks of days from a Monday; day LOST has a third of what its like have."""
    lines = ["day,visits"]
    for number in range(84):
        usual = 300 if number % 7 < 5 else 200
        value = 70 if number == LOST else usual + (number * 7919) % 23 - 11
        lines.append(f"{date(2026, 3, 2) + timedelta(days=number)},{value}")
    path = tmp_path / "visits.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_every_point_with_its_score(instance: Instance, visits: Path) -> None:
    arguments = ("detect", str(visits), "--timestamp", "day", "--value", "visits", "--format")
    done = instance.run(*arguments, "csv")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert list(rows[0]) == COLUMNS
    assert len(rows) == 84
    assert [row["timestamp"] for row in rows if row["is_anomaly"] == "True"] == ["2026-05-22"]
    lost = rows[LOST]
    assert float(lost["value"]) == 70
    assert 0.75 < float(lost["anomaly_score"]) <= 1
    assert 70 < float(lost["lower"]) < 290 < float(lost["expected"]) < 310 < float(lost["upper"])
    assert rows[0]["expected"] == "", "nothing is known before the first point"
    document = json.loads(instance.run(*arguments, "json").stdout)
    assert list(document[LOST]) == COLUMNS
    assert [row["timestamp"] for row in document if row["is_anomaly"]] == ["2026-05-22"]
    assert document[0]["expected"] is None


def test_for_people_there_are_anomalies(instance: Instance, visits: Path) -> None:
    done = instance.run("detect", str(visits), "--timestamp", "day", "--value", "visits")
    assert done.returncode == 0, done.stderr
    (line,) = [line.split() for line in done.stdout.splitlines() if line.startswith(" 2026-05-22")]
    assert line[:4] == ["2026-05-22", "1", "drop", "70"]
    assert "1 anomaly in 84 points." in done.stdout


@pytest.mark.parametrize(
    ("text", "timezone", "said"),
    [
        ("", "UTC", "has no column 'timestamp'"),
        ("timestamp,visits\n", "UTC", "has no column 'value'"),
        ("timestamp,value\n", "UTC", "has no rows"),
        ("timestamp,value\n2026-01-01,\n2026-01-02,NaN\n", "UTC", "no row has a number in column 'value'"),
        ("timestamp,value\n2026-01-01,1e999\n", "UTC", "no row has a number in column 'value'"),
        ("timestamp,value\n0001-01-01,1\n", "Europe/Berlin", "'0001-01-01' is no time"),
        ("timestamp,value\n2026-01-01,1\nyesterday,2\n", "UTC", "line 3, column 'timestamp': 'yesterday' is no time"),
        ("timestamp,value\n2026-01-01,many\n", "UTC", "line 2, column 'value': 'many' is no number"),
        ("timestamp,value\n2026-01-01,1\n", "Europe/Atlantis", "no timezone 'Europe/Atlantis'"),
    ],
)
def test_what_is_no_series_gets_a_sentence(tmp_path: Path, text: str, timezone: str, said: str) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(text)
    with pytest.raises(MillraceError) as caught:
        read_points(path, "timestamp", "value", timezone)
    assert said in caught.value.message


def test_what_was_put_right_is_said(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("timestamp,value\n2026-01-02,5\n2026-01-01,4\n2026-01-02,6\n2026-01-03,\n")
    table = read_points(path, "timestamp", "value")
    assert table.stamps == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert table.series.values.tolist()[:2] == [4, 6]
    for said in (
        "Rows that have the time of another row: 1.",
        "not in the order of time",
        "Times without a number, which have no score: 1.",
    ):
        assert said in " ".join(table.remarks)


@pytest.mark.parametrize("backwards", [False, True])
def test_the_hour_that_comes_twice_in_autumn_is_two_points(tmp_path: Path, backwards: bool) -> None:
    """By the clocks of Berlin, on 25 October 2026: the half hour at two and the one after it come twice."""
    shown = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]
    lines = [f"2026-10-25T{time},{value}" for value, time in enumerate(shown)]
    path = tmp_path / "autumn.csv"
    path.write_text("\n".join(["timestamp,value", *(reversed(lines) if backwards else lines)]) + "\n")
    table = read_points(path, "timestamp", "value", "Europe/Berlin")
    assert table.series.values.tolist() == [0, 1, 2, 3, 4, 5]
    assert [stamp[-5:] for stamp in table.stamps] == shown
    assert [str(moment)[11:16] for moment in table.series.times] == [
        *("23:30", "00:00", "00:30", "01:00", "01:30", "02:00"),
    ]
    assert "Times that come twice where clocks went back: 2. The first is that of summer." in table.remarks
    path.write_text("timestamp,value\n2026-10-25T00:00:00Z,1\n2026-10-25T01:00:00Z,2\n")
    assert read_points(path, "timestamp", "value", "Europe/Berlin").series.values.tolist() == [1, 2]


def test_holidays_are_no_news_where_a_country_is_named(instance: Instance, visits: Path) -> None:
    """Ascension Day, 14 May 2026, as quiet as a Sunday."""
    text = visits.read_text().splitlines()
    (holiday,) = [number for number, line in enumerate(text) if line.startswith("2026-05-14")]
    text[holiday] = "2026-05-14,195"
    visits.write_text("\n".join(text) + "\n")
    arguments = ("detect", str(visits), "--timestamp", "day", "--value", "visits", "--format", "json")

    def told(*more: str) -> list[str]:
        return [row["timestamp"] for row in json.loads(instance.run(*arguments, *more).stdout) if row["is_anomaly"]]

    assert told() == ["2026-05-14", "2026-05-22"]
    assert told("--holidays", "DE") == ["2026-05-22"]
    done = instance.run(*arguments, "--holidays", "Germany")
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no calendar of holidays of 'Germany'" in done.stderr
