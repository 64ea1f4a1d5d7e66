"""From what Great Expectations found to what is told: how much, of what, where, and what to do next."""

from __future__ import annotations

from typing import Any

from expectations import kinds
from expectations.compiling import Check
from warehouse.observability.records import TO_SEE, CheckResult

LONGEST_REASON = 300


def unchecked(check: Check) -> CheckResult:
    return _result(check, "error", message=f"{_place(check)}: it cannot be checked: {check.cannot}.")


def result_of(check: Check, found: Any, seconds: float) -> CheckResult:
    if reason := _exception(found):
        message = f"{_place(check)}: it cannot be checked: {reason}"
        return _result(check, "error", seconds=seconds, message=message)
    told = found.result
    checked = told.get("element_count")
    if isinstance(check.expected, kinds.Schema):
        return _of_schema(check, found, seconds)
    if "details" in told:
        return _of_measure(check, found, seconds)
    failures = told.get("unexpected_count") or 0
    message = ""
    if not found.success:
        allowed = 1 - getattr(check.expected, "mostly", 1.0)
        over = f", {allowed:.2%} may" if allowed else ""
        rows = "1 row" if failures == 1 else f"{failures:,} rows"
        message = f"{_place(check)}: {rows} of {checked:,} ({failures / checked:.2%}{over}): {check.wrong}"
        message += f'{TO_SEE}millrace sql "{check.show}"' if check.show and "marts." in check.show else "."
    return _result(
        check,
        "pass" if found.success else "fail",
        seconds=seconds,
        checked=checked,
        failures=failures,
        observed=f"{failures:,} of {checked:,} rows" if checked else "no rows",
        message=message,
    )


def _of_schema(check: Check, found: Any, seconds: float) -> CheckResult:
    differ = int(found.result["observed_value"])
    columns = "column differs" if differ == 1 else "columns differ"
    message = "" if found.success else f"{_place(check)}: {differ} {columns} from what the suite declares."
    return _result(
        check,
        "pass" if found.success else "fail",
        seconds=seconds,
        checked=found.result["element_count"],
        failures=differ,
        observed=f"{differ} {columns}",
        message=message,
    )


def _of_measure(check: Check, found: Any, seconds: float) -> CheckResult:
    measured, band = found.result["observed_value"], found.result["details"]
    checked = found.result["element_count"]
    if measured is None:
        return _result(check, "skipped", seconds=seconds, checked=checked, observed="too few rows to judge")
    measured_text, wanted = _words(check.expected, measured, band["lower"], band["upper"])
    return _result(
        check,
        "pass" if found.success else "fail",
        seconds=seconds,
        checked=checked,
        observed=f"{measured_text}; expected {wanted}",
        message="" if found.success else f"{_place(check)}: {measured_text}; expected {wanted}.",
    )


def _words(expected: kinds.Expectation, measured: float, lower: float, upper: float) -> tuple[str, str]:
    match expected:
        case kinds.Volume():
            return f"{measured:,.0f} rows on the last whole day", f"{lower:,.0f} to {upper:,.0f}"
        case kinds.Freshness():
            return f"the newest row is {measured:,.1f} hours behind", f"at most {upper:,.1f}"
        case kinds.Distribution():
            last = f"of {expected.column} in the last {expected.days} days"
            return f"{expected.statistic.upper()} {last} is {measured:.3f}", f"at most {upper:.3f}"
    return f"{measured:g}", f"{lower:g} to {upper:g}"


def _exception(found: Any) -> str:
    """GX nests what went wrong by the ids of metrics."""
    info = found.exception_info or {}
    nested = [info] if "raised_exception" in info else [one for one in info.values() if isinstance(one, dict)]
    for one in nested:
        if one.get("raised_exception"):
            return first_line(str(one.get("exception_message") or "unknown"))
    return ""


def first_line(text: str) -> str:
    text = " ".join(text.split())
    _, found, rest = text.partition("DB::Exception: ")
    text = (rest if found else text).partition(" (version")[0].partition(" [SQL:")[0]
    return text if len(text) <= LONGEST_REASON else text[:LONGEST_REASON] + " …"


def _place(check: Check) -> str:
    return f"{check.suite.table}{f' of {check.project}' if check.project else ''}, {check.name}"


def _result(check: Check, status: str, **more: Any) -> CheckResult:
    return CheckResult(
        asset=check.suite.table,
        check_name=check.name,
        kind="expectation",
        dimension=check.expected.dimension,
        severity=check.expected.severity,
        status=status,
        project_id=check.project,
        **more,
    )
