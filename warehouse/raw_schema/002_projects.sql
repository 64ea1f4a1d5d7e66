CREATE TABLE IF NOT EXISTS raw.projects
(
    project_id String COMMENT 'Tenant',
    name String COMMENT 'Its name for people',
    timezone String COMMENT 'What a day means for it (IANA name)',
    retention_days UInt16 COMMENT 'How long its events are kept',
    privacy LowCardinality(String) COMMENT 'open, standard or strict',
    consent_silent LowCardinality(String) COMMENT 'What a line means that does not say it: granted or refused',
    consent_refused LowCardinality(String) COMMENT 'What becomes of events without consent: count, drop or anonymise',
    write_keys Array(String) COMMENT 'sha256 of the keys its SDKs send'
)
ENGINE = MergeTree
ORDER BY project_id
COMMENT 'Grain: one row per declared project. Kept equal to projects.yaml by millrace migrate.';

-- Without the salt, hashes of e-mail addresses and IPv4 addresses can be found by trying. Read by the view that checks
-- lines, with the rights of who made it, and by the loader. A salt is made once and never changed: the same person would
-- become another one.
CREATE TABLE IF NOT EXISTS vault.salts
(
    project_id String COMMENT 'Tenant; empty: lines of no declared project',
    salt String COMMENT 'Key of the pseudonyms of this project: 64 random hex digits',
    created_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was made'
)
ENGINE = MergeTree
ORDER BY (project_id, created_at)
COMMENT 'Grain: one row per project; of several the first one counts.';
