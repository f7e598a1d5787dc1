"""What a competent engineer would write for the trading academy alone, to measure the general code against.

One plain script a stage: DuckDB, LightGBM and Parquet, typed columns instead of JSON, rules and metrics written into
the SQL. Same inputs and, as a test compares, same answers; no quarantine, no late or conflicting rows, no other app, no
words but one template, no audit, and a killed run starts over.
"""
