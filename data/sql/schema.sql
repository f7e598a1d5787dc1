-- The warehouse of one app. Every statement can run again; the functions that they call are in functions.sql.

-- Input ---------------------------------------------------------------------------------------------------------------

-- One row per file taken; a file is taken once per (file_hash, source_hash, as_players).
CREATE TABLE IF NOT EXISTS deliveries (
    delivery_id   VARCHAR PRIMARY KEY,
    file          VARCHAR NOT NULL,
    file_hash     VARCHAR NOT NULL,
    source        VARCHAR NOT NULL,          -- 'events', 'players' or the raw table it feeds
    source_hash   VARCHAR NOT NULL,
    taken_at      TIMESTAMPTZ NOT NULL,
    history       BOOLEAN NOT NULL,
    rows_read     BIGINT NOT NULL,
    rows_taken    BIGINT NOT NULL,
    rows_known    BIGINT NOT NULL,           -- already here under the same event_id
    rows_refused  BIGINT NOT NULL            -- in quarantine
);
ALTER TABLE deliveries ADD COLUMN IF NOT EXISTS columns VARCHAR;  -- JSON: the file's columns in order, and what each is
ALTER TABLE deliveries ADD COLUMN IF NOT EXISTS written VARCHAR;  -- what the app file said of how text files are written

CREATE TABLE IF NOT EXISTS quarantine (
    delivery_id    VARCHAR NOT NULL,
    file           VARCHAR NOT NULL,
    line           BIGINT,                   -- 1-based, in the decompressed file; null when the whole file was refused
    raw            VARCHAR,
    reason         VARCHAR NOT NULL,
    quarantined_at TIMESTAMPTZ NOT NULL
);
ALTER TABLE quarantine ADD COLUMN IF NOT EXISTS fields VARCHAR;   -- JSON: names of the fields of a line of delimited text

-- Append-only: what was told of deliveries that looked otherwise than those before.
CREATE TABLE IF NOT EXISTS drifts (
    noted_at TIMESTAMPTZ NOT NULL,
    told     VARCHAR NOT NULL
);

-- People whose data were erased: a hash of their id with the key beside it, and nothing else of them.
CREATE TABLE IF NOT EXISTS erased (
    person   VARCHAR PRIMARY KEY,
    asked_at TIMESTAMPTZ NOT NULL,
    done_at  TIMESTAMPTZ                     -- null: begun and not finished
);
CREATE TABLE IF NOT EXISTS erasure_key (
    key VARCHAR NOT NULL
);

-- What ledgers held of people who were erased, added up over all of them.
CREATE TABLE IF NOT EXISTS erased_sums (
    ledger VARCHAR NOT NULL,                 -- 'xp_ledger', 'reward_ledger', 'badge_ledger', 'settlements', 'challenges'
    kind   VARCHAR NOT NULL,                 -- what an entry is of, the reward, the badge, the state, the content type
    rows   BIGINT NOT NULL,
    xp     BIGINT NOT NULL,                  -- of rewards their amount
    PRIMARY KEY (ledger, kind)
);

-- Where each pull from a PostgreSQL stands.
CREATE TABLE IF NOT EXISTS pulls (
    name      VARCHAR PRIMARY KEY,
    mark      BIGINT,                        -- the newest watermark as a whole number: microseconds, days, or itself
    watermark VARCHAR NOT NULL,              -- the column that it is of
    columns   VARCHAR NOT NULL,              -- JSON: each column's type there, by name
    pulled_at TIMESTAMPTZ NOT NULL
);

-- Rows that the next pull sees again, since it looks some way behind the newest.
CREATE TABLE IF NOT EXISTS pulled_rows (
    name   VARCHAR NOT NULL,
    hashes UBIGINT[] NOT NULL                -- of its values, in the order of pulls.columns
);

CREATE TABLE IF NOT EXISTS players (
    player_key BIGINT PRIMARY KEY,
    user_id    VARCHAR NOT NULL UNIQUE
);
ALTER TABLE players ADD COLUMN IF NOT EXISTS bucket USMALLINT;    -- player_bucket(player_key), 0 to 65,535: of n buckets a player is in bucket % n


