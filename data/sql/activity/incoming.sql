-- The contract of checked rows on their way in. Judging has found every fault; a row that still breaks this is a mistake of
-- ours, and fails instead of getting in.

CREATE OR REPLACE TEMP TABLE incoming (
    line BIGINT NOT NULL CHECK (line >= 1),
    event_id VARCHAR CHECK (length(event_id) BETWEEN 1 AND 256),
    user_id VARCHAR CHECK (length(user_id) BETWEEN 1 AND 256),
    event VARCHAR CHECK (event <> ''),
    occurred_at TIMESTAMPTZ NOT NULL CHECK (occurred_at >= TIMESTAMPTZ '1900-01-01 00:00:00+00'),
    sequence BIGINT NOT NULL,
    value DOUBLE CHECK (isfinite(value)),
    properties JSON,
    delivery_id VARCHAR NOT NULL,
    content VARCHAR CHECK (length(content) = 32),   -- of a row without event_id, which is known by it
    content_hash UBIGINT NOT NULL,
    raw VARCHAR,
    retracts VARCHAR CHECK (length(retracts) BETWEEN 1 AND 256),
    CHECK (retracts IS NOT NULL OR user_id IS NOT NULL AND event IS NOT NULL),
    CHECK (event_id IS NOT NULL OR content IS NOT NULL)
);

CREATE OR REPLACE TEMP TABLE incoming_players (
    line BIGINT NOT NULL CHECK (line >= 1),
    user_id VARCHAR NOT NULL CHECK (length(user_id) BETWEEN 1 AND 256),
    recorded_at TIMESTAMPTZ NOT NULL CHECK (recorded_at >= TIMESTAMPTZ '1900-01-01 00:00:00+00'),
    timezone VARCHAR,
    language VARCHAR,
    born_on DATE,
    joined_at TIMESTAMPTZ CHECK (joined_at >= TIMESTAMPTZ '1900-01-01 00:00:00+00'),
    opted_out BOOLEAN,
    attributes VARCHAR,
    delivery_id VARCHAR NOT NULL,
    raw VARCHAR
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
