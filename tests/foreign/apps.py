"""Three app files without a voice of their own: a shop's purchase log, a fitness database, xAPI statements."""

from pathlib import Path

SHOP = """\
app: record_club
title: Record Club
timezone: America/New_York
events:
  purchase:
    title: Bought records
    properties:
      records: {type: integer, min: 1, max: 200}
      dollars: {type: number, min: 0, max: 5000}
metrics:
  purchases: {event: purchase, label: purchases, unit: purchase, task: "Make {goal}"}
  records: {event: purchase, agg: sum, of: records, label: records bought, unit: record, task: "Bring home {goal}"}
  spent: {event: purchase, agg: sum, of: dollars, label: amount spent, unit: $}
  big_basket: {event: purchase, agg: max, of: records, label: records in one basket, unit: record,
               task: "Buy {goal} in one basket"}
  basket_value: {event: purchase, agg: mean, of: dollars, label: average basket value, unit: $}
  days_bought: {agg: days, label: days with a purchase, unit: day, task: "Buy something on {goal}"}
segments: {features: [purchases, spent], score: spent}
badges:
  first_ten: {title: First Ten, tier: bronze, category: collection, when: records >= 10}
  big_haul: {title: Big Haul, tier: silver, category: basket, when: big_basket >= 5}
  good_month: {title: Good Month, tier: gold, category: habit,
               when: "last(purchases, 28) >= 3 and last(spent, 28) >= 50"}
challenges: {metrics: [purchases, records, big_basket, days_bought], windows: [7, 14, 28], active_within_days: 90}
voice: {theme: a club of people who collect records, player: collector}
content:
  types: [daily_challenge, custom_achievement, adaptive_mission, mission_brief, motivational_message,
          come_back_message, tutorial, badge_citation]
"""

FITNESS = """\
app: gym
title: Fitness
timezone: Europe/Berlin
day_starts_at: 04:00
events:
  workout:
    title: Finished a workout
    properties:
      mode: text
      difficulty: text
      minutes: {type: number, min: 0, max: 600}
      score: {type: integer, min: 0, max: 1000}
      heart_rate: {type: integer, min: 30, max: 230}
      personal_best: boolean
metrics:
  workouts: {event: workout, label: workouts finished, unit: workout, task: "Finish {goal}"}
  minutes: {event: workout, agg: sum, of: minutes, label: training time, unit: minute, task: "Train for {goal}"}
  best_score: {event: workout, agg: max, of: score, label: points in the best workout, unit: point,
               task: "Score {goal} in a single workout"}
  resting_pulse: {event: workout, agg: min, of: heart_rate, better: lower, label: lowest heart rate, unit: bpm,
                  task: "Keep a workout at {goal}"}
  average_pulse: {event: workout, agg: mean, of: heart_rate, label: heart rate, unit: bpm}
  best_share: {event: workout, agg: mean, of: personal_best, label: workouts with a personal best}
  modes: {event: workout, agg: distinct, of: mode, label: different modes, unit: mode, task: "Try {goal}"}
  training_days: {agg: days, label: days of training, unit: day, task: "Train on {goal}"}
  streak: {agg: streak, label: days of training in a row, unit: day}
cohorts: {by: [mode, difficulty], min_players: 40}
segments: {features: [workouts, minutes, best_score], score: best_score}
badges:
  starter: {title: Off the Couch, tier: bronze, category: habit, when: workouts >= 1}
  scorer: {title: Top Scorer, tier: silver, category: form, when: best_score >= 700}
  calm: {title: Calm Heart, tier: gold, category: form, when: "resting_pulse <= 90 and average_pulse <= 120"}
  week: {title: A Whole Week, tier: platinum, category: habit, when: streak >= 7}
challenges: {metrics: [workouts, minutes, best_score, resting_pulse, modes, training_days]}
voice: {theme: a gym that is open to everyone, player: athlete}
content:
  types: [daily_challenge, custom_achievement, adaptive_mission, mission_brief, motivational_message,
          come_back_message, tutorial, badge_citation]
"""

LEARNING = """\
app: study_log
title: Learning Record
timezone: UTC
events:
  completed: {title: Completed an activity, properties: {activity: text, minutes: {type: number, min: 0, max: 600}}}
  scored: {title: Was scored, properties: {activity: text, percent: {type: number, min: 0, max: 100}, passed: boolean}}
  asked: {title: Asked a question, properties: {activity: text}}
  helped: {title: Answered a question, properties: {peer: text}}
metrics:
  activities: {event: completed, label: activities completed, unit: activity, task: "Complete {goal}"}
  study_time: {event: completed, agg: sum, of: minutes, label: minutes of study, unit: minute, task: "Study for {goal}"}
  best_result: {event: scored, agg: max, of: percent, label: best result, unit: "%",
            task: "Score {goal} in one activity"}
  mean_result: {event: scored, agg: mean, of: percent, label: average result, unit: "%"}
  pass_rate: {event: scored, agg: mean, of: passed, label: pass rate}
  questions: {event: asked, label: questions asked, unit: question, task: "Ask {goal}"}
  peers: {event: helped, agg: distinct, of: peer, label: people helped, unit: person, task: "Help {goal}"}
  longest: {event: completed, agg: max, of: minutes, label: longest session, unit: minute,
            task: "Study for {goal} at a stretch"}
segments: {features: [activities, study_time], score: study_time}
badges:
  opener: {title: Opening Move, tier: bronze, category: study, when: activities >= 1}
  helper: {title: Good Neighbour, tier: silver, category: people, when: peers >= 3}
  strong: {title: Strong Result, tier: gold, category: results, when: best_result >= 90 and pass_rate >= 0.5}
challenges: {metrics: [activities, study_time, best_result, questions, peers, longest]}
voice: {theme: a quiet place to learn, player: learner}
content:
  types: [daily_challenge, custom_achievement, adaptive_mission, mission_brief, motivational_message,
          come_back_message, tutorial, social_prompt, badge_citation]
  social_metrics: [questions, peers]
"""

APPS = {"record_club": SHOP, "gym": FITNESS, "study_log": LEARNING}


def write_app(folder: Path, name: str) -> Path:
    """The app's file in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.yaml"
    path.write_text(APPS[name], encoding="utf-8")
    return path
