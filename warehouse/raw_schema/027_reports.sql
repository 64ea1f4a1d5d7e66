-- Reports (monitoring/reports): what became of each making; and what is said of one that is sent, which travels as an alert does.
CREATE TABLE IF NOT EXISTS ops.report_runs
(
    run_id UUID COMMENT 'This making',
    report LowCardinality(String) COMMENT 'The report, in reports/*.yaml',
    project_id LowCardinality(String) COMMENT 'Tenant',
    first_day Date COMMENT 'The first of the days that it is about',
    last_day Date COMMENT 'The last of them',
    formats Array(LowCardinality(String)) COMMENT 'Of its files: csv, json, xlsx, parquet, html, pdf',
    channels Array(LowCardinality(String)) COMMENT 'Where it was sent; empty: files for whoever asked',
    sections UInt32 COMMENT 'How many parts it has',
    rows UInt64 COMMENT 'Of all parts',
    bytes UInt64 COMMENT 'Of all files',
    seconds Float64 COMMENT 'How long it took to make it',
    outcome LowCardinality(String) COMMENT 'made, sent (handed to its channels), too large or failed',
    message String COMMENT 'Why, where it is too large or failed' CODEC(ZSTD(3)),
    alert_id UUID COMMENT 'By which ops.alert_deliveries has what its channels answered; zeros: it was not sent',
    started_at DateTime64(3, 'UTC') COMMENT 'When it began'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(started_at)
ORDER BY (report, project_id, started_at)
TTL toDateTime(started_at) + INTERVAL 400 DAY
COMMENT 'Grain: one row per making of a report for a project.';

ALTER TABLE ops.alerts ADD COLUMN IF NOT EXISTS
report String COMMENT 'Of a report what is said of it and which files it has, as JSON; else empty' CODEC(ZSTD(3)) AFTER digest;
