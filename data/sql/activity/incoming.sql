-- Rows on their way in, and the contract of those without a reason. Judging has found every fault; a row that still breaks
-- this is a mistake of ours, and fails instead of getting in.

CREATE OR REPLACE TEMP TABLE incoming (
    line BIGINT NOT NULL CHECK (line >= 1),
    event_id VARCHAR,
    user_id VARCHAR,
    event VARCHAR,
    occurred_at TIMESTAMPTZ,
    sequence BIGINT NOT NULL,
    value DOUBLE,
    properties JSON,
    delivery_id VARCHAR NOT NULL,
    content VARCHAR CHECK (length(content) = 32),   -- of a row without event_id, which is known by it
    content_hash UBIGINT NOT NULL,
    raw VARCHAR,
    retracts VARCHAR,
    reason VARCHAR,                                 -- why it does not go in; such a row is taken out at once
    CHECK (reason IS NOT NULL OR length(event_id) BETWEEN 1 AND 256),
    CHECK (reason IS NOT NULL OR length(user_id) BETWEEN 1 AND 256),
    CHECK (reason IS NOT NULL OR length(retracts) BETWEEN 1 AND 256),
    CHECK (reason IS NOT NULL OR event <> ''),
    CHECK (reason IS NOT NULL OR occurred_at IS NOT NULL AND occurred_at >= TIMESTAMPTZ '1900-01-01 00:00:00+00'),
    CHECK (reason IS NOT NULL OR isfinite(value)),
    CHECK (reason IS NOT NULL OR retracts IS NOT NULL OR user_id IS NOT NULL AND event IS NOT NULL),
    CHECK (event_id IS NOT NULL OR content IS NOT NULL)
);

CREATE OR REPLACE TEMP TABLE incoming_players (
    line BIGINT NOT NULL CHECK (line >= 1),
    user_id VARCHAR,
    recorded_at TIMESTAMPTZ,
    timezone VARCHAR,
    language VARCHAR,
    born_on DATE,
    joined_at TIMESTAMPTZ,
    opted_out BOOLEAN,
    attributes VARCHAR,
    delivery_id VARCHAR NOT NULL,
    raw VARCHAR,
    reason VARCHAR,
    CHECK (reason IS NOT NULL OR user_id IS NOT NULL AND length(user_id) BETWEEN 1 AND 256),
    CHECK (reason IS NOT NULL OR recorded_at IS NOT NULL AND recorded_at >= TIMESTAMPTZ '1900-01-01 00:00:00+00'),
    CHECK (reason IS NOT NULL OR joined_at >= TIMESTAMPTZ '1900-01-01 00:00:00+00')
);

CREATE OR REPLACE TEMP TABLE bad_rows (
    delivery_id VARCHAR NOT NULL,
    line BIGINT,
    raw VARCHAR,
    reason VARCHAR NOT NULL
);

-- Rows of people who were erased: whose, and where they stood.
CREATE OR REPLACE TEMP TABLE held_back (
    user_id VARCHAR NOT NULL,
    delivery_id VARCHAR NOT NULL,
    line BIGINT
);