CREATE TABLE IF NOT EXISTS player_records (
    player_key   BIGINT NOT NULL,
    recorded_at  TIMESTAMPTZ NOT NULL,
    available_at TIMESTAMPTZ NOT NULL,
    timezone     VARCHAR,
    language     VARCHAR,
    born_on      DATE,
    joined_at    TIMESTAMPTZ,
    opted_out    BOOLEAN,
    attributes   JSON
);

-- What was delivered of the calendar. A row counts for whoever looks from a moment between `known_at` and `gone_at`.
CREATE TABLE IF NOT EXISTS calendar_entries (
    title      VARCHAR NOT NULL,
    kind       VARCHAR NOT NULL,
    starts_on  DATE NOT NULL,
    ends_on    DATE NOT NULL,
    cohort     VARCHAR,                      -- null: of any
    attributes VARCHAR,                      -- JSON: what a player's record must hold; null: whatever it holds
    known_at   TIMESTAMPTZ NOT NULL,
    gone_at    TIMESTAMPTZ                   -- from when on it was called off; null: it stands
);

-- What stands; append-only but for what is taken back, which moves to `retracted_events`. Read by a night, and by
-- whatever else looks from a past moment, through events_at(moment). `day` is the player's local day, counted when the event is taken and anew when `day_rule` changes.
CREATE TABLE IF NOT EXISTS events (
    event_id     VARCHAR NOT NULL,
    player_key   BIGINT NOT NULL,
    event        VARCHAR NOT NULL,
    active       BOOLEAN NOT NULL,
    occurred_at  TIMESTAMPTZ NOT NULL,
    sequence     BIGINT NOT NULL,
    value        DOUBLE,
    properties   JSON,
    day          DATE NOT NULL,
    local_hour   UTINYINT NOT NULL,
    available_at TIMESTAMPTZ NOT NULL,
    delivery_id  VARCHAR NOT NULL,
    content_hash UBIGINT NOT NULL
);

-- Append-only: what was said to be taken back, whether that is here, is still to come or never will be.
CREATE TABLE IF NOT EXISTS retractions (
    retraction_id VARCHAR NOT NULL,          -- the row's own event_id
    event_id      VARCHAR NOT NULL,          -- of what it takes back
    user_id       VARCHAR,                   -- whose that is said to be; null: whoever's
    occurred_at   TIMESTAMPTZ NOT NULL,
    available_at  TIMESTAMPTZ NOT NULL,
    delivery_id   VARCHAR NOT NULL,
    content_hash  UBIGINT NOT NULL
);

-- Events that no longer stand, moved here as they were. Whoever looks from a moment between `available_at` and
-- `retracted_at` still sees them: see events_at. One that vanished and came back has a row for each time.
CREATE TABLE IF NOT EXISTS retracted_events (
    event_id      VARCHAR NOT NULL,
    player_key    BIGINT NOT NULL,
    event         VARCHAR NOT NULL,
    active        BOOLEAN NOT NULL,
    occurred_at   TIMESTAMPTZ NOT NULL,
    sequence      BIGINT NOT NULL,
    value         DOUBLE,
    properties    JSON,
    day           DATE NOT NULL,
    local_hour    UTINYINT NOT NULL,
    available_at  TIMESTAMPTZ NOT NULL,
    delivery_id   VARCHAR NOT NULL,
    content_hash  UBIGINT NOT NULL,
    retracted_at  TIMESTAMPTZ NOT NULL,      -- from when on it is known not to stand
    moved_at      TIMESTAMPTZ NOT NULL,      -- when the ingest ran that moved it
    retraction_id VARCHAR                    -- null: it vanished from its source
);

-- Player-day parts: what merges -----------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS player_days (
    player_key   BIGINT NOT NULL,
    day          DATE NOT NULL,
    cohort       VARCHAR NOT NULL,
    metric       VARCHAR NOT NULL,
    n            BIGINT NOT NULL,
    sum          DOUBLE NOT NULL,
    min          DOUBLE NOT NULL,
    max          DOUBLE NOT NULL,
    available_at TIMESTAMPTZ NOT NULL        -- of the latest event in it
);

-- Keyed state of distinct metrics.
CREATE TABLE IF NOT EXISTS player_day_keys (
    player_key   BIGINT NOT NULL,
    day          DATE NOT NULL,
    metric       VARCHAR NOT NULL,
    key          VARCHAR NOT NULL,
    n            BIGINT NOT NULL,
    available_at TIMESTAMPTZ NOT NULL
);

