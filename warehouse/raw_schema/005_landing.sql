-- What a load sends, one row per received line. The Null engine keeps nothing: the views take what they want from the
-- stream. The views from landing to raw.events are made by the load (ingestion/landing.py), the validation in them from
-- the registry of event types; also the one to load_counts, without which nothing counts as loaded.
CREATE TABLE IF NOT EXISTS raw.landing
(
    line String COMMENT 'Canonical line; empty where a decoder refused the payload',
    original String COMMENT 'The payload as received, where line is a decoding of it; empty: line is as received',
    default_project String COMMENT 'Project of lines that name none',
    accept_unknown Bool COMMENT 'Whether projects that are not declared are accepted',
    refused LowCardinality(String) COMMENT 'Reason of a decoder that refused the payload',
    refused_detail String COMMENT 'What was wrong with it',
    default_received_at DateTime64(3, 'UTC') COMMENT 'When lines were received that do not say it',
    source LowCardinality(String) COMMENT 'Dialect, and file or endpoint',
    file_id String COMMENT 'Hash of the file''s content',
    piece UInt32 COMMENT 'Which piece of the file, from 0'
)
ENGINE = Null
COMMENT 'Grain: one row per received line, on its way.';

CREATE TABLE IF NOT EXISTS raw.landing_validated
(
    line String COMMENT 'Canonical line; empty where a decoder refused the payload',
    original String COMMENT 'The payload as received, where line is a decoding of it; empty: line is as received',
    default_project String COMMENT 'Project of lines that name none',
    accept_unknown Bool COMMENT 'Whether projects that are not declared are accepted',
    refused LowCardinality(String) COMMENT 'Reason of a decoder that refused the payload',
    refused_detail String COMMENT 'What was wrong with it',
    default_received_at DateTime64(3, 'UTC') COMMENT 'When lines were received that do not say it',
    source LowCardinality(String) COMMENT 'Dialect, and file or endpoint',
    file_id String COMMENT 'Hash of the file''s content',
    piece UInt32 COMMENT 'Which piece of the file, from 0',
    fields Tuple(
        project_id Nullable(String),
        event_id Nullable(String),
        event Nullable(String),
        message_type Nullable(String),
        user_id Nullable(String),
        anonymous_id Nullable(String),
        session_id Nullable(String),
        group_id Nullable(String),
        timestamp Nullable(String),
        original_timestamp Nullable(String),
        sent_at Nullable(String),
        received_at Nullable(String),
        properties Nullable(String),
        context Nullable(String),
        consent_analytics Nullable(String),
        consent_marketing Nullable(String),
        consent_personalization Nullable(String),
        schema_version Nullable(String),
        source Nullable(String)
    ) COMMENT 'What the line says, all of it as text',
    ip String COMMENT 'What its context calls so',
    happened_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Corrected time of the event',
    reason LowCardinality(String) COMMENT 'Why the line cannot be accepted; empty: it can',
    detail String COMMENT 'What exactly is wrong'
)
ENGINE = Null
COMMENT 'Grain: one row per received line with what it says and what is wrong with it, on its way.';

CREATE TABLE IF NOT EXISTS raw.landing_judged
(
    project_id LowCardinality(String) COMMENT 'Tenant',
    is_declared Bool COMMENT 'Whether projects.yaml has it',
    privacy LowCardinality(String) COMMENT 'Of the project; the strictest of all where the project cannot be known',
    project_salt String COMMENT 'Key of its pseudonyms',
    is_anonymous Bool COMMENT 'Kept without whose it is: they refused',
    is_private Bool COMMENT 'Whether personal values are taken out',
    event_id String COMMENT 'The sender''s id, or a hash',
    event String COMMENT 'snake_case name',
    message_type String COMMENT 'Kind of call',
    user_id String COMMENT 'Known user',
    anonymous_id String COMMENT 'Device or browser id',
    session_id String COMMENT 'The SDK''s session id',
    group_id String COMMENT 'Account or company',
    timestamp DateTime64(3, 'UTC') COMMENT 'Corrected time of the event',
    original_timestamp DateTime64(3, 'UTC') COMMENT 'Time of the event by the client''s clock',
    sent_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the client sent it',
    received_at DateTime64(3, 'UTC') COMMENT 'When the server received it',
    properties String COMMENT 'JSON text',
    context String COMMENT 'JSON text',
    consent_analytics Bool COMMENT 'May be used for analytics',
    consent_marketing Bool COMMENT 'May be used for marketing',
    consent_personalization Bool COMMENT 'May be used for personalisation',
    schema_version LowCardinality(String) COMMENT 'Version of the sender''s schema',
    source LowCardinality(String) COMMENT 'Dialect, and file or endpoint',
    line String COMMENT 'The payload as received, where it is rejected',
    reason LowCardinality(String) COMMENT 'Why it is rejected; empty: accepted',
    detail String COMMENT 'What exactly was wrong',
    withheld LowCardinality(String) COMMENT 'count or drop: the line is not kept, for want of consent; empty: it may be',
    file_id String COMMENT 'Hash of the file''s content',
    piece UInt32 COMMENT 'Which piece of the file'
)
ENGINE = Null
COMMENT 'Grain: one row per received line with the verdict on it and the rules for it, on its way.';

