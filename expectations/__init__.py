"""Great Expectations on the tables of the warehouse: what is declared in suites/*.yaml, judged in ClickHouse."""
