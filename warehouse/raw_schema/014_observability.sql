-- What the warehouse looks like after each build (warehouse/observability/looks.py), and how good it is.
CREATE TABLE IF NOT EXISTS ops.looks
(
    observed_at DateTime64(3, 'UTC') COMMENT 'When; queries that ended until then are counted, each in one look',
    seconds Float64 COMMENT 'What the look took'
)
ENGINE = MergeTree
ORDER BY observed_at
TTL toDateTime(observed_at) + INTERVAL 400 DAY
COMMENT 'Grain: one row per look; written last, so that what is told of a look is complete.';

CREATE TABLE IF NOT EXISTS ops.freshness
(
    observed_at DateTime64(3, 'UTC') COMMENT 'When it was looked at',
    asset LowCardinality(String) COMMENT 'database.table',
    project_id LowCardinality(String) COMMENT 'Tenant; empty: all of them at once',
    updated_at DateTime64(3, 'UTC') COMMENT 'Of raw: the last load with rows of it; of a model: its last good build',
    newest_day Nullable(Date) COMMENT 'Newest local day in it, where it has days',
    sla_seconds Nullable(UInt32) COMMENT 'How old it may be; NULL: nobody says'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(observed_at)
ORDER BY (asset, project_id, observed_at)
TTL toDateTime(observed_at) + INTERVAL 400 DAY
COMMENT 'Grain: one row per look, asset and project.';

CREATE TABLE IF NOT EXISTS ops.column_versions
(
    seen_at DateTime64(3, 'UTC') COMMENT 'The first look that saw it so',
    asset LowCardinality(String) COMMENT 'database.table',
    columns Array(Tuple(name String, type String)) COMMENT 'Its columns by name; none: the table went' CODEC(ZSTD(3))
)
ENGINE = MergeTree
ORDER BY (asset, seen_at)
COMMENT 'Grain: one row per asset and change of its columns.';

CREATE VIEW IF NOT EXISTS ops.schema_drift
(
    asset LowCardinality(String) COMMENT 'database.table',
    seen_at DateTime64(3, 'UTC') COMMENT 'The look that saw it first',
    column String COMMENT 'Which column',
    change String COMMENT 'came, went or type',
    type_before String COMMENT 'Its type before; empty: it came',
    type_after String COMMENT 'Its type since; empty: it went'
)
COMMENT 'Grain: one row per column that came, went or changed its type between two looks.'
AS
SELECT
    asset,
    seen_at,
    column,
    multiIf(type_before = '', 'came', type_after = '', 'went', 'type') AS change,
    before[column] AS type_before,
    after[column] AS type_after
FROM
(
    SELECT
        asset,
        seen_at,
        CAST(columns, 'Map(String, String)') AS after,
        CAST(any(columns) OVER earlier, 'Map(String, String)') AS before,
        count() OVER earlier AS versions_before
    FROM ops.column_versions
    WINDOW earlier AS (PARTITION BY asset ORDER BY seen_at ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING)
)
ARRAY JOIN arrayDistinct(arrayConcat(mapKeys(before), mapKeys(after))) AS column
WHERE versions_before > 0 AND before[column] != after[column];

CREATE TABLE IF NOT EXISTS ops.table_storage
(
    observed_at DateTime64(3, 'UTC') COMMENT 'When it was looked at',
    asset LowCardinality(String) COMMENT 'database.table',
    table_rows UInt64 COMMENT 'Its rows',
    table_bytes UInt64 COMMENT 'Its bytes on disk',
    uncompressed_bytes UInt64 COMMENT 'Its bytes before compression',
    parts UInt32 COMMENT 'Its parts on disk'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(observed_at)
ORDER BY (asset, observed_at)
TTL toDateTime(observed_at) + INTERVAL 400 DAY
COMMENT 'Grain: one row per look and table with rows.';

CREATE TABLE IF NOT EXISTS ops.model_costs
(
    observed_at DateTime64(3, 'UTC') COMMENT 'The look that counted it; queries since the look before',
    asset LowCardinality(String) COMMENT 'database.table that was built or tested',
    kind LowCardinality(String) COMMENT 'model: to make it; test: to test it',
    queries UInt64 COMMENT 'How many queries',
    seconds Float64 COMMENT 'Their durations, added up',
    cpu_seconds Float64 COMMENT 'Time on processors, added up',
    read_rows UInt64 COMMENT 'Rows read',
    read_bytes UInt64 COMMENT 'Bytes read',
    written_rows UInt64 COMMENT 'Rows written',
    peak_memory UInt64 COMMENT 'Bytes of the hungriest one'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(observed_at)
ORDER BY (asset, kind, observed_at)
TTL toDateTime(observed_at) + INTERVAL 400 DAY
COMMENT 'Grain: one row per look, asset and kind with queries of dbt, from system.query_log.';

CREATE TABLE IF NOT EXISTS ops.slow_queries
(
    finished_at DateTime64(3, 'UTC') COMMENT 'When it ended',
    user_name LowCardinality(String) COMMENT 'Who asked',
    asset LowCardinality(String) COMMENT 'What it built or tested; empty: it was no query of dbt',
    seconds Float64 COMMENT 'How long it took',
    read_rows UInt64 COMMENT 'Rows read',
    read_bytes UInt64 COMMENT 'Bytes read',
    peak_memory UInt64 COMMENT 'Bytes of memory at most',
    failed Bool COMMENT 'Whether it ended with an error',
    query String COMMENT 'Its first 2,000 characters, with ? for each value' CODEC(ZSTD(3))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(finished_at)
ORDER BY finished_at
TTL toDateTime(finished_at) + INTERVAL 90 DAY
COMMENT 'Grain: one row per slow query: the slowest of each look that took a second or more.';

CREATE TABLE IF NOT EXISTS ops.quality_scores
(
    day Date DEFAULT toDate(now(), 'UTC') COMMENT 'Day (UTC) at whose end, or until now, it was so',
    asset LowCardinality(String) COMMENT 'database.table; empty: all of them',
    project_id LowCardinality(String) COMMENT 'Tenant; empty: of an asset what is of no tenant, else all of them',
    score Float64 COMMENT '0 to 100: the mean of the dimensions that were measured (docs/quality.md)',
    completeness Nullable(Float64) COMMENT '0 to 100; NULL: nothing measures it',
    validity Nullable(Float64) COMMENT '0 to 100; NULL: nothing measures it',
    uniqueness Nullable(Float64) COMMENT '0 to 100; NULL: nothing measures it',
    timeliness Nullable(Float64) COMMENT '0 to 100; NULL: nothing measures it',
    consistency Nullable(Float64) COMMENT '0 to 100; NULL: nothing measures it',
    costs Array(Tuple(check String, dimension String, points Float64, message String)) COMMENT 'What cost how many points of the score, the dearest first; none where asset is empty' CODEC(ZSTD(3)),
    written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Version of this row'
)
ENGINE = ReplacingMergeTree(written_at)
ORDER BY (day, asset, project_id)
TTL day + INTERVAL 800 DAY
COMMENT 'Grain: one row per day, asset and project; of several versions the last counts (FINAL).';
