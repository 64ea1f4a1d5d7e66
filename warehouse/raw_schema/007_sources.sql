-- What is told of the loads of other sources. The tables of the sources themselves are made from their definitions
-- (ingestion/sources/definitions), by `millrace migrate`, before the first load.
CREATE TABLE IF NOT EXISTS raw.source_rows_rejected
(
    source LowCardinality(String) COMMENT 'Which source',
    project_id LowCardinality(String) COMMENT 'Tenant; empty where the row names none',
    feed LowCardinality(String) COMMENT 'Feed of sources.yaml that it came by',
    row String COMMENT 'The row as JSON, or the line that is no row; of a strict project without what is personal' CODEC(ZSTD(3)),
    reason LowCardinality(String) COMMENT 'unreadable, unknown_project, missing_value, bad_value',
    detail String COMMENT 'What exactly was wrong, without values',
    origin String COMMENT 'File, feed or table that it was read from',
    copy UInt32 COMMENT 'Number of this one among equal rows of one load, from 0',
    load_id LowCardinality(String) COMMENT 'Last load that brought it, as in raw.source_loads',
    loaded_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When that was',
    row_hash UInt128 MATERIALIZED reinterpretAsUInt128(sipHash128(row)) COMMENT 'Of row'
)
ENGINE = ReplacingMergeTree(loaded_at)
ORDER BY (source, project_id, feed, reason, origin, row_hash, copy)
COMMENT 'Grain: one row per distinct row of a source that was not accepted, and copy of it. Read it with FINAL.';

CREATE TABLE IF NOT EXISTS raw.source_loads
(
    load_id String COMMENT 'Id of the load',
    feed LowCardinality(String) COMMENT 'Feed of sources.yaml, or the source where a file was named',
    source LowCardinality(String) COMMENT 'Which source',
    received UInt64 COMMENT 'Rows received: accepted and rejected',
    accepted UInt64 COMMENT 'Rows that fit the definition',
    rejected Map(LowCardinality(String), UInt64) COMMENT 'Rows that do not, by reason',
    new UInt64 COMMENT 'Of those accepted: with a key that was not there',
    updated UInt64 COMMENT 'Of those accepted: changed since the last load',
    undeclared Array(String) COMMENT 'Columns that came and that the definition does not declare',
    missing Array(String) COMMENT 'Columns that the definition declares and that did not come',
    loaded_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was complete'
)
ENGINE = MergeTree
ORDER BY (source, feed, loaded_at)
COMMENT 'Grain: one row per completed load of a feed.';

-- Since when a column is there undeclared, or is missing: since the first load after the last one without that drift.
CREATE VIEW IF NOT EXISTS raw.source_drift
(
    source LowCardinality(String) COMMENT 'Which source',
    feed LowCardinality(String) COMMENT 'Feed of sources.yaml',
    column String COMMENT 'Column of the source',
    kind LowCardinality(String) COMMENT 'undeclared: it comes and is not declared; missing: it is declared and does not come',
    since DateTime64(3, 'UTC') COMMENT 'Load that showed it first',
    loads UInt64 COMMENT 'Loads that have shown it since'
)
COMMENT 'Grain: one row per feed and column that differs from the definition in the feed''s last load.'
AS
SELECT
    source,
    feed,
    drift.2 AS column,
    drift.1 AS kind,
    history[last_without + 1].1 AS since,
    length(history) - last_without AS loads
FROM
(
    SELECT
        source,
        feed,
        history,
        arrayJoin(history[-1].2) AS drift,
        arrayLastIndex(shown -> NOT has(shown.2, drift), history) AS last_without
    FROM
    (
        SELECT
            source,
            feed,
            arraySort(
                shown -> shown.1,
                groupArray((
                    loaded_at,
                    arrayConcat(
                        arrayMap(name -> ('undeclared', name), undeclared),
                        arrayMap(name -> ('missing', name), missing)
                    )
                ))
            ) AS history
        FROM raw.source_loads
        WHERE received > 0
        GROUP BY source, feed
    )
);
