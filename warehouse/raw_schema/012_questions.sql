-- The newest version of a question counts: it is written again when somebody says whether the answer was good.
CREATE TABLE IF NOT EXISTS ops.questions
(
    question_id UUID COMMENT 'This question',
    project_id LowCardinality(String) COMMENT 'Tenant that was asked about',
    asked_at DateTime64(3, 'UTC') COMMENT 'When it was asked',
    session String COMMENT 'Name of the conversation; empty: none',
    question String COMMENT 'As it was asked, with e-mail addresses masked' CODEC(ZSTD(3)),
    kind LowCardinality(String) COMMENT 'metrics, funnel, retention, lifecycle, paths or stickiness; empty where not understood',
    structure String COMMENT 'What it was understood as, as JSON, with e-mail addresses masked' CODEC(ZSTD(3)),
    route LowCardinality(String) COMMENT 'matcher, llm or cache: what understood it, or refused it last',
    confidence Float32 COMMENT '0 to 1; 0 where not understood',
    outcome LowCardinality(String) COMMENT 'answered, empty (no rows), refused or failed',
    reason String COMMENT 'Why it was refused or failed',
    unknown_words Array(String) COMMENT 'Words that nothing covers',
    result_rows UInt32 COMMENT 'Rows of the answer',
    milliseconds UInt32 COMMENT 'From the question to the answer',
    tokens UInt32 COMMENT 'Of the language model, where one was asked',
    feedback LowCardinality(String) COMMENT 'good or bad; empty where nobody said',
    written_at DateTime64(3, 'UTC') COMMENT 'Version of this row'
)
ENGINE = ReplacingMergeTree(written_at)
PARTITION BY toYYYYMM(asked_at)
ORDER BY (project_id, asked_at, question_id)
COMMENT 'Grain: one row per question of millrace ask (the newest version: FINAL). Kept as long as the events of its project.';
