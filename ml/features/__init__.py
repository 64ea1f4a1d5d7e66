"""Features: what models may learn of, declared once (*.yaml), made by dbt (feat_*), read as of a day."""
