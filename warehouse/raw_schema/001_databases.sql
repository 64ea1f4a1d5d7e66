-- One database per layer. Atomic by name: a server's own default may be another engine, and EXCHANGE TABLES needs it.
CREATE DATABASE IF NOT EXISTS raw ENGINE = Atomic COMMENT 'What was received, as it was received';
CREATE DATABASE IF NOT EXISTS vault ENGINE = Atomic COMMENT 'Keys: nobody who reads events reads them';
CREATE DATABASE IF NOT EXISTS staging ENGINE = Atomic COMMENT 'Raw with names and types of our own; views';
CREATE DATABASE IF NOT EXISTS intermediate ENGINE = Atomic COMMENT 'Steps between staging and marts';
CREATE DATABASE IF NOT EXISTS marts ENGINE = Atomic COMMENT 'What people and dashboards read';
