-- What was run, what it found, and what that means. Written by whoever builds and checks (warehouse/observability).
CREATE TABLE IF NOT EXISTS ops.runs
(
    run_id UUID COMMENT 'This run',
    kind LowCardinality(String) COMMENT 'build, expectations, reconcile',
    started_by LowCardinality(String) COMMENT 'command line or dagster',
    dagster_run_id String COMMENT 'Its run in Dagster, where there is one',
    started_at DateTime64(3, 'UTC') COMMENT 'When it began',
    seconds Float64 COMMENT 'How long it took',
    status LowCardinality(String) COMMENT 'success or failed',
    message String COMMENT 'What failed first, and what was kept back because of it' CODEC(ZSTD(3))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(started_at)
ORDER BY (kind, started_at)
TTL toDateTime(started_at) + INTERVAL 400 DAY
COMMENT 'Grain: one row per run of builds and checks.';

CREATE TABLE IF NOT EXISTS ops.model_runs
(
    run_id UUID COMMENT 'The run it belongs to',
    finished_at DateTime64(3, 'UTC') COMMENT 'When it was done',
    asset LowCardinality(String) COMMENT 'database.table',
    status LowCardinality(String) COMMENT 'success, error or skipped',
    seconds Float64 COMMENT 'How long it took',
    table_rows Nullable(UInt64) COMMENT 'Rows of the table then; NULL of a view',
    table_bytes Nullable(UInt64) COMMENT 'Its bytes on disk then; NULL of a view',
    message String COMMENT 'What went wrong' CODEC(ZSTD(3))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(finished_at)
ORDER BY (asset, finished_at)
TTL toDateTime(finished_at) + INTERVAL 400 DAY
COMMENT 'Grain: one row per model and build.';

CREATE TABLE IF NOT EXISTS ops.check_results
(
    run_id UUID COMMENT 'The run it belongs to',
    checked_at DateTime64(3, 'UTC') COMMENT 'When it was checked',
    asset LowCardinality(String) COMMENT 'database.table that is checked',
    check_name LowCardinality(String) COMMENT 'Name of the dbt test or the expectation; with asset and project one thing',
    project_id LowCardinality(String) COMMENT 'Tenant; empty: all of them at once',
    kind LowCardinality(String) COMMENT 'dbt, expectation, reconcile',
    dimension LowCardinality(String) COMMENT 'completeness, validity, uniqueness, timeliness or consistency',
    severity LowCardinality(String) COMMENT 'error: it stops what is downstream; warn: it is told',
    status LowCardinality(String) COMMENT 'pass, fail, error (it could not be checked) or skipped',
    seconds Float64 COMMENT 'How long it took',
    checked Nullable(UInt64) COMMENT 'Rows looked at, where known',
    failures Nullable(UInt64) COMMENT 'Rows that failed, where rows can',
    observed String COMMENT 'What was found, in words or a number' CODEC(ZSTD(3)),
    message String COMMENT 'The sentence for people; empty: passed' CODEC(ZSTD(3))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(checked_at)
ORDER BY (asset, check_name, project_id, checked_at)
TTL toDateTime(checked_at) + INTERVAL 400 DAY
COMMENT 'Grain: one row per check, project and run.';

CREATE TABLE IF NOT EXISTS ops.incidents
(
    incident_id UUID COMMENT 'This incident',
    asset LowCardinality(String) COMMENT 'database.table whose check fails',
    check_name LowCardinality(String) COMMENT 'The check',
    project_id LowCardinality(String) COMMENT 'Tenant; empty: all of them at once',
    status LowCardinality(String) COMMENT 'open or resolved',
    opened_at DateTime64(3, 'UTC') COMMENT 'When it failed first',
    last_failed_at DateTime64(3, 'UTC') COMMENT 'When it failed last',
    resolved_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it passed again',
    failed_runs UInt32 COMMENT 'Runs in which it failed',
    message String COMMENT 'What was found last' CODEC(ZSTD(3)),
    kept_back Array(LowCardinality(String)) COMMENT 'What was not built because of it, last time',
    owner LowCardinality(String) COMMENT 'Who is asked about the asset',
    written_at DateTime64(3, 'UTC') COMMENT 'Version of this row'
)
ENGINE = ReplacingMergeTree(written_at)
ORDER BY incident_id
COMMENT 'Grain: one row per incident; of several versions the last counts (FINAL).';
