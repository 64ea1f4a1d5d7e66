"""MetricFlow on ClickHouse: a plug-in of MetricFlow 0.213, which is used as it is.

    manifest = load_manifest(path)                 # target/semantic_manifest.json of dbt
    compiler = Compiler(manifest)                  # some 50 ms; any number of projects and timezones
    sql = compiler.compile(request, project="demo", timezone="Europe/Berlin")

`compiler.py` joins facts to what held at their instant, `expressions.py` and `plans.py` say in ClickHouse's SQL what
MetricFlow plans, `ranges.py` and `statements.py` make running totals cheap, `loader.py` makes divisions mean what they
say. docs/decisions/030 tells why.
"""