CREATE TABLE IF NOT EXISTS raw.landing_checked
(
    project_id LowCardinality(String) COMMENT 'Tenant',
    event_id String COMMENT 'The sender''s id, or a hash',
    event String COMMENT 'snake_case name',
    message_type String COMMENT 'Kind of call',
    user_id String COMMENT 'Known user',
    anonymous_id String COMMENT 'Device or browser id',
    session_id String COMMENT 'The SDK''s session id',
    group_id String COMMENT 'Account or company',
    timestamp DateTime64(3, 'UTC') COMMENT 'Corrected time of the event',
    original_timestamp DateTime64(3, 'UTC') COMMENT 'Time of the event by the client''s clock',
    sent_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the client sent it',
    received_at DateTime64(3, 'UTC') COMMENT 'When the server received it',
    properties String COMMENT 'JSON text',
    context String COMMENT 'JSON text',
    consent_analytics Bool COMMENT 'May be used for analytics',
    consent_marketing Bool COMMENT 'May be used for marketing',
    consent_personalization Bool COMMENT 'May be used for personalisation',
    schema_version LowCardinality(String) COMMENT 'Version of the sender''s schema',
    source LowCardinality(String) COMMENT 'Dialect, and file or endpoint',
    line String COMMENT 'What may be kept of a rejected line; empty: accepted',
    reason LowCardinality(String) COMMENT 'Why it is rejected; empty: accepted',
    detail String COMMENT 'What exactly was wrong',
    withheld LowCardinality(String) COMMENT 'count or drop: the line is not kept, for want of consent; empty: it may be',
    file_id String COMMENT 'Hash of the file''s content',
    piece UInt32 COMMENT 'Which piece of the file'
)
ENGINE = Null
COMMENT 'Grain: one row per received line as it may be kept, with the verdict on it, on its way.';

CREATE TABLE IF NOT EXISTS raw.load_counts
(
    file_id String COMMENT 'Hash of the file''s content',
    piece UInt32 COMMENT 'Which piece of the file',
    project_id LowCardinality(String) COMMENT 'Tenant',
    reason LowCardinality(String) COMMENT 'Why lines were rejected; empty: accepted',
    lines Int64 COMMENT 'How many; a retry adds what it moved: less under the old reason, more as accepted',
    loaded_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When'
)
ENGINE = MergeTree
ORDER BY (file_id, piece, project_id, reason)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Grain: one row per piece of a loaded file (or retry of its rejects), project and reason. Sums say what is stored now.';

CREATE TABLE IF NOT EXISTS raw.loaded_files
(
    file_id String COMMENT 'Hash of the file''s content',
    path String COMMENT 'Where it was read from: path or URL',
    version String COMMENT 'How the store it came from calls this content; empty for local files',
    dialect LowCardinality(String) COMMENT 'How it was read',
    bytes UInt64 COMMENT 'Its size',
    received UInt64 COMMENT 'Lines in it',
    accepted UInt64 COMMENT 'Of them accepted',
    rejected UInt64 COMMENT 'Of them rejected',
    load_id String COMMENT 'dlt''s id of the load',
    loaded_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was complete'
)
ENGINE = MergeTree
ORDER BY (file_id, loaded_at)
COMMENT 'Grain: one row per file whose load was completed, with what the load counted; retries do not change it.';

CREATE MATERIALIZED VIEW IF NOT EXISTS raw.landing_to_events_rejected TO raw.events_rejected AS
SELECT
    project_id,
    line,
    reason,
    detail,
    source,
    file_id,
    received_at,
    now64(3) AS loaded_at
FROM raw.landing_checked
WHERE reason NOT IN ('', 'no_consent');

CREATE MATERIALIZED VIEW IF NOT EXISTS raw.landing_to_events_withheld TO raw.events_withheld AS
SELECT
    project_id,
    toDate(timestamp) AS day,
    event,
    toUInt64(count()) AS lines
FROM raw.landing_checked
WHERE reason = 'no_consent' AND withheld = 'count'
GROUP BY project_id, day, event;

-- Retries of rejected lines (ingestion/replay.py). A batch is written here first, whole or not at all, under the next
-- number; of two that take the same number one is dropped, by the deduplication token. What is here is carried out,
-- by whoever finds it, and then deleted.
CREATE TABLE IF NOT EXISTS raw.retried_lines
(
    batch UInt64 COMMENT 'Which batch',
    owner UUID COMMENT 'Who wrote the batch',
    reject_id UUID COMMENT 'The row of raw.events_rejected',
    project_id LowCardinality(String) COMMENT 'Its tenant there',
    reason LowCardinality(String) COMMENT 'Why it was rejected there',
    file_id String COMMENT 'Hash of the content of the file it came in',
    columns LowCardinality(String) COMMENT 'Columns of raw.landing_checked in checked',
    checked String COMMENT 'The accepted row, TabSeparated' CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (batch, reject_id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Grain: one row per rejected line that is accepted now and on its way into raw.events.';

CREATE TABLE IF NOT EXISTS raw.retries
(
    batch UInt64 COMMENT 'Which batch',
    owner UUID COMMENT 'Who wrote the batch',
    lines UInt64 COMMENT 'How many rejected lines it moved into raw.events',
    retried_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When'
)
ENGINE = MergeTree
ORDER BY batch
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Grain: one row per finished batch of a retry.';
