-- The history of drift beside that of runs and checks, for whoever looks in ops.
CREATE VIEW IF NOT EXISTS ops.model_drift
(
    project_id LowCardinality(String) COMMENT 'Tenant',
    model LowCardinality(String) COMMENT 'Name of the model',
    version UInt32 COMMENT 'Version of it that was the champion',
    day Date COMMENT 'It was looked at as of the end of this day',
    kind LowCardinality(String) COMMENT 'feature: what it sees; prediction: what it says; performance: what it is worth',
    name LowCardinality(String) COMMENT 'Feature or figure',
    psi Nullable(Float64) COMMENT 'Population stability index against the training; above 0.25 it is another population',
    ks Nullable(Float64) COMMENT 'Largest distance of both distribution functions; NULL: words, or nothing known',
    value Nullable(Float64) COMMENT 'Mean of a feature or prediction, or the figure of the performance, on that day',
    reference Nullable(Float64) COMMENT 'The same when the model was trained',
    drifted Bool COMMENT 'Whether it is over the limit'
)
COMMENT 'Grain: one row per project, model, version, day, kind and name that was looked at.'
AS
SELECT project_id, model, version, day, kind, name, psi, ks, value, reference, drifted
FROM ml.drift FINAL;