-- Play itself, active events only: one row per player and local day on which they acted.
CREATE TABLE IF NOT EXISTS active_days (
    player_key     BIGINT NOT NULL,
    day            DATE NOT NULL,
    n_events       BIGINT NOT NULL,
    n_sessions     BIGINT NOT NULL,          -- runs of events with gaps under 30 minutes
    active_minutes DOUBLE NOT NULL,          -- session lengths added up
    first_at       TIMESTAMPTZ NOT NULL,
    last_at        TIMESTAMPTZ NOT NULL,
    hour_sin       DOUBLE NOT NULL,          -- sums over events of sin and cos of the local hour angle
    hour_cos       DOUBLE NOT NULL,
    available_at   TIMESTAMPTZ NOT NULL
);

-- Metric rows that need more than one event: entities that reached their sum, streaks.
CREATE TABLE IF NOT EXISTS derived_events (
    metric       VARCHAR NOT NULL,
    player_key   BIGINT NOT NULL,
    event_id     VARCHAR NOT NULL,
    occurred_at  TIMESTAMPTZ NOT NULL,
    sequence     BIGINT NOT NULL,
    day          DATE NOT NULL,
    cohort       VARCHAR NOT NULL,
    value        DOUBLE NOT NULL,
    key          VARCHAR,
    available_at TIMESTAMPTZ NOT NULL
);

-- The metric definitions that the parts were built with; another app file rebuilds them.
CREATE TABLE IF NOT EXISTS metrics (
    metric  VARCHAR PRIMARY KEY,
    agg     VARCHAR NOT NULL,
    better  VARCHAR NOT NULL,
    version VARCHAR NOT NULL
);

-- Append-only: player-days that events left or came to, since the player's time zone became known after them.
CREATE TABLE IF NOT EXISTS moved_days (
    player_key BIGINT NOT NULL,
    day        DATE NOT NULL,
    moved_at   TIMESTAMPTZ NOT NULL
);

-- How the days of the events are counted: one row; another app file counts them anew.
CREATE TABLE IF NOT EXISTS day_rule (
    timezone       VARCHAR NOT NULL,         -- of players without one
    day_starts_min INTEGER NOT NULL          -- minutes after local midnight
);

-- Nights ----------------------------------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS nights (
    as_of        DATE NOT NULL,
    revision     INTEGER NOT NULL,
    cut          TIMESTAMPTZ NOT NULL,       -- nothing available later was read
    base_day     DATE NOT NULL,              -- features rest on days before this one
    watermark    BIGINT NOT NULL,            -- events in the warehouse when the night was pinned
    started_at   TIMESTAMPTZ NOT NULL,
    code_version VARCHAR NOT NULL,
    app_hash     VARCHAR NOT NULL,
    seed         BIGINT NOT NULL,
    status       VARCHAR NOT NULL,           -- 'pinned', 'planned', 'published'; 'unissued': out to be looked at only
    published_at TIMESTAMPTZ,
    figures      JSON,
    PRIMARY KEY (as_of, revision)
);
ALTER TABLE nights ADD COLUMN IF NOT EXISTS silent JSON;                  -- unknown stretches: [[since, until], …]
ALTER TABLE nights ADD COLUMN IF NOT EXISTS stale BOOLEAN DEFAULT false;  -- the input was older than it uses to be
ALTER TABLE nights ADD COLUMN IF NOT EXISTS late BOOLEAN DEFAULT false;   -- made when later nights were out already
ALTER TABLE nights ADD COLUMN IF NOT EXISTS issues BOOLEAN DEFAULT true;  -- false: promises nothing and pays nothing
ALTER TABLE nights ADD COLUMN IF NOT EXISTS day_rule VARCHAR;             -- how its days were counted: 'UTC from 00:00'
ALTER TABLE nights ADD COLUMN IF NOT EXISTS file_hash VARCHAR;           -- of the app file; app_hash covers wishes too
ALTER TABLE nights ADD COLUMN IF NOT EXISTS wishes JSON;                 -- what was asked for beyond the app file

-- What is to be delivered: a row for each night and destination.
CREATE TABLE IF NOT EXISTS outbox (
    as_of        DATE NOT NULL,
    revision     INTEGER NOT NULL,
    sink         VARCHAR NOT NULL,
    receipt      VARCHAR,                    -- null: still to be delivered
    delivered_at TIMESTAMPTZ,
    tries        INTEGER NOT NULL DEFAULT 0,
    error        VARCHAR,                    -- of the last try, where it failed
    failed_at    TIMESTAMPTZ,
    PRIMARY KEY (as_of, revision, sink)
);

