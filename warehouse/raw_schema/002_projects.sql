CREATE TABLE IF NOT EXISTS raw.projects
(
    project_id String COMMENT 'Tenant',
    name String COMMENT 'Its name for people',
    timezone String COMMENT 'What a day means for it (IANA name)',
    retention_days UInt16 COMMENT 'How long its events are kept',
    privacy LowCardinality(String) COMMENT 'open, standard or strict',
    write_keys Array(String) COMMENT 'sha256 of the keys its SDKs send'
)
ENGINE = MergeTree
ORDER BY project_id
COMMENT 'Grain: one row per declared project. Kept equal to projects.yaml by millrace migrate.';
