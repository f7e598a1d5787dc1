-- Stack Exchange data dump: posts, comments, votes and users (files posts, comments, votes, users).
--
-- Only what was known at the time is read. A post's score, views, answers and comments and a user's reputation, profile
-- views and last access are values of the day of the dump: as features they would tell the future. Scores are rebuilt from the
-- dated votes instead. The table of badges is not read: it is what the badge rules are compared with.
--
-- Votes carry a date and no time, so they count from the last second of their UTC day: never before they were cast.
-- They carry no voter either, so casting votes is not seen. Left out: posts and comments without a user (deleted accounts)
-- and user -1 (the community account, no person), votes on posts that are not in the dump (deleted), and vote types other
-- than 1 accepted, 2 up, 3 down and 5 favourite (close, delete and flag reviews, bounties: not dated acts of a known person).
--
-- A later dump holds the same rows again: the latest delivery of each row is the one read.
--
-- What cannot be read as a number or a time becomes null, so that one bad row is quarantined and the rest goes in.
WITH posts AS (
    SELECT TRY_CAST(id AS BIGINT) AS id, TRY_CAST(post_type AS INTEGER) AS post_type, TRY_CAST(parent_id AS BIGINT) AS parent_id,
           TRY_CAST(user_id AS BIGINT) AS user_id, user_id IS NOT NULL AS has_user, TRY_CAST(created_at AS TIMESTAMP) AS created_at,
           id AS given_id, _delivery_id, _row
    FROM raw_posts
    QUALIFY row_number() OVER (PARTITION BY given_id ORDER BY _delivery_id DESC, _row DESC) = 1
),
comments AS (
    SELECT TRY_CAST(id AS BIGINT) AS id, TRY_CAST(post_id AS BIGINT) AS post_id, TRY_CAST(user_id AS BIGINT) AS user_id,
           user_id IS NOT NULL AS has_user, TRY_CAST(created_at AS TIMESTAMP) AS created_at, id AS given_id, _delivery_id, _row
    FROM raw_comments
    QUALIFY row_number() OVER (PARTITION BY given_id ORDER BY _delivery_id DESC, _row DESC) = 1
),
votes AS (
    SELECT TRY_CAST(id AS BIGINT) AS id, TRY_CAST(post_id AS BIGINT) AS post_id, TRY_CAST(vote_type AS INTEGER) AS vote_type,
           TRY_CAST(voted_on AS TIMESTAMP) AS voted_on, id AS given_id, _delivery_id, _row
    FROM raw_votes
    QUALIFY row_number() OVER (PARTITION BY given_id ORDER BY _delivery_id DESC, _row DESC) = 1
),
users AS (
    SELECT TRY_CAST(id AS BIGINT) AS id, TRY_CAST(created_at AS TIMESTAMP) AS created_at, id AS given_id, _delivery_id, _row
    FROM raw_users
    QUALIFY row_number() OVER (PARTITION BY given_id ORDER BY _delivery_id DESC, _row DESC) = 1
),
authored AS (
    SELECT post.id, post.given_id, post.user_id, post.has_user, post.created_at,
           CASE post.post_type WHEN 1 THEN 'question' WHEN 2 THEN 'answer' WHEN 4 THEN 'tag_excerpt' WHEN 5 THEN 'tag_wiki'
                               ELSE 'other' END AS kind,
           CASE post.post_type WHEN 1 THEN post.id WHEN 2 THEN post.parent_id END AS question_id,
           question.user_id AS asker,
           post.post_type = 2 AND coalesce(question.user_id = post.user_id, false) AS own_question,
           post.post_type = 2
               AND row_number() OVER (PARTITION BY post.parent_id, post.post_type ORDER BY post.created_at, post.id) = 1
               AS first_answer,
           date_diff('second', question.created_at, post.created_at) / 86400.0 AS days_after,
           post._delivery_id, post._row
    FROM posts AS post
    LEFT JOIN posts AS question ON question.id = post.parent_id
),
received AS (
    SELECT vote.id, vote.given_id, vote.vote_type, vote.voted_on + INTERVAL '23 hours 59 minutes 59 seconds' AS occurred_at,
           post.user_id, post.asker, post.kind, post.question_id, post.own_question, post.first_answer, post.days_after,
           vote.post_id, CAST(post.created_at AS DATE) AS posted_on,
           CASE vote.vote_type WHEN 2 THEN 1 WHEN 3 THEN -1 ELSE 0 END AS delta,
           -- What each vote paid in 2018; accepting one's own answer pays nothing.
           CASE vote.vote_type WHEN 1 THEN CASE WHEN post.own_question THEN 0 ELSE 15 END WHEN 3 THEN -2
                               ELSE CASE post.kind WHEN 'answer' THEN 10 WHEN 'question' THEN 5 ELSE 0 END
           END AS reputation,
           vote._delivery_id, vote._row
    FROM votes AS vote
    JOIN authored AS post ON post.id = vote.post_id
)
SELECT 'post:' || given_id AS event_id, user_id, 'post' AS event, created_at AS occurred_at, given_id AS sequence,
       json_object('kind', kind, 'post_id', CAST(id AS VARCHAR), 'question_id', CAST(question_id AS VARCHAR),
                   'own_question', own_question) AS properties,
       _delivery_id, _row
FROM authored
WHERE has_user AND user_id IS DISTINCT FROM -1

UNION ALL

SELECT 'comment:' || comment.given_id, comment.user_id, 'comment', comment.created_at, comment.given_id,
       json_object('post_id', CAST(comment.post_id AS VARCHAR), 'question_id', CAST(post.question_id AS VARCHAR),
                   'on_own_post', coalesce(post.user_id = comment.user_id, false)),
       comment._delivery_id, comment._row
FROM comments AS comment
LEFT JOIN authored AS post ON post.id = comment.post_id
WHERE comment.has_user AND comment.user_id IS DISTINCT FROM -1

UNION ALL

SELECT 'vote:' || given_id, user_id, CASE vote_type WHEN 1 THEN 'answer_accepted' ELSE 'vote_received' END, occurred_at, given_id,
       json_object('delta', delta, 'merit', CASE vote_type WHEN 1 THEN 1000 ELSE delta END, 'reputation', reputation,
                   'kind', kind, 'post_id', CAST(post_id AS VARCHAR), 'posted_on', CAST(posted_on AS VARCHAR),
                   'own_question', own_question, 'first_answer', first_answer, 'days_after', days_after),
       _delivery_id, _row
FROM received
WHERE vote_type IN (1, 2, 3) AND user_id > 0

UNION ALL

-- The asker's side of an acceptance.
SELECT 'chosen:' || given_id, asker, 'answer_chosen', occurred_at, given_id,
       json_object('post_id', CAST(post_id AS VARCHAR), 'question_id', CAST(question_id AS VARCHAR), 'own_answer', own_question),
       _delivery_id, _row
FROM received
WHERE vote_type = 1 AND asker > 0

UNION ALL

SELECT 'vote:' || given_id, user_id, 'favorited', occurred_at, given_id,
       json_object('delta', 1, 'kind', kind, 'post_id', CAST(post_id AS VARCHAR)),
       _delivery_id, _row
FROM received
WHERE vote_type = 5 AND user_id > 0

UNION ALL

SELECT 'user:' || given_id, id, 'joined', created_at, 0, NULL, _delivery_id, _row
FROM users
WHERE id IS DISTINCT FROM -1