-- The app files that nights were pinned with, whole.
CREATE TABLE IF NOT EXISTS app_files (
    file_hash VARCHAR PRIMARY KEY,
    app       JSON NOT NULL
);

-- Local days of the app without events of which a person said that they were truly silent.
CREATE TABLE IF NOT EXISTS quiet_days (
    first_day DATE NOT NULL,
    last_day  DATE NOT NULL,
    said_at   TIMESTAMPTZ NOT NULL
);

-- A promise, once issued, is never rewritten.
CREATE TABLE IF NOT EXISTS challenges (
    content_id             UUID PRIMARY KEY,
    as_of                  DATE NOT NULL,
    revision               INTEGER NOT NULL,
    player_key             BIGINT NOT NULL,
    slot                   INTEGER NOT NULL,
    content_type           VARCHAR NOT NULL,
    metric                 VARCHAR NOT NULL,
    op                     VARCHAR NOT NULL, -- '>=' or '<='
    target                 DOUBLE NOT NULL,
    window_days            INTEGER NOT NULL,
    xp                     INTEGER NOT NULL,
    difficulty_level       INTEGER NOT NULL,
    completion_probability DOUBLE NOT NULL,
    probability_if_active  DOUBLE NOT NULL,
    personalization_score  DOUBLE NOT NULL,
    estimated_minutes      INTEGER,          -- null when play has no time of day to go by
    persona                VARCHAR NOT NULL,
    title                  VARCHAR NOT NULL,
    description            VARCHAR NOT NULL,
    brief_id               VARCHAR NOT NULL,
    ai_provider            VARCHAR NOT NULL,
    model                  VARCHAR NOT NULL,
    prompt_version         VARCHAR NOT NULL,
    variant                VARCHAR NOT NULL,
    propensity             DOUBLE NOT NULL,
    language               VARCHAR NOT NULL,
    valid_from             DATE NOT NULL,
    valid_until            DATE NOT NULL,
    generated_at           TIMESTAMPTZ NOT NULL,
    metadata               JSON
);
ALTER TABLE challenges ADD COLUMN IF NOT EXISTS also STRUCT(metric VARCHAR, op VARCHAR, target DOUBLE)[]; -- asked beside it
ALTER TABLE challenges ADD COLUMN IF NOT EXISTS reward_words VARCHAR;  -- all that it pays, as players read it

-- What a challenge, mission or achievement pays by a table of rewards, issued with it and as fixed. Its XP is in its xp already.
CREATE TABLE IF NOT EXISTS promised_rewards (
    content_id   UUID NOT NULL,
    offer        VARCHAR NOT NULL,           -- '<table>/<offer>'
    as_of        DATE NOT NULL,
    revision     INTEGER NOT NULL,
    player_key   BIGINT NOT NULL,
    content_type VARCHAR NOT NULL,
    kind         VARCHAR NOT NULL,           -- 'xp', 'points', 'title', 'unlock' or 'badge'
    item         VARCHAR NOT NULL,           -- its name in the app file
    amount       INTEGER NOT NULL,
    words        VARCHAR NOT NULL,           -- as players read it
    probability  DOUBLE NOT NULL,            -- that it is completed, as promised; 1 of an achievement, which never ends
    valid_until  DATE,                       -- null: it never ends
    PRIMARY KEY (content_id, offer)
);

CREATE TABLE IF NOT EXISTS messages (
    content_id     UUID PRIMARY KEY,
    as_of          DATE NOT NULL,
    revision       INTEGER NOT NULL,
    player_key     BIGINT NOT NULL,
    content_type   VARCHAR NOT NULL,         -- 'motivational_message', 'come_back_message', 'tutorial', …
    title          VARCHAR NOT NULL,
    body           VARCHAR NOT NULL,
    brief_id       VARCHAR NOT NULL,
    ai_provider    VARCHAR NOT NULL,
    model          VARCHAR NOT NULL,
    prompt_version VARCHAR NOT NULL,
    variant        VARCHAR NOT NULL,
    propensity     DOUBLE NOT NULL,
    language       VARCHAR NOT NULL,
    generated_at   TIMESTAMPTZ NOT NULL,
    metadata       JSON
);

