-- Who looked at what in Superset, and changed what (bi/audit.py): its own log, kept where it can be asked.
CREATE TABLE IF NOT EXISTS ops.dashboard_uses
(
    used_at DateTime64(6, 'UTC') COMMENT 'When',
    person String COMMENT 'By their name in Superset; empty: a guest, or nobody who has logged in',
    action LowCardinality(String) COMMENT 'As Superset calls it: ChartDataRestApi.data, DashboardRestApi.put, …',
    dashboard String COMMENT 'Title of the dashboard, where it is about one',
    chart String COMMENT 'Title of the chart, where it is about one',
    milliseconds Nullable(UInt64) COMMENT 'How long it took',
    details String COMMENT 'What else Superset wrote down, as JSON' CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(used_at)
ORDER BY (used_at, person, action)
TTL toDateTime(used_at) + INTERVAL 400 DAY
COMMENT 'Grain: one row per action of a person in Superset; written again it counts once (FINAL).';
