"""How people write steps, exclusions and windows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer.journeys.grammar import parse_exclusion, parse_step
from semantic_layer.journeys.models import Filter, Funnel, Operator, Step, make, window_seconds
from warehouse.errors import WrongUsage


@pytest.mark.parametrize(
    ("text", "event", "filters"),
    [
        ("signup", "signup", []),
        (" signup ", "signup", []),
        ("*", "*", []),
        ("Order Completed", "Order Completed", []),
        ("page_viewed[page.path=/pricing]", "page_viewed", [("page.path", "=", "/pricing")]),
        ("a[x=1,y!=two]", "a", [("x", "=", 1), ("y", "!=", "two")]),
        ("a[x=1][y!=two]", "a", [("x", "=", 1), ("y", "!=", "two")]),
        ("a[ x >= 1.5 , y ~ some text ]", "a", [("x", ">=", 1.5), ("y", "~", "some text")]),
        ("a[x<=-2][x<3][x>1e3]", "a", [("x", "<=", -2), ("x", "<", 3), ("x", ">", 1000.0)]),
        ("a[coupon]", "a", [("coupon", "present", None)]),
        ("a[coupon,x]", "a", [("coupon", "present", None), ("x", "present", None)]),
        ("a[x='1']", "a", [("x", "=", "1")]),
        ("a[x='a, b]']", "a", [("x", "=", "a, b]")]),
        ('a[x="it\'s"]', "a", [("x", "=", "it's")]),
        ("a[x='it''s']", "a", [("x", "=", "it's")]),
        ("a[x='']", "a", [("x", "=", "")]),
        ("a[x=b=c]", "a", [("x", "=", "b=c")]),
        ("a[Product Name=x]", "a", [("Product Name", "=", "x")]),
        ("a[version=1.2.3]", "a", [("version", "=", "1.2.3")]),
        # Beyond 15 digits a Float64 is not exact, and 007 is no number to most who write it so, but is read as one.
        ("a[order=12345678901234567890]", "a", [("order", "=", "12345678901234567890")]),
        ("a[x=nan][y=inf][z=1e9999]", "a", [("x", "=", "nan"), ("y", "=", "inf"), ("z", "=", "1e9999")]),
    ],
)
def test_a_step_is_an_event_and_filters(text: str, event: str, filters: list[tuple[str, str, object]]) -> None:
    step = parse_step(text)
    assert (step.event, [(f.path, str(f.operator), f.value) for f in step.filters]) == (event, filters)
    assert [type(f.value) for f in step.filters] == [type(value) for _, _, value in filters]


values = st.one_of(
    st.integers(-(10**14), 10**14),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8),
)
names = st.text(st.sampled_from("abc_ $é9"), min_size=1, max_size=6).map(str.strip).filter(bool)


@given(names, st.lists(st.tuples(names, st.sampled_from(["=", "!=", ">", "<=", "~"]), values), max_size=3))
def test_a_step_that_is_printed_can_be_read_again(event: str, filters: list[tuple[str, str, object]]) -> None:
    step = Step(
        event=event,
        filters=tuple(
            Filter(path=path, operator=Operator(operator), value=value)  # type: ignore[arg-type]
            for path, operator, value in filters
            if value != "" or operator != "~"
        ),
    )
    assert parse_step(str(step)) == step


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "names no event"),
        ("[x=1]", "names no event"),
        ("a[x=1", "not closed"),
        ("a[x", "not closed"),
        ("a]", "] without a ["),
        ("a[x=1]b", "'b' where a [ should be"),
        ("a[]", "without a property"),
        ("a[=1]", "without a property"),
        ("a[x=]", "without a value"),
        ("a[x=1,]", "without a property"),
        ("a[x='b]", "' is not closed"),
        ("a[x='b'c]", "'c]' where a ] should be"),
        ("a[x~'']", "needs a text"),
        ("a[we`ird=1]", "not a path"),
        ("a[a..b=1]", "not a path"),
        ("a[^x=1]", "not a path"),
        ("a[x.:Int64=1]", "not a path"),
        ("a[back\\slash=1]", "not a path"),
        ("a\udcff", "not a text"),
        ("a[x=\x00]", "not a text"),
    ],
)
def test_a_step_that_is_none_is_refused_by_a_sentence(text: str, told: str) -> None:
    with pytest.raises(WrongUsage) as refused:
        parse_step(text)
    assert told in refused.value.message


def test_an_exclusion_lies_between_all_steps_or_the_ones_it_names() -> None:
    everywhere, between = parse_exclusion("refund[x=1]", 4), parse_exclusion("refund:2-3", 4)
    assert (str(everywhere.step), everywhere.after, everywhere.before) == ("refund[x=1]", 1, 4)
    assert (str(between.step), between.after, between.before) == ("refund", 2, 3)
    assert str(parse_exclusion("refund[at=a:1-2]", 2).step) == "refund[at=a:1-2]"
    for text in ("refund:1", "refund:-2", "refund:", "refund:a-b", "refund[x=1]:all"):
        with pytest.raises(WrongUsage, match="no valid steps"):
            parse_exclusion(text, 4)
    with pytest.raises(WrongUsage, match=r"a \[ that is not closed"):
        parse_exclusion("refund[x=a:b", 4)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30m", 1800), ("12h", 43200), ("14d", 1209600), ("2w", 1209600), ("45s", 45), (" 3d ", 259200)]
    + [(text, 14 * 86400) for text in (None, "", "0", "0d", "-5h", "-1")],
)
def test_windows(text: str | None, seconds: int) -> None:
    assert window_seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "told"),
    [("14", "write 14d"), ("2 weeks", "14d"), ("1.5h", "14d"), ("d", "14d"), ("9999d", "at most"), ("1y", "2w")],
)
def test_a_window_that_is_none_names_one_that_is(text: str, told: str) -> None:
    with pytest.raises(WrongUsage) as refused:
        window_seconds(text)
    assert told in refused.value.message


def funnel(**values: object) -> Funnel:
    return make(Funnel, {"project": "p", "steps": [parse_step("a"), parse_step("b")], **values})


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"steps": [parse_step("a")]}, "at least two steps"),
        ({"steps": [parse_step("a")] * 11}, "at most 10"),
        ({"from": "2026-02-01", "to": "2026-01-01"}, "swap them"),
        ({"from": "01.02.2026"}, "2026-01-31"),
        ({"from": "2026-02-30"}, "From"),
        ({"from": "0001-01-01"}, "is not between"),
        ({"order": "sorted"}, "'ordered', 'strict' or 'unordered'"),
        ({"attribution": "step:3"}, "first, last, step:1, step:2"),
        ({"attribution": "middle"}, "first, last, step:1, step:2"),
        ({"exclusions": [parse_exclusion("c:1-3", 2)]}, "write c:1-2"),
        ({"exclusions": [parse_exclusion("c:2-2", 2)]}, "write c:1-2"),
        ({"exclusions": [parse_exclusion("c:0-2", 2)]}, "write c:1-2"),
        ({"trend": "year"}, "'day', 'week' or 'month'"),
        ({"order": "unordered", "steps": [parse_step("*")] * 6}, "name different events"),
    ],
)
def test_a_funnel_that_is_none_is_refused_by_a_sentence(values: dict[str, object], told: str) -> None:
    with pytest.raises(WrongUsage) as refused:
        funnel(**values)
    assert told.lower() in refused.value.message.lower()