-- A lifetime goal of one player. It stays as it is until it is reached; what became of it stands below.
CREATE TABLE IF NOT EXISTS achievements (
    content_id     UUID PRIMARY KEY,         -- UUIDv5 of app, player, metric and target
    as_of          DATE NOT NULL,            -- the night that issued it
    revision       INTEGER NOT NULL,
    player_key     BIGINT NOT NULL,
    content_type   VARCHAR NOT NULL,         -- 'custom_achievement'
    metric         VARCHAR NOT NULL,
    target         DOUBLE NOT NULL,          -- of the metric's lifetime value
    started_from   DOUBLE NOT NULL,          -- that value when it was issued
    reached_share  DOUBLE NOT NULL,          -- of the players active then, who had that much
    tier           VARCHAR NOT NULL,
    category       VARCHAR NOT NULL,
    xp             INTEGER NOT NULL,
    persona        VARCHAR NOT NULL,
    title          VARCHAR NOT NULL,
    description    VARCHAR NOT NULL,
    brief_id       VARCHAR NOT NULL,
    ai_provider    VARCHAR NOT NULL,
    model          VARCHAR NOT NULL,
    prompt_version VARCHAR NOT NULL,
    variant        VARCHAR NOT NULL,
    propensity     DOUBLE NOT NULL,
    language       VARCHAR NOT NULL,
    generated_at   TIMESTAMPTZ NOT NULL,
    metadata       JSON
);

ALTER TABLE achievements ADD COLUMN IF NOT EXISTS reward_words VARCHAR;  -- all that it pays, as players read it

-- What was reached, and is so still.
CREATE TABLE IF NOT EXISTS achievements_reached (
    content_id UUID PRIMARY KEY,
    player_key BIGINT NOT NULL,
    as_of      DATE NOT NULL,                -- the night that noticed
    reached_on DATE NOT NULL,                -- the player's local day
    reached_at TIMESTAMPTZ NOT NULL,         -- when the crossing event occurred
    event_id   VARCHAR NOT NULL,
    value      DOUBLE NOT NULL,              -- the lifetime value when it was noticed
    xp         INTEGER NOT NULL
);

-- What rested on an event that was taken back, moved here by the night `revoked_on`; earlier nights still see it.
CREATE TABLE IF NOT EXISTS achievements_unreached (
    content_id UUID NOT NULL,
    player_key BIGINT NOT NULL,
    as_of      DATE NOT NULL,
    reached_on DATE NOT NULL,
    reached_at TIMESTAMPTZ NOT NULL,
    event_id   VARCHAR NOT NULL,
    value      DOUBLE NOT NULL,
    xp         INTEGER NOT NULL,
    revoked_on DATE NOT NULL,
    reason     VARCHAR NOT NULL
);

-- Words ---------------------------------------------------------------------------------------------------------------

-- What language models were asked to write, and what they wrote: kept, and served until worn out.
CREATE TABLE IF NOT EXISTS briefs (
    brief_id     VARCHAR PRIMARY KEY,
    made_on      DATE NOT NULL,              -- the night that first asked
    content_type VARCHAR NOT NULL,
    persona      VARCHAR NOT NULL,
    metric       VARCHAR NOT NULL,
    difficulty   VARCHAR NOT NULL,
    language     VARCHAR NOT NULL,
    occasion     VARCHAR NOT NULL,
    writer       VARCHAR NOT NULL,           -- provider, model and prompt version
    profile      VARCHAR NOT NULL            -- JSON of one player's, or empty for a cohort's brief
);

CREATE TABLE IF NOT EXISTS texts (
    brief_id       VARCHAR NOT NULL,
    variant        VARCHAR NOT NULL,
    place          INTEGER NOT NULL,         -- order within the brief
    title          VARCHAR NOT NULL,
    text           VARCHAR NOT NULL,
    language       VARCHAR NOT NULL,
    ai_provider    VARCHAR NOT NULL,
    model          VARCHAR NOT NULL,
    prompt_version VARCHAR NOT NULL,
    call_key       VARCHAR NOT NULL,         -- in the spending ledger
    cost_usd       DOUBLE NOT NULL,          -- its share of what its answer cost
    made_on        DATE NOT NULL,
    serves         BOOLEAN NOT NULL,         -- false: lost against another provider's, kept as a candidate
    metadata       JSON NOT NULL,            -- how it came about, and the judge's scores
    PRIMARY KEY (brief_id, variant)
);

