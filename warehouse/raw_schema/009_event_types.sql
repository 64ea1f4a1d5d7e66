CREATE TABLE IF NOT EXISTS raw.event_types
(
    event String COMMENT 'snake_case name',
    owner String COMMENT 'Who answers for it',
    description String COMMENT 'What it means',
    message_type LowCardinality(String) COMMENT 'Kind of call',
    deprecated String COMMENT 'What to use instead; empty: in use',
    properties Array(String) COMMENT 'What it may carry',
    required_properties Array(String) COMMENT 'What it must carry',
    personal_properties Array(String) COMMENT 'Of its properties those that are personal or sensitive: they reach no mart'
)
ENGINE = MergeTree
ORDER BY event
COMMENT 'Grain: one row per registered event type. Kept equal to ingestion/event_types by millrace migrate and every load.';
