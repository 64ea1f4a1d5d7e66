-- What models say (ml/): written by training and scoring, read through the views marts.pred_*.
CREATE DATABASE IF NOT EXISTS ml ENGINE = Atomic COMMENT 'What models say of people, items and series';
