"""What ops/ asks Prometheus for is what the exporter tells."""

from __future__ import annotations

import json
from collections.abc import Iterator

import promql_parser
import pytest
import yaml

from tests.support import REPOSITORY
from warehouse.observability.figures import FAMILIES

OPS = REPOSITORY / "ops"
ALERTS = yaml.safe_load((OPS / "prometheus" / "alerts.yml").read_text())
DASHBOARD = json.loads((OPS / "grafana" / "millrace.json").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
TARGETS = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]
EXPRESSIONS = [*((rule["alert"], rule["expr"]) for rule in RULES), *TARGETS]
OF_PROMETHEUS = {"up"}


def told() -> set[str]:
    names = set()
    for family in FAMILIES:
        suffixes = ("_bucket", "_sum", "_count") if family.kind == "histogram" else ("",)
        names |= {family.name + suffix for suffix in suffixes}
    return names


def selected(node: object) -> Iterator[str]:
    """The names of metrics anywhere in an expression."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node.name
    for attribute in ("vector_selector", "expr", "lhs", "rhs", "param"):
        if (below := getattr(node, attribute, None)) is not None:
            yield from selected(below)
    for argument in getattr(node, "args", None) or ():
        yield from selected(argument)


@pytest.mark.parametrize(("title", "expression"), EXPRESSIONS, ids=[title for title, _ in EXPRESSIONS])
def test_an_expression_is_promql_over_what_is_told(title: str, expression: str) -> None:
    names = set(selected(promql_parser.parse(expression)))
    assert names, title
    assert names <= told() | OF_PROMETHEUS


def test_what_is_told_is_used_by_a_rule_or_a_panel() -> None:
    used = {name for _, expression in EXPRESSIONS for name in selected(promql_parser.parse(expression))}
    # For those who look closer.
    assert {name.removesuffix("_bucket") for name in used} >= {family.name for family in FAMILIES} - {
        *("millrace_run_age_seconds", "millrace_table_rows")
    }


def test_each_alert_says_what_and_what_next() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "next_step"}


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_the_port_of_the_scrape_is_the_exporters() -> None:
    import inspect

    from cli.exporter import metrics_exporter

    (job,) = yaml.safe_load((OPS / "prometheus" / "scrape.yml").read_text())["scrape_configs"]
    port = inspect.signature(metrics_exporter).parameters["port"].default
    assert job["job_name"] == "millrace"
    assert job["static_configs"] == [{"targets": [f"127.0.0.1:{port}"]}]
