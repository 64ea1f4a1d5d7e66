"""dbt's semantic manifest for MetricFlow, with divisions that mean what they say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semantic_layer.metrics.extensions import merged
from warehouse.errors import MillraceError

if TYPE_CHECKING:
    from metricflow_semantic_interfaces.implementations.semantic_manifest import PydanticSemanticManifest

QUOTED = re.compile(r"'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.)*`", re.DOTALL)


def load_manifest(path: Path) -> PydanticSemanticManifest:
    from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MillraceError("No metrics are known yet.", hint="Run `millrace build`, which reads them.") from error
    # Not by the classes of dbt's own copy of the interfaces: MetricFlow has forked them.
    manifest: Any = parse_manifest_from_dbt_generated_manifest(json.dumps(merged(json.loads(text))))
    for metric in manifest.metrics:
        if metric.type_params.expr:
            metric.type_params.expr = safe_division(metric.type_params.expr)
    for model in manifest.semantic_models:
        for measure in model.measures:
            if measure.expr:
                measure.expr = safe_division(measure.expr)
    return manifest  # type: ignore[no-any-return]


def safe_division(expression: str) -> str:
    """A Decimal by a Decimal keeps the places of the first, 0.1873 becomes 0.18; something by nothing is infinite."""
    # A value such as '/pricing' is no division: what does not divide stays word by word as it was declared.
    if "/" not in QUOTED.sub("", expression):
        return expression
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(expression, read="clickhouse")
    # From the inside out: a dividend may be a quotient itself.
    for division in reversed(list(tree.find_all(exp.Div))):
        dividend, divisor = division.this, division.expression
        division.set("this", exp.Anonymous(this="toFloat64", expressions=[dividend.unnest().copy()]))
        if isinstance(divisor, exp.Literal) and divisor.is_number and float(divisor.this):
            continue
        division.set(
            "expression", exp.Anonymous(this="nullIf", expressions=[divisor.unnest().copy(), exp.Literal.number(0)])
        )
    return tree.sql(dialect="clickhouse")
