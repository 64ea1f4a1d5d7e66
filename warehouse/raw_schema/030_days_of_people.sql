-- Days of people are a mart now, marts.agg_person_days (decision 069). What nothing writes any more would outlive whoever
-- is erased.
DROP TABLE IF EXISTS intermediate.int_person_days SETTINGS max_table_size_to_drop = 0;
