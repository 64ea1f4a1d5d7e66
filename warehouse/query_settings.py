"""How every query of Millrace runs, whoever sends it and wherever: stated here once.

The local server has these as its default profile; on your own ClickHouse `millrace access apply` gives them to the
roles. docs/decisions/003 says why.
"""

from __future__ import annotations

from collections.abc import Mapping

SPILL_BYTES = 2 * 1024**3

QUERY_SETTINGS: Mapping[str, int | str] = {
    # An unmatched cell of an outer join is NULL, not 0 or '': a made-up zero is a wrong number.
    "join_use_nulls": 1,
    # Large aggregations and sorts spill to disk instead of failing.
    "max_bytes_before_external_group_by": SPILL_BYTES,
    "max_bytes_before_external_sort": SPILL_BYTES,
    # A mutation (ALTER, lightweight delete) is done when the statement returns.
    "mutations_sync": 1,
    # Senders repeat keys deep in JSON objects; one of them counts, and the batch is not refused.
    "type_json_skip_duplicated_paths": 1,
    # A registered property that an event does not carry is no part of its JSON: written as null, all of them in each
    # event, reading and casting takes seven times as long.
    "type_json_skip_null_typed_paths": 1,
    # Of a cluster, and without a meaning on a single node: rows are there when an insert returns, what stands on the
    # first shard alone goes along with a query to the others, and no condition goes there whose tables do not.
    "distributed_foreground_insert": 1,
    "distributed_product_mode": "global",
    "prefer_global_in_and_join": 1,
    "allow_push_predicate_ast_for_distributed_subqueries": 0,
}
