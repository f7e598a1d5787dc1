-- Stack Exchange data dump: who joined when. Reputation, profile views and last access are values of the day of the dump and
-- are not read. User -1 is the community account, no person.
SELECT TRY_CAST(id AS BIGINT) AS user_id, TRY_CAST(created_at AS TIMESTAMP) AS recorded_at, recorded_at AS joined_at,
       _delivery_id, _row
FROM raw_users
WHERE TRY_CAST(id AS BIGINT) IS DISTINCT FROM -1
QUALIFY row_number() OVER (PARTITION BY id ORDER BY _delivery_id DESC, _row DESC) = 1
