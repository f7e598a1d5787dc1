-- The first event after which each badge's rule is true, for players in `news`, in one pass over their events.
WITH marked AS (
    SELECT user_id, event_id, occurred_at, sequence, day, event, p,
           event <> 'kudos_received' AS active, row_number() OVER moments AS moment,
           event <> 'kudos_received' AND row_number() OVER (PARTITION BY user_id, event <> 'kudos_received', day
                                                            ORDER BY occurred_at, sequence, event_id) = 1 AS new_day,
           event = 'trade_closed' AND row_number() OVER (PARTITION BY user_id, event, p.instrument ORDER BY occurred_at, sequence,
                                                         event_id) = 1 AS new_instrument,
           event = 'drill_finished' AND row_number() OVER (PARTITION BY user_id, event, p.mode ORDER BY occurred_at, sequence,
                                                           event_id) = 1 AS new_mode,
           event = 'squad_message' AND p.kind = 'help'
               AND row_number() OVER (PARTITION BY user_id, event, p.kind, p.mate ORDER BY occurred_at, sequence, event_id) = 1
               AS new_mate,
           event = 'lesson_completed'
               AND sum(p.minutes) OVER courses BETWEEN 90 AND 89 + p.minutes AS course_done,
           event = 'kudos_received' AND row_number() OVER (PARTITION BY user_id, event, p.entry_id ORDER BY occurred_at, sequence,
                                                           event_id) = 3 AS entry_praised
    FROM events SEMI JOIN news USING (user_id)
    WHERE day < $as_of
    WINDOW moments AS (PARTITION BY user_id ORDER BY occurred_at, sequence, event_id),
           courses AS (PARTITION BY user_id, event, p.course ORDER BY occurred_at, sequence, event_id ROWS UNBOUNDED PRECEDING)
),
streaks AS (
    SELECT user_id, day, row_number() OVER (PARTITION BY user_id, run ORDER BY day) AS streak
    FROM (SELECT user_id, day, day - row_number() OVER (PARTITION BY user_id ORDER BY day)::INTEGER AS run
          FROM marked WHERE new_day)
),
placed AS (
    SELECT *, (day - DATE '2000-01-01') * 100000::BIGINT + row_number() OVER (PARTITION BY user_id, day ORDER BY moment) AS place,
           row_number() OVER (PARTITION BY user_id, day ORDER BY moment) AS nth
    FROM marked
),
totals AS (
    SELECT user_id, event_id, occurred_at, day, moment, active,
           count(*) FILTER (new_day) OVER life AS days_active,
           count(*) FILTER (new_day) OVER month AS days_28,
           count(*) FILTER (event = 'journal_entry') OVER life AS journal_entries,
           count(*) FILTER (event = 'journal_entry') OVER week AS journal_7,
           count(*) FILTER (event = 'trade_closed') OVER life AS trades,
           count(*) FILTER (event = 'trade_closed' AND p.stop_set) OVER life AS protected,
           count(*) FILTER (event = 'trade_closed') OVER month AS trades_28,
           count(*) FILTER (event = 'trade_closed' AND p.stop_set) OVER month AS protected_28,
           count(*) FILTER (event = 'drill_finished') OVER life AS drills,
           count(*) FILTER (event = 'drill_finished') OVER week AS drills_7,
           max(p.score) FILTER (event = 'drill_finished') OVER life AS best_drill,
           count(*) FILTER (event = 'drill_finished' AND p.difficulty = 'veteran' AND p.score >= 600) OVER life AS veteran,
           count(*) FILTER (event = 'lesson_completed') OVER life AS lessons,
           count(*) FILTER (event = 'lesson_completed' AND p.score >= 80) OVER life AS strong,
           count(*) FILTER (event = 'squad_message') OVER life AS messages,
           count(*) FILTER (new_instrument) OVER life AS instruments,
           count(*) FILTER (new_mode) OVER life AS modes,
           count(*) FILTER (new_mate) OVER life AS mates,
           count(*) FILTER (course_done) OVER life AS courses,
           count(*) FILTER (entry_praised) OVER life AS praised
    FROM placed
    WINDOW life AS (PARTITION BY user_id ORDER BY moment ROWS UNBOUNDED PRECEDING),
           week AS (PARTITION BY user_id ORDER BY place RANGE BETWEEN 600000 + nth PRECEDING AND CURRENT ROW),
           month AS (PARTITION BY user_id ORDER BY place RANGE BETWEEN 2700000 + nth PRECEDING AND CURRENT ROW)
),
first_times AS (
    SELECT user_id, UNNEST([
        {'badge_id': 'boots_on_the_ground', 'at': min(moment) FILTER (days_active >= 3)},
        {'badge_id': 'first_field_report', 'at': min(moment) FILTER (journal_entries >= 5)},
        {'badge_id': 'safety_on', 'at': min(moment) FILTER (protected >= 10)},
        {'badge_id': 'basic_training', 'at': min(moment) FILTER (drills >= 10 AND lessons >= 5)},
        {'badge_id': 'radio_check', 'at': min(moment) FILTER (messages >= 10)},
        {'badge_id': 'wide_horizon', 'at': min(moment) FILTER (instruments >= 4)},
        {'badge_id': 'seven_day_watch', 'at': min(moment) FILTER (active AND streak >= 7)},
        {'badge_id': 'iron_stop', 'at': min(moment) FILTER (protected >= 40 AND protected / trades >= 0.8)},
        {'badge_id': 'cross_trained', 'at': min(moment) FILTER (modes >= 4 AND drills >= 80)},
        {'badge_id': 'honour_roll', 'at': min(moment) FILTER (strong >= 15)},
        {'badge_id': 'field_medic', 'at': min(moment) FILTER (mates >= 12)},
        {'badge_id': 'sharp_week', 'at': min(moment) FILTER (drills_7 >= 15 AND journal_7 >= 5)},
        {'badge_id': 'unbroken_line', 'at': min(moment) FILTER (protected_28 >= 30 AND trades_28 = protected_28)},
        {'badge_id': 'war_college', 'at': min(moment) FILTER (courses >= 4 AND strong >= 30)},
        {'badge_id': 'marksman', 'at': min(moment) FILTER (best_drill >= 900 AND veteran >= 10)},
        {'badge_id': 'voice_of_the_squad', 'at': min(moment) FILTER (praised >= 4 AND mates >= 15)},
        {'badge_id': 'month_of_duty', 'at': min(moment) FILTER (days_28 >= 24)},
        {'badge_id': 'centurion', 'at': min(moment) FILTER (days_active >= 100)},
        {'badge_id': 'grand_strategist', 'at': min(moment) FILTER (courses >= 7 AND veteran >= 60 AND strong >= 50)},
        {'badge_id': 'keeper_of_the_line',
         'at': min(moment) FILTER (protected >= 120 AND protected / trades >= 0.9 AND journal_entries >= 60)}
    ], recursive := true)
    FROM totals LEFT JOIN streaks USING (user_id, day)
    GROUP BY user_id
)
SELECT f.user_id, f.badge_id, t.occurred_at AS granted_at, t.event_id
FROM first_times AS f JOIN totals AS t ON t.user_id = f.user_id AND t.moment = f.at
ORDER BY f.user_id, f.badge_id
