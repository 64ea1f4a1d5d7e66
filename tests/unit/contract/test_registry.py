"""The registry: what is registered, and that every mistake in a file is refused with its place and a way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.contract import MessageType
from ingestion.registry import Pii, Registry, load_registry
from ingestion.typed_paths import properties_type, typed_paths
from warehouse.errors import MillraceError

ORDER = """
name: order_completed
owner: shop
description: An order was paid.
properties:
  order_id: {type: string, description: The order}
  revenue: {type: number, minimum: 0}
  items: {type: integer, minimum: 1, maximum: 99}
  email: {type: string, pii: personal}
  gift: {type: boolean}
  due_at: {type: string, format: date-time}
  country: {type: string, pattern: '^[A-Z]{2}$'}
  currency: {type: string, enum: [EUR, USD]}
  tags: {type: array, items: {type: string}}
  products:
    type: array
    items:
      type: object
      properties: {price: {type: number}, id: {type: string}}
      required: [id]
required: [order_id, revenue]
example: {order_id: o-1, revenue: 5, products: [{id: P1}]}
"""


def registry_of(folder: Path, *texts: str) -> Registry:
    for number, text in enumerate(texts):
        name = next((line[6:].strip() for line in text.splitlines() if line.startswith("name: ")), f"file_{number}")
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load_registry(folder)


def refusal(folder: Path, *texts: str) -> str:
    with pytest.raises(MillraceError) as caught:
        registry_of(folder, *texts)
    return f"{caught.value.message} {caught.value.hint}".strip()


def test_a_file_becomes_an_event_type(tmp_path: Path) -> None:
    order = registry_of(tmp_path, ORDER)["order_completed"]
    assert (order.owner, order.description) == ("shop", "An order was paid.")
    assert order.message_type is MessageType.TRACK
    assert order.schema.required == {"order_id", "revenue"}
    assert order.properties["email"].pii is Pii.PERSONAL
    assert order.properties["items"].maximum == 99
    assert order.properties["country"].pattern == "[A-Z]{2}"
    assert order.example["products"] == [{"id": "P1"}]


def test_each_property_is_a_typed_path_that_is_null_where_absent(tmp_path: Path) -> None:
    assert typed_paths(registry_of(tmp_path, ORDER)) == {
        "country": "LowCardinality(Nullable(String))",
        "currency": "LowCardinality(Nullable(String))",
        "due_at": "Nullable(DateTime64(3, 'UTC'))",
        "email": "LowCardinality(Nullable(String))",
        "gift": "Nullable(Bool)",
        "items": "Nullable(Int64)",
        "order_id": "LowCardinality(Nullable(String))",
        "products": "Array(JSON(max_dynamic_paths=16, id LowCardinality(Nullable(String)), price Nullable(Float64)))",
        "revenue": "Nullable(Float64)",
        "tags": "Array(LowCardinality(String))",
    }


def test_the_column_quotes_names_that_are_words_of_sql() -> None:
    assert properties_type({"order": "Nullable(Int64)"}) == "JSON(max_dynamic_paths=256, `order` Nullable(Int64))"


def test_one_path_keeps_the_strictest_pii_class_of_its_events(tmp_path: Path) -> None:
    one, two, three = (
        f"name: e_{pii}\nowner: x\ndescription: x\nproperties: {{label: {{type: string, pii: {pii}}}}}\n" for pii in Pii
    )
    assert registry_of(tmp_path, one, three, two).paths["label"].pii is Pii.SENSITIVE


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("owner: shop", "ownr: shop"), "order_completed.yaml: ownr: unknown key; did you mean 'owner'?"),
        (("owner: shop\n", ""), "order_completed.yaml: owner: is missing."),
        (("owner: shop", "owner: 5"), "order_completed.yaml: owner: must be text, not 5; quote it."),
        (("owner: shop", "owner: shop\nowner: me"), "key 'owner' is given twice"),
        (("{type: boolean}", "{tpye: boolean}"), "properties.gift.tpye: unknown key; did you mean 'type'?"),
        (("{type: boolean}", "{type: bool}"), "properties.gift.type: must be one of string, number, integer, boolean,"),
        (("{type: boolean}", "{type: bool}"), "not 'bool'; did you mean 'boolean'?"),
        (("{type: boolean}", "{}"), "properties.gift.type: must be one of string,"),
        (("{type: boolean}", "boolean"), "properties.gift: must be a mapping of keys to values, not 'boolean'."),
        (("gift:", "isGift:"), "properties.isGift: is not snake_case in plain letters; did you mean 'is_gift'?"),
        (
            ("gift:", "gift.card:"),
            "properties.gift.card: is not snake_case in plain letters; did you mean 'gift_card'?",
        ),
        (("gift:", "Größe:"), "properties.Größe: is not snake_case in plain letters."),
        (("gift:", "2fa:"), "properties.2fa: is not snake_case in plain letters."),
        (("gift:", "yes:"), "properties: key True is not text; quote it."),
        (("pii: personal", "pii: private"), "properties.email.pii: must be one of none, personal, sensitive,"),
        (("required: [order_id, revenue]", "required: [order_di]"), "required: 'order_di' is not among the properties"),
        (("required: [order_id, revenue]", "required: [order_di]"), "; did you mean 'order_id'?"),
        (("required: [id]", "required: [ids]"), "properties.products.items.required: 'ids' is not among"),
        (("required: [order_id, revenue]", "required: order_id"), "required: must be a list of property names."),
        (
            ("example: {order_id: o-1, revenue: 5,", "example: {order_id: o-1,"),
            "example: revenue: expected number, got nothing",
        ),
        (("revenue: 5", "revenue: five"), 'example: revenue: expected number, got "five".'),
        (("[{id: P1}]", "[{id: 5}]"), "example: products[0].id: expected text, got 5."),
        (("maximum: 99", "maximum: 0"), "properties.items.maximum: 0 is below the minimum, 1."),
        (("maximum: 99", "maximum: many"), "properties.items.maximum: must be a number, not 'many'."),
        (
            ("{type: boolean}", "{type: boolean, minimum: 1}"),
            "properties.gift.minimum: belongs to type number or integer, not to boolean.",
        ),
        (
            ("{type: boolean}", "{type: boolean, enum: [true]}"),
            "properties.gift.enum: belongs to type string or integer",
        ),
        (
            ("enum: [EUR, USD]", "enum: [EUR, no]"),
            "properties.currency.enum: False is not of type string; quote a text.",
        ),
        (("enum: [EUR, USD]", "enum: [EUR, EUR]"), "properties.currency.enum: names a value twice."),
        (("enum: [EUR, USD]", "enum: []"), "properties.currency.enum: must be a list of the allowed values."),
        (
            ("enum: [EUR, USD]", "enum: [EUR], pattern: ^E$"),
            "properties.currency.enum: already says which values are allowed; remove pattern.",
        ),
        (("'^[A-Z]{2}$'", "'[A-Z]{2}'"), "it begins with ^ and ends with $: '^[A-Z]{2}$'."),
        (("'^[A-Z]{2}$'", "'^[A-Z$'"), "properties.country.pattern: is no regular expression"),
        (("'^[A-Z]{2}$'", "'^(?=A)..$'"), "properties.country.pattern: looks around or back"),
        (
            ("format: date-time", "format: date"),
            "properties.due_at.format: must be one of date-time, not 'date'; did you mean 'date-time'?",
        ),
        (("{type: array, items: {type: string}}", "{type: array}"), "properties.tags: an array says of what"),
        (
            ("name: order_completed", "name: OrderCompleted"),
            "name: 'OrderCompleted' is not snake_case; did you mean 'order_completed'?",
        ),
        (("name: order_completed", "name: order:completed"), "did you mean 'order_completed'?"),
        (("name: order_completed", "name: '$'"), "name: '$' is not snake_case."),
        (("owner: shop", "owner: shop\nmessage_type: event"), "message_type: must be one of track, page,"),
        (("owner: shop", "owner: shop\ndeprecated: true"), "deprecated: says in words since when"),
        (("owner: shop", "owner: shop\nsynonyms: purchase"), "synonyms: must be a list of what people call it."),
        (("owner: shop", "owner: shop\nsynonyms: [purchase, ' ']"), "synonyms: must be a list of what people call it."),
        (("owner: shop", "owner: [shop"), "not valid YAML"),
    ],
)
def test_a_mistake_is_refused_where_it_is(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    assert change[0] in ORDER
    assert message in refusal(tmp_path, ORDER.replace(*change))


def test_one_path_has_one_type_in_all_events(tmp_path: Path) -> None:
    other = "name: refunded\nowner: x\ndescription: x\nproperties: {revenue: {type: string}}\n"
    assert refusal(tmp_path, ORDER, other) == (
        "refunded.yaml: properties.revenue: is text here and number in order_completed.yaml; a name has one type in "
        "all events. Make it number, or give it another name."
    )


def test_the_items_of_an_array_are_part_of_its_type(tmp_path: Path) -> None:
    other = "name: refunded\nowner: x\ndescription: x\nproperties: {tags: {type: array, items: {type: integer}}}\n"
    assert "is array of integer here and array of text in order_completed.yaml" in refusal(tmp_path, ORDER, other)


@pytest.mark.parametrize("name", ["2fa_enabled", "größe_gewählt", "サインアップ", "404"])
def test_whatever_an_sdk_calls_its_events_can_be_registered(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.yaml").write_text(f"name: '{name}'\nowner: x\ndescription: x\n", encoding="utf-8")
    assert list(load_registry(tmp_path)) == [name]


def test_a_file_is_named_as_its_event(tmp_path: Path) -> None:
    (tmp_path / "order.yaml").write_text(ORDER)
    with pytest.raises(MillraceError, match=r"order\.yaml: name: .*rename the file to order_completed\.yaml"):
        load_registry(tmp_path)


def test_a_file_of_another_ending_is_not_overlooked(tmp_path: Path) -> None:
    (tmp_path / "other.yml").write_text(ORDER)
    assert "other.yml is not read: event types end in .yaml." in refusal(tmp_path, ORDER)


def test_an_empty_folder_is_a_mistake(tmp_path: Path) -> None:
    assert "holds no event types" in refusal(tmp_path)


def test_the_demo_product_is_registered(registry: Registry) -> None:
    assert len(registry) >= 30
    assert {"page_viewed", "signed_up", "order_completed", "identify", "group", "alias"} <= set(registry)
    assert registry["page_viewed"].message_type is MessageType.PAGE
    assert registry["identify"].properties["email"].pii is Pii.PERSONAL
    assert registry["order_completed"].schema.required == {"revenue"}


def test_every_event_type_says_who_owns_it_and_shows_an_example(registry: Registry) -> None:
    assert [e.name for e in registry.values() if not (e.owner and e.description.endswith("."))] == []
    assert [e.name for e in registry.values() if e.properties and set(e.example) != set(e.properties)] == []
    assert [f"{e.name}.{n}" for e in registry.values() for n, s in e.properties.items() if not s.description] == []


def test_an_unknown_event_type_names_the_nearest(registry: Registry) -> None:
    with pytest.raises(MillraceError, match="did you mean 'order_completed'"):
        registry.get_type("order_complete")
