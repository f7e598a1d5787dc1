-- The tables of the spending ledger.
-- Money is in integer nano-dollars, times are seconds since 1970 in UTC. A table's rows only ever grow in number; what
-- changes is small: what came of an attempt, a batch, the sums that budgets are checked against.
CREATE TABLE owner (  -- a process that has, or had, the ledger open
    id INTEGER PRIMARY KEY, pid INTEGER NOT NULL, started_at REAL NOT NULL, host TEXT NOT NULL,
    opened_at REAL NOT NULL, gone INTEGER NOT NULL DEFAULT 0);
CREATE TABLE run (
    id INTEGER PRIMARY KEY, app TEXT NOT NULL, night TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (app, night, name));
CREATE TABLE turned_away (  -- claims that were given no attempt: 'answered' before, 'budget', 'late', 'unknown'
    run_id INTEGER NOT NULL, why TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (run_id, why)) WITHOUT ROWID;
CREATE TABLE night (
    app TEXT NOT NULL, night TEXT NOT NULL, spent INTEGER NOT NULL, reserved INTEGER NOT NULL,
    PRIMARY KEY (app, night)) WITHOUT ROWID;
CREATE TABLE month (name TEXT PRIMARY KEY, spent INTEGER NOT NULL, reserved INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE form (  -- all of a request but its user part
    id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, provider TEXT NOT NULL, model TEXT NOT NULL,
    system TEXT NOT NULL, schema TEXT NOT NULL, schema_name TEXT NOT NULL, max_tokens INTEGER NOT NULL,
    effort TEXT, purpose TEXT NOT NULL, prompt_version TEXT NOT NULL);
CREATE TABLE attempt (  -- at the question of this key, with what came of it
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, form_id INTEGER NOT NULL, run_id INTEGER NOT NULL,
    owner_id INTEGER NOT NULL, batch_id INTEGER, month TEXT NOT NULL, reserved INTEGER NOT NULL,
    resend INTEGER NOT NULL, sent_at REAL NOT NULL, user TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'sent',  -- in flight; then 'answered', 'failed' (unbilled), 'unknown'
    reason TEXT, cost INTEGER NOT NULL DEFAULT 0, input INTEGER NOT NULL DEFAULT 0, cached INTEGER NOT NULL DEFAULT 0,
    cache_write INTEGER NOT NULL DEFAULT 0, output INTEGER NOT NULL DEFAULT 0, reasoning INTEGER NOT NULL DEFAULT 0,
    seconds REAL NOT NULL DEFAULT 0, settled_at REAL, killed INTEGER NOT NULL DEFAULT 0,
    text TEXT NOT NULL DEFAULT '', raw BLOB NOT NULL DEFAULT x'');
CREATE INDEX attempt_by_key ON attempt (key);
CREATE INDEX attempt_by_run ON attempt (run_id);
CREATE INDEX attempt_by_batch ON attempt (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX attempt_in_flight ON attempt (owner_id) WHERE state = 'sent';
CREATE TABLE batch (  -- see batches/rows.py for its states
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, provider TEXT NOT NULL, run_id INTEGER NOT NULL,
    owner_id INTEGER NOT NULL, state TEXT NOT NULL, requests INTEGER NOT NULL DEFAULT 0, made_at REAL NOT NULL,
    maybe_sent_at REAL, provider_id TEXT, adopted INTEGER NOT NULL DEFAULT 0, collections INTEGER NOT NULL DEFAULT 0,
    detail TEXT NOT NULL DEFAULT '');
