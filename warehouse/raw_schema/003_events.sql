-- Partitions by month: no load touches more than a few of them, and an old month is dropped or moved as a whole.
-- Sort key: docs/decisions/004 has the measurements. Dates before names: builds read days, journeys a few events of days.
-- loaded_at is the watermark of every incremental build: the minmax index keeps such a build from reading the table.
-- context is a tuple and no JSON column: docs/decisions/015 has the measurements.
-- Merges take half as long as loading, and pieces come by the dozen: no merge of less than ten of them.
-- Typed paths of properties come from the registry of event types and are added by the load (old rows stay readable).
CREATE TABLE IF NOT EXISTS raw.events
(
    project_id LowCardinality(String) COMMENT 'Tenant',
    event_id String COMMENT 'The sender''s id, or a hash of the payload where it gives none' CODEC(ZSTD(1)),
    event LowCardinality(String) COMMENT 'snake_case name',
    message_type Enum8('track' = 1, 'page' = 2, 'screen' = 3, 'identify' = 4, 'group' = 5, 'alias' = 6) COMMENT 'Kind of call',
    user_id String COMMENT 'Known user; empty where unknown' CODEC(ZSTD(1)),
    anonymous_id String COMMENT 'Device or browser id; empty where unknown' CODEC(ZSTD(1)),
    session_id String COMMENT 'The SDK''s session id; empty where it has none' CODEC(ZSTD(1)),
    group_id String COMMENT 'Account or company; empty where unknown' CODEC(ZSTD(1)),
    timestamp DateTime64(3, 'UTC') COMMENT 'When it happened, corrected for the skew of the client''s clock' CODEC(Delta(8), ZSTD(1)),
    original_timestamp DateTime64(3, 'UTC') COMMENT 'When it happened by the client''s clock' CODEC(Delta(8), ZSTD(1)),
    sent_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the client sent it, by the client''s clock' CODEC(Delta(8), ZSTD(1)),
    received_at DateTime64(3, 'UTC') COMMENT 'When the server received it; when it was loaded, where that is not known' CODEC(Delta(8), ZSTD(1)),
    loaded_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was loaded into this table' CODEC(Delta(8), ZSTD(1)),
    properties JSON(max_dynamic_paths = 256) COMMENT 'What the event carries; registered properties are typed paths' CODEC(ZSTD(1)),
    context Tuple(
        page Tuple(
            url String,
            path String,
            referrer String,
            title String,
            search String
        ),
        campaign Tuple(
            source LowCardinality(String),
            medium LowCardinality(String),
            name LowCardinality(String),
            term String,
            content String
        ),
        device Tuple(
            id String,
            type LowCardinality(String),
            manufacturer LowCardinality(String),
            model LowCardinality(String)
        ),
        os Tuple(
            name LowCardinality(String),
            version LowCardinality(String)
        ),
        browser Tuple(
            name LowCardinality(String),
            version LowCardinality(String)
        ),
        screen Tuple(
            width LowCardinality(String),
            height LowCardinality(String),
            density LowCardinality(String)
        ),
        locale LowCardinality(String),
        timezone LowCardinality(String),
        app Tuple(
            name LowCardinality(String),
            version LowCardinality(String),
            environment LowCardinality(String)
        ),
        library Tuple(
            name LowCardinality(String),
            version LowCardinality(String)
        ),
        location Tuple(
            country LowCardinality(String)
        ),
        ip String,
        user_agent String,
        other JSON(max_dynamic_paths = 64)
    ) COMMENT 'Where it happened: page, campaign, device, app; empty text where unknown; other: what the sender says besides' CODEC(ZSTD(1)),
    consent_analytics Bool COMMENT 'May be used for analytics',
    consent_marketing Bool COMMENT 'May be used for marketing',
    consent_personalization Bool COMMENT 'May be used for personalisation',
    schema_version LowCardinality(String) COMMENT 'Version of the sender''s schema',
    source LowCardinality(String) COMMENT 'Dialect, and file or endpoint',
    INDEX loaded_at_range loaded_at TYPE minmax GRANULARITY 1,
    INDEX user_id_bloom user_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX anonymous_id_bloom anonymous_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(timestamp)
ORDER BY (project_id, toDate(timestamp), event, timestamp)
-- What a load just brought is one file per part, not one per column: a load writes a sixth faster. What is merged is not.
SETTINGS non_replicated_deduplication_window = 10000, min_parts_to_merge_at_once = 10,
    min_bytes_for_wide_part = 268435456
COMMENT 'Grain: one row per accepted event as received; a repeated event_id is counted once downstream.';
