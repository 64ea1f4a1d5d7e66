"""The file that says what can be asked: read without heavy imports, and clear where there is none."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from semantic_layer.metrics.catalogue import (
    LAYOUT,
    Catalogue,
    Dimension,
    Metric,
    ProjectFacts,
    catalogue_file,
    encoded,
    is_behind,
    load_catalogue,
    semantic_manifest,
    stamps,
)
from tests.support import REPOSITORY
from warehouse.errors import MillraceError
from warehouse.settings import Settings

CATALOGUE = Catalogue(
    version="1",
    metrics={
        "orders": Metric(
            *("orders", "Orders", "Paid ones.", "simple", "shop", "number", "up"),
            **{"synonyms": ("purchases",), "dimensions": ("user__plan",), "made_of": "Orders", "grain": "hour"},
        )
    },
    dimensions={
        "user__plan": Dimension(
            *("user__plan", "Plan", "What is paid for.", "categorical", ("tier",)),
            **{"value_synonyms": {"pro": ("professional",)}, "values": {"demo": ("free", "pro")}, "type": "String"},
        )
    },
    projects={
        "demo": ProjectFacts("Demo", "UTC", "EUR", date(2026, 1, 2), None, ("signed_up",), {"signed_up": ("plan",)})
    },
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", project_dir=tmp_path)


def keep(settings: Settings, catalogue: Catalogue = CATALOGUE) -> None:
    manifest = semantic_manifest(settings)
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text("{}")
    file = catalogue_file(settings)
    file.parent.mkdir(exist_ok=True)
    file.write_text(
        json.dumps({"layout": LAYOUT, "of": stamps(settings), "catalogue": encoded(catalogue)}, default=str)
    )


def test_what_was_written_is_read_again(settings: Settings) -> None:
    keep(settings)
    assert load_catalogue(settings) == CATALOGUE
    assert not is_behind(settings)


def test_reading_imports_nothing_heavy(settings: Settings) -> None:
    keep(settings)
    code = f"""
import sys
from pathlib import Path
from semantic_layer.metrics.catalogue import load_catalogue
from warehouse.settings import Settings
load_catalogue(Settings(data_dir=Path({str(settings.data_dir)!r}), project_dir=Path({str(settings.project_dir)!r})))
heavy = ("metricflow", "metricflow_semantics", "metricflow_semantic_interfaces", "dbt", "jinja2", "clickhouse_connect")
print([name for name in heavy if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_a_build_it_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(MillraceError, match="no metrics are built") as caught:
        load_catalogue(settings)
    assert "millrace build" in caught.value.hint


@pytest.mark.parametrize("text", ["", "{", "[]", '{"layout": 0}', '{"layout": null}'])
def test_a_damaged_file_counts_as_none(settings: Settings, text: str) -> None:
    catalogue_file(settings).parent.mkdir(parents=True)
    catalogue_file(settings).write_text(text)
    with pytest.raises(MillraceError, match="no metrics are built"):
        load_catalogue(settings)


def test_the_last_one_is_used_with_a_remark_where_it_cannot_be_made_anew(settings: Settings) -> None:
    keep(settings)
    semantic_manifest(settings).write_text("{ }")
    assert is_behind(settings)
    told: list[str] = []
    assert load_catalogue(settings, told.append) == CATALOGUE
    assert len(told) == 1
    assert "earlier build" in told[0]


def test_one_without_a_manifest_is_used(settings: Settings) -> None:
    keep(settings, replace(CATALOGUE, version="2"))
    semantic_manifest(settings).unlink()
    assert load_catalogue(settings).version == "2"


def test_a_build_is_done_also_where_the_catalogue_is_not(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    from cli.build import renew_catalogue

    renew_catalogue(settings)
    assert "Warning: the catalogue of metrics is behind: No metrics are known yet." in capsys.readouterr().err
    (settings.project_dir / "projects.yaml").write_text("projects:\n  - {id: demo, name: Demo}\n")
    keep(settings)
    catalogue_file(settings).unlink()
    semantic_manifest(settings).write_text('{"semantic_models": []}')
    renew_catalogue(settings)
    assert "The metrics cannot be read" in capsys.readouterr().err
