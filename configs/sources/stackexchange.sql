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
WITH posts AS (
    SELECT * FROM raw_posts QUALIFY row_number() OVER (PARTITION BY id ORDER BY _delivery_id DESC, _row DESC) = 1
),
comments AS (
    SELECT * FROM raw_comments QUALIFY row_number() OVER (PARTITION BY id ORDER BY _delivery_id DESC, _row DESC) = 1
),
votes AS (
    SELECT * FROM raw_votes QUALIFY row_number() OVER (PARTITION BY id ORDER BY _delivery_id DESC, _row DESC) = 1
),
users AS (
    SELECT * FROM raw_users QUALIFY row_number() OVER (PARTITION BY id ORDER BY _delivery_id DESC, _row DESC) = 1
),
authored AS (
    SELECT post.id, CAST(post.user_id AS BIGINT) AS user_id, CAST(post.created_at AS TIMESTAMP) AS created_at,
           CASE CAST(post.post_type AS INTEGER) WHEN 1 THEN 'question' WHEN 2 THEN 'answer' WHEN 4 THEN 'tag_excerpt'
                                                WHEN 5 THEN 'tag_wiki' ELSE 'other' END AS kind,
           CASE CAST(post.post_type AS INTEGER) WHEN 1 THEN post.id WHEN 2 THEN post.parent_id END AS question_id,
           CAST(question.user_id AS BIGINT) AS asker,
           CAST(post.post_type AS INTEGER) = 2 AND coalesce(question.user_id = post.user_id, false) AS own_question,
           CAST(post.post_type AS INTEGER) = 2
               AND row_number() OVER (PARTITION BY post.parent_id, post.post_type ORDER BY post.created_at, post.id) = 1
               AS first_answer,
           CASE WHEN CAST(post.post_type AS INTEGER) = 2
                THEN round(date_diff('second', CAST(question.created_at AS TIMESTAMP), CAST(post.created_at AS TIMESTAMP)) / 86400.0, 2)
           END AS days_after,
           date_diff('second', CAST(question.created_at AS TIMESTAMP), CAST(post.created_at AS TIMESTAMP)) / 86400.0 AS days_after,
           post._delivery_id, post._row
    FROM posts AS post
    LEFT JOIN posts AS question ON question.id = post.parent_id
),
received AS (
    SELECT vote.id, CAST(vote.vote_type AS INTEGER) AS vote_type,
           CAST(vote.voted_on AS TIMESTAMP) + INTERVAL '23 hours 59 minutes 59 seconds' AS occurred_at,
           post.user_id, post.asker, post.kind, post.question_id, post.own_question, post.first_answer, post.days_after,
           post.days_after, vote.post_id, CAST(post.created_at AS DATE) AS posted_on,
           CASE CAST(vote.vote_type AS INTEGER) WHEN 2 THEN 1 WHEN 3 THEN -1 ELSE 0 END AS delta,
           -- What each vote paid in 2018; accepting one's own answer pays nothing.
           CASE CAST(vote.vote_type AS INTEGER) WHEN 1 THEN CASE WHEN post.own_question THEN 0 ELSE 15 END WHEN 3 THEN -2
                                                ELSE CASE post.kind WHEN 'answer' THEN 10 WHEN 'question' THEN 5 ELSE 0 END
           END AS reputation,
           vote._delivery_id, vote._row
    FROM votes AS vote
    JOIN authored AS post ON post.id = vote.post_id
)
SELECT 'post:' || id AS event_id, user_id, 'post' AS event, created_at AS occurred_at, id AS sequence,
       json_object('kind', kind, 'post_id', CAST(id AS VARCHAR), 'question_id', CAST(question_id AS VARCHAR),
                   'own_question', own_question) AS properties,
       _delivery_id, _row
FROM authored
WHERE user_id > 0

UNION ALL

SELECT 'comment:' || comment.id, CAST(comment.user_id AS BIGINT), 'comment', CAST(comment.created_at AS TIMESTAMP), comment.id,
       json_object('post_id', CAST(comment.post_id AS VARCHAR), 'question_id', CAST(post.question_id AS VARCHAR),
                   'on_own_post', coalesce(post.user_id = comment.user_id, false)),
       comment._delivery_id, comment._row
FROM comments AS comment
LEFT JOIN authored AS post ON post.id = comment.post_id
WHERE comment.user_id > 0

UNION ALL

SELECT 'vote:' || id, user_id, CASE vote_type WHEN 1 THEN 'answer_accepted' ELSE 'vote_received' END, occurred_at, id,
       json_object('delta', delta, 'merit', CASE vote_type WHEN 1 THEN 1000 ELSE delta END, 'reputation', reputation,
                   'kind', kind, 'post_id', CAST(post_id AS VARCHAR), 'posted_on', CAST(posted_on AS VARCHAR),
                   'own_question', own_question, 'first_answer', first_answer, 'days_after', days_after),
       _delivery_id, _row
FROM received
WHERE vote_type IN (1, 2, 3) AND user_id > 0

UNION ALL

-- The asker's side of an acceptance.
SELECT 'chosen:' || id, asker, 'answer_chosen', occurred_at, id,
       json_object('post_id', CAST(post_id AS VARCHAR), 'question_id', CAST(question_id AS VARCHAR), 'own_answer', own_question),
       _delivery_id, _row
FROM received
WHERE vote_type = 1 AND asker > 0

UNION ALL

SELECT 'vote:' || id, user_id, 'favorited', occurred_at, id,
       json_object('delta', 1, 'kind', kind, 'post_id', CAST(post_id AS VARCHAR)),
       _delivery_id, _row
FROM received
WHERE vote_type = 5 AND user_id > 0

UNION ALL

SELECT 'user:' || id, CAST(id AS BIGINT), 'joined', CAST(created_at AS TIMESTAMP), 0, NULL, _delivery_id, _row
FROM users
WHERE id > 0
