-- What alert rules found, and who was told of it (monitoring/alerts). The row of an alert says what is to be told; from
-- it and from what was delivered already follows what is still to be delivered.
CREATE TABLE IF NOT EXISTS ops.alerts
(
    alert_id UUID COMMENT 'This alert: made of its key and how many it had before',
    alert_key String COMMENT 'rule/project/subject: of one key at most one alert is not resolved',
    sequence UInt32 COMMENT 'How many of this key were before it',
    rule LowCardinality(String) COMMENT 'The rule, in alerts/*.yaml',
    kind LowCardinality(String) COMMENT 'Of the rule: threshold, change, freshness, check_failure, anomaly',
    project_id LowCardinality(String) COMMENT 'Tenant; empty: of none, or of all at once',
    subject String COMMENT 'What it is about: a segment, a table, a check, an anomaly; empty: the whole',
    severity LowCardinality(String) COMMENT 'low, medium, high or critical',
    owner LowCardinality(String) COMMENT 'Who is asked about it',
    channels Array(LowCardinality(String)) COMMENT 'Where it is told',
    status LowCardinality(String) COMMENT 'open, acknowledged or resolved',
    summary String COMMENT 'What was found last, in a sentence' CODEC(ZSTD(3)),
    value Nullable(Float64) COMMENT 'The figure of it, where it has one',
    next_step String COMMENT 'What to look at or to do' CODEC(ZSTD(3)),
    points Array(Tuple(at String, value Float64)) COMMENT 'The series until then' CODEC(ZSTD(3)),
    opened_at DateTime64(3, 'UTC') COMMENT 'When it was found, or found again soon after it had ended',
    last_found_at DateTime64(3, 'UTC') COMMENT 'When that changed last',
    acknowledged_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When somebody took it',
    resolved_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it ended',
    cleared_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was not so any more; resolved by hand it may still be so',
    resolution String COMMENT 'Why it ended',
    events Array(Tuple(what String, at DateTime64(3, 'UTC'), channels Array(String))) COMMENT 'What is told where' CODEC(ZSTD(3)),
    notes Array(Tuple(at DateTime64(3, 'UTC'), author String, text String)) COMMENT 'What people did and said' CODEC(ZSTD(3)),
    written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Version of this row'
)
ENGINE = ReplacingMergeTree(written_at)
ORDER BY alert_id
COMMENT 'Grain: one row per alert; of several versions the last counts (FINAL).';

CREATE TABLE IF NOT EXISTS ops.alert_deliveries
(
    delivery_id UUID COMMENT 'One event of one alert to one channel',
    attempt UInt32 COMMENT 'Counted from 1',
    message_id UUID COMMENT 'What was sent: several deliveries may travel in one message',
    alert_id UUID COMMENT 'The alert',
    event LowCardinality(String) COMMENT 'opened, escalated, acknowledged or resolved',
    channel LowCardinality(String) COMMENT 'The channel, in alerts/*.yaml',
    kind LowCardinality(String) COMMENT 'Of the channel: slack, email, …; empty: it is not declared any more',
    status LowCardinality(String) COMMENT 'sending (also: broke off), sent, failed, dead (given up) or again (by hand)',
    attempted_at DateTime64(3, 'UTC') COMMENT 'When it began',
    seconds Float64 COMMENT 'How long it took',
    answer String COMMENT 'What the channel answered, without secrets' CODEC(ZSTD(3)),
    next_attempt_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it is tried again, where it is',
    written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Version of this row'
)
ENGINE = ReplacingMergeTree(written_at)
PARTITION BY toYYYYMM(attempted_at)
ORDER BY (delivery_id, attempt)
TTL toDateTime(attempted_at) + INTERVAL 400 DAY
COMMENT 'Grain: one row per attempt to deliver; of several versions the last counts (FINAL).';

CREATE VIEW IF NOT EXISTS ops.alert_dead_letters
(
    delivery_id UUID COMMENT 'One event of one alert to one channel',
    alert_id UUID COMMENT 'The alert',
    event LowCardinality(String) COMMENT 'What was to be told of it',
    channel LowCardinality(String) COMMENT 'The channel',
    kind LowCardinality(String) COMMENT 'Of the channel',
    attempts UInt32 COMMENT 'How often it was tried',
    given_up_at DateTime64(3, 'UTC') COMMENT 'When',
    answer String COMMENT 'What the channel answered last'
)
COMMENT 'Grain: one row per delivery that was given up and not tried again since.'
AS
SELECT
    delivery_id,
    any(alert_id) AS alert_id,
    any(event) AS event,
    any(channel) AS channel,
    argMax(kind, attempt) AS kind,
    max(attempt) AS attempts,
    max(attempted_at) AS given_up_at,
    argMax(answer, attempt) AS answer
FROM ops.alert_deliveries FINAL
GROUP BY delivery_id
HAVING argMax(status, attempt) = 'dead';
