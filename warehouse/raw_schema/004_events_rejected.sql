CREATE TABLE IF NOT EXISTS raw.events_rejected
(
    project_id LowCardinality(String) COMMENT 'Tenant where the line says it, else empty',
    line String COMMENT 'The line as received' CODEC(ZSTD(3)),
    reason LowCardinality(String) COMMENT 'Why, as one of the contract''s reasons',
    detail String COMMENT 'What exactly was wrong' CODEC(ZSTD(1)),
    source LowCardinality(String) COMMENT 'Dialect, and file or endpoint',
    received_at DateTime64(3, 'UTC') COMMENT 'When the server received it; when it was loaded, where that is not known',
    loaded_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was loaded into this table'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (project_id, reason, received_at)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Grain: one row per received line that was not accepted. Accepted and rejected lines add up to those received.';
