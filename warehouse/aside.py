"""What tables held before a build, until that build has judged what it made (docs/decisions/065).

The materializations put it into the database `aside` (macros/build/aside.sql says under which names); here it
is put back where a check fails, and dropped where none does. Each step can be done again: what a killed build made is
judged by nobody, so the next one puts back what was there before, and makes it anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from warehouse.connection import connect, failures_as_sentences
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from warehouse.lineage.graph import Graph

DATABASE = "aside"
NOTED = "as_before"
BEFORE, COPY, COPYING = "__before", "__copy", "__copying"  # COPYING: not whole
DAYS_BEFORE, DAYS_MADE, REFUSED = "__days_before", "__days_made", "__refused"
# Is what stands aside of a table what was in it before, and does something stand in its place? What stood in place is
# known by its uuid, which goes along with every exchange: the table before has it, once it was exchanged; a copy has
# another, until it is.
ASIDE = f"""
SELECT countIf(kept.database = '{DATABASE}' AND endsWith(kept.name, '{BEFORE}') = (kept.uuid = noted.uuid)) > 0,
    countIf(concat(kept.database, '.', kept.name) = noted.model) > 0
FROM system.tables AS kept CROSS JOIN (SELECT * FROM {DATABASE}.{NOTED} WHERE model = {{model:String}}) AS noted
WHERE (database = '{DATABASE}' AND name = {{name:String}}) OR concat(database, '.', name) = noted.model
"""


def refused_table(asset: str) -> str:
    """Where what was refused of a table is, until a build makes it anew."""
    return f"{DATABASE}.{asset.replace('.', '__', 1)}{REFUSED}"


def refused_assets(client: Client) -> set[str]:
    """Tables of which what was made last was refused: what stands in their place says nothing of that."""
    return {name.removesuffix(REFUSED).replace("__", ".", 1) for name in _names(client) if name.endswith(REFUSED)}


def put_back_what_nobody_judged(settings: Settings) -> None:
    """Before a build: what one that was killed has left."""
    with _client(settings) as client:
        names = _names(client)
        if NOTED in names:
            for asset in _kept(names):
                _put_back(client, asset, names)
        _drop(client, names)


def settle(settings: Settings, wrong: Collection[str], graph: Graph) -> list[str]:
    """At the end of a build: tables of these nodes of dbt, and all that was made of them, are as they were before; what
    they were in between is kept as refused. Returns them. Of all others what was before is dropped."""
    refused = {graph.assets.get(one) for node in wrong for one in (node, *graph.below(node))}
    with _client(settings) as client:
        names = _names(client)
        _drop_what_is_judged_anew(client, names, graph)
        back = [asset for asset in _kept(names) if asset in refused and _put_back(client, asset, names)]
        for asset in back:
            made = next(one for what in (BEFORE, COPY, DAYS_MADE) if (one := _name(asset, what)) in names)
            client.command(f"RENAME TABLE {DATABASE}.{made} TO {refused_table(asset)}")
            names.remove(made)
        _drop(client, names)
    return back


def _drop_what_is_judged_anew(client: Client, names: set[str], graph: Graph) -> None:
    """What an earlier build refused of the tables that this one has made, or that no model makes any more. Of others it
    stays: that a table passes which was put back is no reason to think that what was refused is right."""
    of_now = {*_kept(names), *({name.removesuffix(REFUSED).replace("__", ".", 1) for name in names} - set(graph.nodes))}
    if old := [_name(asset, REFUSED) for asset in sorted(of_now) if _name(asset, REFUSED) in names]:
        client.command(f"DROP TABLE IF EXISTS {', '.join(f'{DATABASE}.{name}' for name in old)}")
        names.difference_update(old)


def forget(client: Client) -> None:
    """When tables are replaced as a whole: what was aside is of others."""
    _drop(client, _names(client), also=REFUSED)


def _put_back(client: Client, asset: str, names: Collection[str]) -> bool:
    """Whether there was something to put back. It is said first that the table is as it was: to make anew what
    need not be is right, not to make what must be is wrong."""
    before = next((one for what in (BEFORE, COPY) if (one := _name(asset, what)) in names), "")
    is_of_days = {_name(asset, DAYS_BEFORE), _name(asset, DAYS_MADE)} <= set(names)
    was_there, is_in_place = client.query(ASIDE, parameters={"name": before, "model": asset}).result_rows[0]
    if not (is_of_days and is_in_place) and not was_there:
        return False
    client.command(
        "INSERT INTO ops.built_models (model, through, definition) "
        f"SELECT model, through, definition FROM {DATABASE}.{NOTED} "
        "WHERE model = {model:String} AND definition != ''",
        parameters={"model": asset},
    )
    if is_of_days:
        _put_days_back(client, asset)
    elif is_in_place:
        client.command(f"EXCHANGE TABLES {DATABASE}.{before} AND {asset}")
    else:  # somebody has dropped it
        client.command(f"RENAME TABLE {DATABASE}.{before} TO {asset}")
    return True


def _put_days_back(client: Client, asset: str) -> None:
    both = [_name(asset, DAYS_BEFORE), _name(asset, DAYS_MADE)]
    days = client.query(
        "SELECT DISTINCT partition FROM system.parts "
        f"WHERE database = '{DATABASE}' AND active AND table IN {{tables:Array(String)}} ORDER BY ALL",
        parameters={"tables": both},
    ).result_rows
    if days:
        parts = ", ".join(f"REPLACE PARTITION '{day}' FROM {DATABASE}.{both[0]}" for (day,) in days)
        client.command(f"ALTER TABLE {asset} {parts} SETTINGS allow_replace_partition_from_empty_source = 1")


def _drop(client: Client, names: Collection[str], also: str = "") -> None:
    """What says how tables were goes first: without it nothing is put back any more."""
    if NOTED in names:
        client.command(f"DROP TABLE IF EXISTS {DATABASE}.{NOTED}")
    kinds = tuple(one for one in (BEFORE, COPY, COPYING, DAYS_BEFORE, DAYS_MADE, also) if one)
    if left := [f"{DATABASE}.{name}" for name in sorted(names) if name.endswith(kinds)]:
        client.command(f"DROP TABLE IF EXISTS {', '.join(left)}")


@contextmanager
def _client(settings: Settings) -> Iterator[Client]:
    with closing(connect(settings, "engineer")) as client, failures_as_sentences("to put tables back as they were"):
        yield client


def _names(client: Client) -> set[str]:
    rows = client.query(f"SELECT name FROM system.tables WHERE database = '{DATABASE}'").result_rows
    return {str(name) for (name,) in rows}


def _name(asset: str, what: str) -> str:
    return asset.replace(".", "__", 1) + what


def _kept(names: Collection[str]) -> list[str]:
    """Tables of which something stands aside."""
    found = {name.removesuffix(what) for name in names for what in (BEFORE, COPY, DAYS_MADE) if name.endswith(what)}
    return sorted(name.replace("__", ".", 1) for name in found)
