-- Groups of users who behave alike (ml/segments): what they are, and who was in which when.
CREATE TABLE IF NOT EXISTS ml.segment_profiles
(
    project_id LowCardinality(String) COMMENT 'Tenant',
    segment_id UInt32 COMMENT 'The segment, which keeps it as long as it is found again; 0: not active',
    segment LowCardinality(String) COMMENT 'Its name, by what sets it apart',
    as_of Date COMMENT 'The day at whose end it is said',
    model_version LowCardinality(String) COMMENT 'Of the registered model',
    people UInt64 COMMENT 'Who is in it',
    medians Map(LowCardinality(String), Float64) COMMENT 'Of what they did, by feature',
    centre Map(LowCardinality(String), Float64) COMMENT 'Its middle, as the model has it',
    written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Version of this row'
)
ENGINE = ReplacingMergeTree(written_at)
ORDER BY (project_id, segment_id)
COMMENT 'Grain: one row per project and segment there ever was; of several the last written one counts (FINAL).';

CREATE TABLE IF NOT EXISTS ml.segment_members
(
    project_id LowCardinality(String) COMMENT 'Tenant',
    person_id String COMMENT 'The user',
    valid_from DateTime64(3, 'UTC') COMMENT 'The end of the day on which it was found first',
    valid_to DateTime64(3, 'UTC') COMMENT 'The end of the day on which another one was; 2200: still so',
    segment_id UInt32 COMMENT 'The segment',
    segment LowCardinality(String) COMMENT 'Its name then',
    model_version LowCardinality(String) COMMENT 'Of the registered model',
    written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Version of this row'
)
ENGINE = ReplacingMergeTree(written_at)
ORDER BY (project_id, person_id, valid_from)
COMMENT 'Grain: one row per project, user and stretch in one segment; of several the last written one counts (FINAL).';
