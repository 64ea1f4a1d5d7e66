-- Counts that are there as soon as the events are. The state is a set of (hashed) ids: whatever is inserted again, by a
-- repeated event or by this step run twice, counts once.
CREATE TABLE IF NOT EXISTS raw.hourly_events
(
    project_id LowCardinality(String) COMMENT 'Tenant',
    hour DateTime('UTC') COMMENT 'Begin of the hour in which they happened, UTC',
    event LowCardinality(String) COMMENT 'snake_case name',
    events AggregateFunction(uniq, String) COMMENT 'How many different event ids: uniqMerge(events)',
    last_loaded_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'When the latest of them was loaded'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (project_id, event, hour)
COMMENT 'Grain: one row per project, hour and event (merge the states) of accepted events. Filled by each insert into raw.events.';

CREATE MATERIALIZED VIEW IF NOT EXISTS raw.events_to_hourly_events TO raw.hourly_events AS
SELECT
    project_id,
    toStartOfHour(toDateTime(timestamp, 'UTC')) AS hour,
    event,
    uniqState(event_id) AS events,
    max(loaded_at) AS last_loaded_at
FROM raw.events
WHERE consent_analytics
GROUP BY project_id, hour, event;

INSERT INTO raw.hourly_events
SELECT
    project_id,
    toStartOfHour(toDateTime(timestamp, 'UTC')) AS hour,
    event,
    uniqState(event_id) AS events,
    max(loaded_at) AS last_loaded_at
FROM raw.events
WHERE consent_analytics
GROUP BY project_id, hour, event;
