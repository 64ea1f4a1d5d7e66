-- What customers are expected still to buy (ml/lifetime).
CREATE TABLE IF NOT EXISTS ml.lifetime_values
(
    project_id LowCardinality(String) COMMENT 'Tenant',
    person_id String COMMENT 'Who ordered',
    as_of Date COMMENT 'The day at whose end it is said',
    model_version LowCardinality(String) COMMENT 'Of the registered model',
    purchases UInt32 COMMENT 'Days with an order until then',
    last_purchase_on Date COMMENT 'The last of them',
    paid Float64 COMMENT 'For all orders until then, in the currency of the project',
    probability_alive Float64 COMMENT 'That the customer has not stopped to buy',
    purchases_30 Float64 COMMENT 'Days with an order that are expected within 30 days',
    purchases_90 Float64 COMMENT 'Within 90 days',
    purchases_365 Float64 COMMENT 'Within 365 days',
    order_value Float64 COMMENT 'What is expected to be paid on a day with an order, in the currency of the project',
    value_30 Float64 COMMENT 'What is expected to be paid within 30 days',
    value_90 Float64 COMMENT 'Within 90 days',
    value_365 Float64 COMMENT 'Within 365 days',
    written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Version of this row'
)
ENGINE = ReplacingMergeTree(written_at)
ORDER BY (project_id, person_id)
COMMENT 'Grain: one row per project and customer; of several the last written one counts (FINAL).';
