-- The events as they were known at a moment: what had become available and was not yet taken back.
CREATE OR REPLACE TEMP MACRO events_at(known_until) AS TABLE
SELECT * FROM events WHERE available_at <= known_until
UNION ALL BY NAME
SELECT * EXCLUDE (retracted_at, moved_at, retraction_id) FROM retracted_events
WHERE available_at <= known_until AND retracted_at > known_until;

-- Of these the reserved ones, by which an app tells what became of content and badges and who pauses. Where a stretch of the
-- table has none, their common beginning lets it be passed over unread; a list of names does not.
CREATE OR REPLACE TEMP MACRO reserved_at(known_until) AS TABLE
SELECT * FROM events_at(known_until) WHERE starts_with(event, 'nightquest.');