-- Append-only: a later revision corrects an earlier one and says why.
CREATE TABLE IF NOT EXISTS settlements (
    content_id   UUID NOT NULL,
    revision     INTEGER NOT NULL,
    player_key   BIGINT NOT NULL,
    as_of        DATE NOT NULL,              -- the night that settled it
    state        VARCHAR NOT NULL,           -- 'completed', 'expired', or 'reopened': what completed it was taken back
    completed_at TIMESTAMPTZ,
    event_id     VARCHAR,
    progress     DOUBLE NOT NULL,            -- share of the target reached, 0 to 1
    played       BOOLEAN NOT NULL,
    xp           INTEGER NOT NULL,
    reason       VARCHAR NOT NULL,
    PRIMARY KEY (content_id, revision)
);
-- What was paid is never taken back: the app kept what it grants when it was, or at a later settlement. Null: not known, in older rows.
ALTER TABLE settlements ADD COLUMN IF NOT EXISTS stays_paid BOOLEAN;
-- Of each thing that was asked for, in order: what it came to. Null: in older rows.
ALTER TABLE settlements ADD COLUMN IF NOT EXISTS so_far STRUCT(value DOUBLE, progress DOUBLE)[];

CREATE TABLE IF NOT EXISTS xp_ledger (
    entry_id    VARCHAR PRIMARY KEY,         -- 'challenge:<content_id>:<revision>', 'badge:<award_id>', 'achievement:<content_id>'
    player_key  BIGINT NOT NULL,
    as_of       DATE NOT NULL,
    xp          INTEGER NOT NULL,
    reason      VARCHAR NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL
);

