CREATE TABLE IF NOT EXISTS raw.events_rejected
(
    project_id LowCardinality(String) COMMENT 'Tenant where the line says it, else empty',
    line String COMMENT 'The line, as far as the project''s privacy lets it be kept; write keys are hashed' CODEC(ZSTD(3)),
    reason LowCardinality(String) COMMENT 'Why, as one of the contract''s reasons',
    detail String COMMENT 'What exactly was wrong' CODEC(ZSTD(1)),
    source LowCardinality(String) COMMENT 'Dialect, and file or endpoint',
    file_id String COMMENT 'Hash of the content of the file it came in' CODEC(ZSTD(1)),
    received_at DateTime64(3, 'UTC') COMMENT 'When the server received it; when it was loaded, where that is not known',
    loaded_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was loaded into this table',
    reject_id UUID DEFAULT generateUUIDv4() COMMENT 'This row, for a retry'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (project_id, reason, received_at)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Grain: one row per received line that was not accepted, but for those of reason no_consent (raw.load_counts).';

CREATE TABLE IF NOT EXISTS raw.events_withheld
(
    project_id LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'When they happened, UTC',
    event LowCardinality(String) COMMENT 'snake_case name',
    lines UInt64 COMMENT 'How many'
)
ENGINE = SummingMergeTree(lines)
PARTITION BY toYYYYMM(day)
ORDER BY (project_id, day, event)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Grain: one row per project, day and event (sum lines) of events that were not stored, for want of consent.';
