"""What the exporter writes is read by Prometheus' own parser."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from warehouse.observability.exposition import Family, Sample, as_text, histogram

HOSTILE = 'a "quoted"\\ name\nof two lines, {with} braces'


def test_values_and_labels_arrive_as_they_were() -> None:
    gauge = Family("millrace_a", "gauge", "Of two\nlines \\ and more.")
    text = as_text([(gauge, [Sample(1.5), Sample(-2, {"project": HOSTILE, "asset": ""})])])
    (family,) = text_string_to_metric_families(text)
    assert (family.name, family.type, family.documentation) == ("millrace_a", "gauge", "Of two\nlines \\ and more.")
    assert [(sample.labels, sample.value) for sample in family.samples] == [
        ({}, 1.5),
        ({"project": HOSTILE, "asset": ""}, -2.0),
    ]


def test_a_histogram_has_its_buckets_sum_and_count() -> None:
    family = Family("millrace_b", "histogram", "B.")
    text = as_text([(family, histogram({"user": "bi"}, (0.1, 2.5), [1, 3, 4], 9.25))])
    (found,) = text_string_to_metric_families(text)
    assert found.type == "histogram"
    assert [(sample.name, sample.labels.get("le"), sample.value) for sample in found.samples] == [
        ("millrace_b_bucket", "0.1", 1.0),
        ("millrace_b_bucket", "2.5", 3.0),
        ("millrace_b_bucket", "+Inf", 4.0),
        ("millrace_b_sum", None, 9.25),
        ("millrace_b_count", None, 4.0),
    ]
    assert {sample.labels["user"] for sample in found.samples} == {"bi"}


def test_a_family_without_samples_is_left_out() -> None:
    assert as_text([(Family("a", "gauge", "A."), []), (Family("b", "counter", "B."), [Sample(0)])]) == (
        "# HELP b B.\n# TYPE b counter\nb 0.0\n"
    )