-- Append-only: what was paid beside XP; what is taken back is a row below zero.
CREATE TABLE IF NOT EXISTS reward_ledger (
    entry_id    VARCHAR PRIMARY KEY,         -- 'challenge:<content_id>:<revision>:<offer>', 'achievement:<content_id>:<offer>'
    content_id  UUID NOT NULL,
    offer       VARCHAR NOT NULL,
    player_key  BIGINT NOT NULL,
    as_of       DATE NOT NULL,
    kind        VARCHAR NOT NULL,            -- 'points', 'title', 'unlock' or 'badge'
    item        VARCHAR NOT NULL,
    amount      INTEGER NOT NULL,
    reason      VARCHAR NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE IF NOT EXISTS badge_ledger (
    award_id     VARCHAR PRIMARY KEY,        -- UUIDv5 of app, player, badge and round
    player_key   BIGINT NOT NULL,
    badge_id     VARCHAR NOT NULL,
    as_of        DATE NOT NULL,              -- the night that noticed
    granted_at   TIMESTAMPTZ NOT NULL,       -- when the crossing event occurred
    event_id     VARCHAR NOT NULL,
    rule_version VARCHAR NOT NULL,
    confidence   DOUBLE NOT NULL,
    evidence     JSON NOT NULL,
    citation     VARCHAR NOT NULL
);
ALTER TABLE badge_ledger ADD COLUMN IF NOT EXISTS round_no BIGINT DEFAULT 0;  -- which award of a badge that repeats; 0: of one that does not

-- What earns an award now, where events were taken back and the rule still holds: the latest row counts. Since then evidence
-- and citation are these, and from `granted_at` on it opens what requires it; the award itself stays as it was granted.
CREATE TABLE IF NOT EXISTS award_moments (
    award_id   VARCHAR NOT NULL,
    player_key BIGINT NOT NULL,
    as_of      DATE NOT NULL,                -- the night that found it
    granted_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (award_id, as_of)
);
ALTER TABLE award_moments ADD COLUMN IF NOT EXISTS event_id VARCHAR;
ALTER TABLE award_moments ADD COLUMN IF NOT EXISTS evidence JSON;
ALTER TABLE award_moments ADD COLUMN IF NOT EXISTS citation VARCHAR;  -- null until the night has its words

-- Awards that rested on an event that was taken back, moved here by the night `revoked_on`; earlier nights still see them.
CREATE TABLE IF NOT EXISTS revoked_awards (
    award_id     VARCHAR PRIMARY KEY,
    player_key   BIGINT NOT NULL,
    badge_id     VARCHAR NOT NULL,
    as_of        DATE NOT NULL,
    granted_at   TIMESTAMPTZ NOT NULL,
    event_id     VARCHAR NOT NULL,
    rule_version VARCHAR NOT NULL,
    confidence   DOUBLE NOT NULL,
    evidence     JSON NOT NULL,
    citation     VARCHAR NOT NULL,
    round_no     BIGINT,
    revoked_on   DATE NOT NULL,
    reason       VARCHAR NOT NULL
);

-- Whose news wait for the end of a pause: a row when that changes, of the night that changed it.
CREATE TABLE IF NOT EXISTS news_waits (
    player_key BIGINT NOT NULL,
    as_of      DATE NOT NULL,
    revision   INTEGER NOT NULL,
    waits      BOOLEAN NOT NULL,
    PRIMARY KEY (player_key, as_of, revision)
);

-- What a player counts as: a row when that changes, of the night that changed it.
CREATE TABLE IF NOT EXISTS memberships (
    player_key BIGINT NOT NULL,
    kind       VARCHAR NOT NULL,             -- 'persona' or 'style'
    as_of      DATE NOT NULL,
    revision   INTEGER NOT NULL,
    name       VARCHAR NOT NULL,
    PRIMARY KEY (player_key, kind, as_of, revision)
);

-- Experiments -----------------------------------------------------------------------------------------------------------

-- The ways of writing that a night tried, and each one's chance; without an experiment there are none.
CREATE TABLE IF NOT EXISTS experiment_arms (
    as_of      DATE NOT NULL,
    revision   INTEGER NOT NULL,
    experiment VARCHAR NOT NULL,
    arm        VARCHAR NOT NULL,
    place      INTEGER NOT NULL,             -- 0 is the arm that the others are compared with
    provider   VARCHAR NOT NULL,
    prompt     VARCHAR NOT NULL,
    propensity DOUBLE NOT NULL,
    PRIMARY KEY (as_of, revision, experiment, arm)
);

-- Whose content a night wrote in which arm, whoever wrote it in the end.
CREATE TABLE IF NOT EXISTS assignments (
    as_of      DATE NOT NULL,
    revision   INTEGER NOT NULL,
    experiment VARCHAR NOT NULL,
    player_key BIGINT NOT NULL,
    arm        VARCHAR NOT NULL,
    propensity DOUBLE NOT NULL,
    PRIMARY KEY (as_of, experiment, player_key)
);

-- Who met the nominating rule of a judged badge, once for each version of its rule and criteria.
CREATE TABLE IF NOT EXISTS nominations (
    badge_id     VARCHAR NOT NULL,
    player_key   BIGINT NOT NULL,
    rule_version VARCHAR NOT NULL,
    as_of        DATE NOT NULL,              -- the night that noticed
    crossed_at   TIMESTAMPTZ NOT NULL,       -- when the event occurred after which the rule held
    event_id     VARCHAR NOT NULL,
    crossing     JSON NOT NULL,              -- the rule and its values right after that event
    PRIMARY KEY (badge_id, player_key, rule_version)
);

-- What was decided of nominees. Append-only: the latest (as_of, revision) of a nomination stands.
CREATE TABLE IF NOT EXISTS verdicts (
    verdict_id     VARCHAR PRIMARY KEY,      -- hash of app, player, badge, night and revision
    badge_id       VARCHAR NOT NULL,
    player_key     BIGINT NOT NULL,
    rule_version   VARCHAR NOT NULL,
    as_of          DATE NOT NULL,            -- the night that decided
    revision       INTEGER NOT NULL,
    decision       VARCHAR NOT NULL,         -- 'award', 'hold', 'refuse', or 'lapse' when nobody did for too long
    decided_by     VARCHAR NOT NULL,         -- 'model', 'person', or 'nobody' when no model could be asked
    provider       VARCHAR,
    model          VARCHAR,
    prompt_version VARCHAR,
    confidence     DOUBLE,
    citation       VARCHAR,                  -- of an award
    reasons        VARCHAR NOT NULL,
    evidence       JSON NOT NULL,            -- the list that was decided on
    evidence_ids   JSON NOT NULL,            -- those of it that the verdict cites
    evidence_hash  VARCHAR NOT NULL,
    call_key       VARCHAR,                  -- of the paid answer; of a person's decision its event
    second_opinion JSON                      -- provider, model, decision, confidence, reasons, call_key
);
