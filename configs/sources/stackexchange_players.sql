-- Stack Exchange data dump: who joined when. Reputation, profile views and last access are values of the day of the dump and
-- are not read. User -1 is the community account, no person.
SELECT CAST(id AS BIGINT) AS user_id, CAST(created_at AS TIMESTAMP) AS recorded_at, CAST(created_at AS TIMESTAMP) AS joined_at
FROM raw_users
WHERE id > 0
QUALIFY row_number() OVER (PARTITION BY id ORDER BY _delivery_id DESC, _row DESC) = 1
