"""How people write formulas, and what they are told where they may not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semantic_layer.journeys.models import Filter, Operator, Step
from semantic_layer.metrics.formulas.parsing import (
    DEEPEST,
    LONGEST,
    MOST_AGGREGATES,
    MOST_PARTS,
    parse_formula,
)
from semantic_layer.metrics.formulas.tree import (
    Aggregate,
    Calculation,
    Formula,
    Negative,
    Number,
    aggregates,
    divisors,
)
from warehouse.errors import WrongUsage

A, B, C = (Aggregate("count", Step(event=name)) for name in "abc")


def of(function: str, event: str, path: str = "", *filters: tuple[str, str, object]) -> Aggregate:
    made = tuple(Filter(path=p, operator=Operator(o), value=v) for p, o, v in filters)  # type: ignore[arg-type]
    return Aggregate(function, Step(event=event, filters=made), path)


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("count(a)", A),
        ("  COUNT ( a )  ", A),
        ("count(*)", of("count", "*")),
        ("unique(a)", of("unique", "a")),
        ("unique(a.user.id)", of("unique", "a", "user.id")),
        ("sum(order_completed.revenue)", of("sum", "order_completed", "revenue")),
        ("avg(a.x)", of("avg", "a", "x")),
        ("min(a.x)", of("min", "a", "x")),
        ("max(*.x)", of("max", "*", "x")),
        ("p50(a.x)", of("p50", "a", "x")),
        ("p99(a.x)", of("p99", "a", "x")),
        ("p5(a.x)", of("p5", "a", "x")),
        ("count(a[plan=pro])", of("count", "a", "", ("plan", "=", "pro"))),
        (
            "count(a[x>=1.5,y][z~'a, b)'])",
            of("count", "a", "", ("x", ">=", 1.5), ("y", "present", None), ("z", "~", "a, b)")),
        ),
        ("count(a[x=(1))])", of("count", "a", "", ("x", "=", "(1))"))),
        (
            "p95(page_viewed[page.path=/pricing].load_ms)",
            of("p95", "page_viewed", "load_ms", ("page.path", "=", "/pricing")),
        ),
        (
            "p95 ( page_viewed [ page.path = /pricing ] . load_ms )",
            of("p95", "page_viewed", "load_ms", ("page.path", "=", "/pricing")),
        ),
        ("count(\"a (b) 'c'\")", of("count", "a (b) 'c'")),
        ("count('it''s')", of("count", "it's")),
        ("sum(a.'b c.d')", of("sum", "a", "b c.d")),
        ("count(größe_日本)", of("count", "größe_日本")),
        ("count(Order Completed)", of("count", "Order Completed")),
        ("count(a) + 2", Calculation(A, "+", Number(2))),
        ("count(a) - .5", Calculation(A, "-", Number(0.5))),
        ("count(a) * 1e3", Calculation(A, "*", Number(1000))),
        ("count(a) / 2.", Calculation(A, "/", Number(2))),
        ("-count(a)", Negative(A)),
        ("--count(a)", Negative(Negative(A))),
        ("2 * -count(a)", Calculation(Number(2), "*", Negative(A))),
        ("-count(a) * 2", Calculation(Negative(A), "*", Number(2))),
        ("-(count(a) * 2)", Negative(Calculation(A, "*", Number(2)))),
        ("count(a)-count(b)-count(c)", Calculation(Calculation(A, "-", B), "-", C)),
        ("count(a)-(count(b)-count(c))", Calculation(A, "-", Calculation(B, "-", C))),
        ("count(a)/count(b)/count(c)", Calculation(Calculation(A, "/", B), "/", C)),
        ("count(a)/(count(b)/count(c))", Calculation(A, "/", Calculation(B, "/", C))),
        ("count(a)+count(b)*count(c)", Calculation(A, "+", Calculation(B, "*", C))),
        ("(count(a)+count(b))*count(c)", Calculation(Calculation(A, "+", B), "*", C)),
        ("count(a)/count(b)*100", Calculation(Calculation(A, "/", B), "*", Number(100))),
        ("((count(a)))", A),
        ("count(a)\n  / count(b)", Calculation(A, "/", B)),
    ],
)
def test_a_formula_is_read(text: str, formula: Formula) -> None:
    assert parse_formula(text) == formula
    assert parse_formula(str(formula)) == formula


def test_what_is_said_twice_is_one_aggregate() -> None:
    formula = parse_formula("(count(a) - count(b)) / count(a) + count(a) / (count(b) - 1)")
    assert aggregates(formula) == [A, B]
    assert [str(divisor) for divisor in divisors(formula)] == ["count(a)", "count(b) - 1"]


@pytest.mark.parametrize(
    ("text", "told", "marked"),
    [
        ("cuont(a) / 2", "there is no function 'cuont'; did you mean 'count'?", "cuont"),
        ("2 * median(a.x)", "there is no function 'median'; here it is p50.", "median"),
        ("p0(a.x)", "there is no function 'p0'", "p0"),
        ("p100(a.x)", "there is no function 'p100'", "p100"),
        ("revenue * 2", "'revenue' is no number and no function.", "revenue"),
        ("count / 2", "behind count the event is missing.", "count"),
        ("count()", "here the event is missing.", ")"),
        ("count([x=1])", "here the event is missing.", "["),
        ("count(a", "this ( is not closed.", "("),
        ("(count(a) + 1", "this ( is not closed.", "("),
        ("(count(a) 1", "this ( is not closed: '1' stands where the ) should be.", "("),
        ("count(a / count(b)", "this ( is not closed: '/' stands where the ) should be.", "("),
        ("sum(a.x + a.y)", "this ( is not closed: '+' stands where the ) should be.", "("),
        ("count(a))", "this ) closes nothing.", ")"),
        ("(count(a) + )", "here a number, a function or a ( is missing.", ")"),
        ("()", "here a number, a function or a ( is missing.", ")"),
        ("sum(a.)", "here a property is missing.", ")"),
        ("count(a) +", "it ends where a number, a function or a ( should be.", " "),
        ("count(a) count(b)", "'count' stands where an operator (+ - * /) or the end should be.", "c"),
        ("count(a) × 2", "'×' stands where an operator (+ - * /) or the end should be.", "×"),
        ("count(a) ** 2", "'*' stands where a number, a function or a ( should be.", "*"),
        ("count(a) % 2", "'%' stands where an operator (+ - * /) or the end should be.", "%"),
        ("1,000 * count(a)", "',' stands where an operator (+ - * /) or the end should be.", ","),
        ("+count(a)", "'+' stands where a number, a function or a ( should be.", "+"),
        ("2x * count(a)", "'2x' is no number.", "2x"),
        ("1e999 * count(a)", "that is too large a number.", "1e999"),
        ("count(a) + 1e308 * 10", "that is too large a number.", "1e308 * 10"),
        ("count(a[x=1)", "here is a [ that is not closed.", "1"),
        ("count(a[])", "here is a filter without a property.", "]"),
        ("count(a[x=])", "here is a filter without a value; write '' for none.", "]"),
        ("count(a[x='b])", "here is a value whose ' is not closed.", "'"),
        ("count(a[x~''])", "X~ needs a text to look for.", "["),
        ("count('a)", "this ' is not closed.", "'"),
        ("count(a,b)", "',' stands where a ) should be.", ","),
        ("count(a.x)", "count is of events, not of a property.", "x"),
        ("sum(a)", "sum is of a property, and none is named.", "sum(a)"),
        ("p95(a[x=1])", "p95 is of a property, and none is named.", "p95(a[x=1])"),
        ("sum(a.'')", "'' is not a path such as page.path, properties.price or price.", "''"),
        ("sum(a.'b`c')", "'b`c' is not a path such as page.path, properties.price or price.", "'b`c'"),
        ("sum(a.^b)", "'^' stands where a property should be.", "^"),
        ("count(a) / 0", "that is a division by zero.", "0"),
        ("count(a) / (2 - 1 * 2)", "that is a division by zero.", "2 - 1 * 2"),
        ("count(a) / -0.0", "that is a division by zero.", "-0.0"),
        ("1 / 0 * count(a)", "that is a division by zero.", "0"),
        ("2 + 2", "no event is named.", "2 + 2"),
        ("-" * (DEEPEST + 1) + "count(a)", f"it is more than {DEEPEST} parentheses and signs deep.", "-"),
        ("(" * 500 + "count(a)" + ")" * 500, f"it is more than {DEEPEST} parentheses and signs deep.", "("),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_place(text: str, told: str, marked: str) -> None:
    with pytest.raises(WrongUsage) as raised:
        parse_formula(text)
    assert raised.value.message.startswith(f"In the formula, {told}")
    if marked:
        shown, marks = raised.value.hint.split("\n  ")[:2]
        begin = marks.index("^")
        assert shown[begin : begin + len(marks.strip())].ljust(len(marks.strip())) == marked
        assert set(marks) <= {" ", "^"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "The formula is empty."),
        (" \n ", "The formula is empty."),
        (
            "count(a)" + " " * LONGEST,
            f"The formula is {LONGEST + 8:,} characters long; at most {LONGEST:,} are possible.",
        ),
        ("count(a)\x00", "The formula has '\\x00' in it, which is no text."),
        ("count(\x1b[31m)", "The formula has '\\x1b' in it, which is no text."),
        ("count(\ud800)", "The formula has '\\ud800' in it, which is no text."),
        ("1+" * MOST_PARTS + "count(a)", f"The formula has more than {MOST_PARTS} parts."),
        (
            "+".join(f"count(a{i})" for i in range(MOST_AGGREGATES + 1)),
            f"The formula has {MOST_AGGREGATES + 1} aggregates; at most {MOST_AGGREGATES} are possible.",
        ),
    ],
)
def test_what_is_no_formula_at_all_is_told(text: str, told: str) -> None:
    with pytest.raises(WrongUsage) as raised:
        parse_formula(text)
    assert raised.value.message == told


def test_the_mark_is_right_behind_wide_signs_and_in_the_middle_of_a_long_formula() -> None:
    with pytest.raises(WrongUsage) as raised:
        parse_formula("count(日本) + cuont(b)")
    shown, marks = raised.value.hint.split("\n  ")[:2]
    assert shown == "count(日本) + cuont(b)" and marks == " " * len("count(xxxx) + ") + "^^^^^"
    with pytest.raises(WrongUsage) as raised:
        parse_formula("+".join(["count(a)"] * 60 + ["cuont(b)"] + ["count(c)"] * 60))
    shown, marks = raised.value.hint.split("\n  ")[:2]
    assert shown.startswith("…") and shown.endswith("…") and len(shown) < 100
    assert shown[marks.index("^") :].startswith("cuont(b)")


names = st.text(st.sampled_from("abc_ é9$.(\"'日"), min_size=1, max_size=6).map(str.strip).filter(bool)
paths = st.text(st.sampled_from("abc_ é9$!(\"'日-"), min_size=1, max_size=6).map(str.strip).filter(bool)
filter_paths = st.text(st.sampled_from("abc_.é9$!"), min_size=1, max_size=6).filter(lambda p: all(p.split(".")))
values = st.one_of(
    st.integers(-(10**14), 10**14),
    st.floats(-1e300, 1e300).map(lambda value: float(f"{value:.15g}")),
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]) | st.just(" "), max_size=8),
)
filters = st.builds(
    lambda path, operator, value: Filter(path=path, operator=operator, value=value),
    filter_paths,
    st.sampled_from([operator for operator in Operator if operator not in (Operator.PRESENT, Operator.CONTAINS)]),
    values,
) | st.builds(lambda path: Filter(path=path, operator=Operator.PRESENT), filter_paths)
steps = st.builds(lambda event, kept: Step(event=event, filters=tuple(kept)), names, st.lists(filters, max_size=2))
counts = st.builds(Aggregate, st.just("count"), steps)
measures = st.builds(Aggregate, st.sampled_from(["unique", "sum", "avg", "min", "max", "p50", "p99"]), steps, paths)
numbers = st.builds(Number, st.floats(0, 1e300, allow_subnormal=False))
formulas = st.recursive(
    counts | measures | numbers,
    lambda inner: (
        st.builds(Negative, inner)
        | st.builds(Calculation, inner, st.sampled_from(["+", "-", "*"]), inner)
        # A formula that divides by zero is refused: divided by what is counted, it is not known.
        | st.builds(lambda left, right: Calculation(left, "/", right), inner, counts)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(formulas.filter(aggregates))
def test_a_formula_that_is_printed_can_be_read_again(formula: Formula) -> None:
    try:
        read = parse_formula(str(formula))
    except WrongUsage as error:
        assert "too large a number" in error.message
        return
    assert read == formula


@settings(deadline=None)
@given(st.text(st.sampled_from("count(unique.p95)[]a=1,'\"+-*/ \\{};%$&\n\x00é"), max_size=40))
def test_any_text_is_a_formula_or_a_sentence(text: str) -> None:
    try:
        formula = parse_formula(text)
    except WrongUsage as error:
        assert error.message.endswith((".", "?"))
        return
    assert parse_formula(str(formula)) == formula
