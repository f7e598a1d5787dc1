-- The tables of the spending ledger.
-- Money is in integer nano-dollars, times are seconds since 1970 in UTC. A table's rows only ever grow in number; what
-- changes is small: a question's state, a batch, the sums that budgets are checked against.
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE owner (  -- a process that has, or had, the ledger open
    id INTEGER PRIMARY KEY, pid INTEGER NOT NULL, started_at REAL NOT NULL, host TEXT NOT NULL,
    opened_at REAL NOT NULL, first_attempt INTEGER NOT NULL, gone INTEGER NOT NULL DEFAULT 0);
CREATE TABLE run (
    id INTEGER PRIMARY KEY, app TEXT NOT NULL, night TEXT NOT NULL, name TEXT NOT NULL,
    first_attempt INTEGER NOT NULL, last_attempt INTEGER NOT NULL,  -- between which all its attempts lie
    UNIQUE (app, night, name));
CREATE TABLE turned_away (  -- claims that were given no attempt: 'answered' before, 'budget', 'late', 'unknown'
    run_id INTEGER NOT NULL, why TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (run_id, why)) WITHOUT ROWID;
CREATE TABLE night (
    app TEXT NOT NULL, night TEXT NOT NULL, spent INTEGER NOT NULL, reserved INTEGER NOT NULL,
    PRIMARY KEY (app, night)) WITHOUT ROWID;
CREATE TABLE month (name TEXT PRIMARY KEY, spent INTEGER NOT NULL, reserved INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE text (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, body TEXT NOT NULL);
CREATE TABLE form (  -- all of a request but its user part
    id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, provider TEXT NOT NULL, model TEXT NOT NULL,
    system_id INTEGER NOT NULL, schema_id INTEGER NOT NULL, schema_name TEXT NOT NULL, max_tokens INTEGER NOT NULL,
    effort TEXT, purpose TEXT NOT NULL, prompt_version TEXT NOT NULL);
CREATE TABLE question (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE,
    state TEXT NOT NULL,  -- of its last attempt: 'sent', 'answered', 'failed' (unbilled), 'unknown'
    last INTEGER NOT NULL, unknowns INTEGER NOT NULL);
CREATE TABLE attempt (  -- in flight until it has an outcome
    id INTEGER PRIMARY KEY, question_id INTEGER NOT NULL, form_id INTEGER NOT NULL, run_id INTEGER NOT NULL,
    owner_id INTEGER NOT NULL, batch_id INTEGER, month TEXT NOT NULL, reserved INTEGER NOT NULL,
    resend INTEGER NOT NULL, sent_at REAL NOT NULL, user TEXT NOT NULL);
CREATE INDEX attempt_by_batch ON attempt (batch_id, question_id) WHERE batch_id IS NOT NULL;
CREATE TABLE outcome (
    attempt_id INTEGER PRIMARY KEY, state TEXT NOT NULL, reason TEXT, cost INTEGER NOT NULL,
    input INTEGER NOT NULL, cached INTEGER NOT NULL, cache_write INTEGER NOT NULL, output INTEGER NOT NULL,
    reasoning INTEGER NOT NULL, seconds REAL NOT NULL, settled_at REAL NOT NULL, killed INTEGER NOT NULL,
    text TEXT NOT NULL, raw TEXT NOT NULL);
CREATE TABLE batch (  -- see batches/rows.py for its states
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, provider TEXT NOT NULL, run_id INTEGER NOT NULL,
    owner_id INTEGER NOT NULL, state TEXT NOT NULL, requests INTEGER NOT NULL DEFAULT 0, made_at REAL NOT NULL,
    maybe_sent_at REAL, provider_id TEXT, adopted INTEGER NOT NULL DEFAULT 0, collections INTEGER NOT NULL DEFAULT 0,
    detail TEXT NOT NULL DEFAULT '');
