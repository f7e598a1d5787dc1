"""App files whose words are odd in the way that people's are: signs, brackets, capitals, 'fewer is better'."""

MEDITATION = """\
app: meditation
title: Stillness
timezone: Asia/Tokyo
events:
  sat: {title: Sat in silence, properties: {minutes: {type: number, min: 0, max: 240}, kind: text, guided: boolean,
        restlessness: {type: number, min: 0, max: 10}}}
  noted: {title: Wrote a note, properties: {words: {type: integer, min: 0, max: 5000}}}
metrics:
  sessions: {event: sat, label: SESSIONS, unit: session, task: "Sit for {goal}"}
  silence: {event: sat, agg: sum, of: minutes, label: Minutes (total), unit: min, task: "Be still for {goal}"}
  longest_sit: {event: sat, agg: max, of: minutes, label: Longest sit, unit: min,
                task: "Sit for {goal} without a break"}
  typical_sit: {event: sat, agg: mean, of: minutes, label: Avg length of a sit, unit: minutes}
  restlessness: {event: sat, agg: mean, of: restlessness, better: lower, label: restlessness (0-10)}
  guided_share: {event: sat, agg: mean, of: guided, label: guided sessions}
  kinds: {event: sat, agg: distinct, of: kind, label: kinds of meditation, unit: kind of meditation,
          task: "Practise {goal}"}
  notes: {event: noted, label: notes, unit: note, task: "Write {goal}"}
  calm_days: {agg: days, label: mindful days, unit: mindful day, task: "Have {goal}"}
  streak: {agg: streak, label: current streak, unit: day}
segments: {features: [sessions, silence], score: silence}
badges:
  first_breath: {title: First Breath, tier: bronze, category: start, when: sessions >= 1}
  long_sit: {title: Stone, tier: silver, category: depth, when: longest_sit >= 45}
  still_mind: {title: Still Water, tier: gold, category: depth, when: "restlessness <= 2 and sessions >= 20"}
  unbroken: {title: Unbroken, tier: platinum, category: habit, when: "streak >= 30 and last(silence, 28) >= 300"}
challenges: {metrics: [sessions, silence, longest_sit, kinds, notes, calm_days], windows: [1, 3, 7]}
voice: {theme: a silent house by the sea, player: practitioner}
content:
  types: [daily_challenge, custom_achievement, adaptive_mission, mission_brief, motivational_message,
          come_back_message, tutorial, social_prompt, badge_citation]
  social_metrics: [notes]
"""

RECYCLING = """\
app: recycling
title: Second Life
timezone: Europe/London
events:
  returned: {title: Returned things, properties: {kg: {type: number, min: 0, max: 500},
             bottles: {type: integer, min: 0}, refund: {type: number, min: 0, max: 500}, material: text,
             neighbour: text}}
  bought: {title: Bought second-hand, properties: {price: {type: number, min: 0, max: 2000}}}
metrics:
  drop_offs: {event: returned, label: "# of drop-offs", unit: drop-off, task: "Make {goal}"}
  weight: {event: returned, agg: sum, of: kg, label: weight returned, unit: kg, task: "Return {goal} of material"}
  bottles: {event: returned, agg: sum, of: bottles, label: bottles and cans, unit: bottle or can,
            plural: bottles and cans, task: "Bring back {goal}"}
  refunds: {event: returned, agg: sum, of: refund, label: money refunded, unit: £, task: "Earn {goal} in refunds"}
  best_load: {event: returned, agg: max, of: kg, label: heaviest load, unit: kg, task: "Carry in {goal} in one go"}
  average_load: {event: returned, agg: mean, of: kg, label: average load, unit: kg}
  cheapest: {event: bought, agg: min, of: price, better: lower, label: cheapest find, unit: £,
             task: "Find something for {goal}"}
  materials: {event: returned, agg: distinct, of: material, label: types of material, unit: type of material,
              plural: types of material, task: "Sort {goal}"}
  neighbours: {event: returned, agg: distinct, of: neighbour, label: people helped, unit: person, task: "Help {goal}"}
  purchases: {event: bought, label: second-hand purchases, task: "Buy {goal} second-hand", unit: item}
  co2: {event: returned, agg: sum, of: kg, label: CO2 saved, unit: kg}
  active: {agg: days, label: active days, unit: day, task: "Be active on {goal}"}
segments: {features: [drop_offs, weight], score: weight}
badges:
  starter: {title: "The First Crate!", tier: bronze, category: start, when: drop_offs >= 1}
  hauler: {title: Heavy Lifter, tier: silver, category: weight, when: "weight >= 100 and best_load >= 10"}
  saver: {title: Penny Wise, tier: gold, category: money, when: "refunds >= 20 and cheapest <= 2"}
  friend: {title: Good Neighbour, tier: gold, category: people, when: "last(neighbours, 28) >= 3"}
challenges: {metrics: [drop_offs, weight, bottles, refunds, best_load, materials, neighbours, purchases, active],
             windows: [3, 7, 14], active_within_days: 60}
voice: {theme: a shop where things get a second life, player: neighbour}
content:
  types: [daily_challenge, custom_achievement, adaptive_mission, mission_brief, motivational_message,
          come_back_message, tutorial, social_prompt, badge_citation]
  social_metrics: [neighbours, purchases]
"""

CHESS = """\
app: chess
title: Rook & Pawn
timezone: America/Chicago
events:
  played: {title: Finished a game, properties: {blunders: {type: integer, min: 0, max: 200}, won: boolean,
           accuracy: {type: number, min: 0, max: 100}, rating: {type: integer, min: 0, max: 4000},
           seconds: {type: number, min: 0, max: 20000}, opening: text, opponent: text}}
  solved: {title: Solved a puzzle, properties: {seconds: {type: number, min: 0, max: 3600}}}
metrics:
  games: {event: played, label: games, unit: game, task: "Play {goal}"}
  wins: {event: played, where: won = true, label: wins, unit: win, task: "Get {goal}"}
  win_rate: {event: played, agg: mean, of: won, label: win rate}
  won_games: {event: played, agg: mean, of: won, label: games won}
  blunders: {event: played, agg: min, of: blunders, better: lower, label: fewest blunders in a game, unit: blunder,
             task: "Play a game with {goal}"}
  blunder_rate: {event: played, agg: mean, of: blunders, better: lower, label: blunders per game, unit: blunder}
  accuracy: {event: played, agg: mean, of: accuracy, label: accuracy, unit: "%"}
  best_accuracy: {event: played, agg: max, of: accuracy, label: Best Accuracy, unit: "%",
                  task: "Reach {goal} in a game"}
  rating: {event: played, agg: max, of: rating, label: Elo, task: "Reach {goal} Elo"}
  fastest: {event: solved, agg: min, of: seconds, better: lower, label: fastest puzzle, unit: s,
            task: "Solve a puzzle in under {goal}"}
  speed: {event: solved, agg: mean, of: seconds, better: lower, label: time per puzzle, unit: second}
  puzzles: {event: solved, label: Puzzles Solved, unit: puzzle, task: "Solve {goal}"}
  openings: {event: played, agg: distinct, of: opening, label: different openings, unit: opening,
             task: "Play {goal}"}
  opponents: {event: played, agg: distinct, of: opponent, label: opponents met, unit: opponent, task: "Meet {goal}"}
  evenings: {agg: days, label: evenings at the club, unit: evening, task: "Come to the club on {goal}"}
segments: {features: [games, puzzles], score: puzzles}
badges:
  opening_move: {title: Opening Move, tier: bronze, category: start, when: games >= 1}
  sharp: {title: Sharp Eye, tier: silver, category: skill, when: "fastest <= 10 and puzzles >= 100"}
  clean: {title: A Clean Sheet, tier: gold, category: skill, when: "blunders <= 2 and blunder_rate <= 3"}
  strong: {title: Club Champion, tier: platinum, category: skill, when: "rating >= 1800 and win_rate >= 0.6"}
challenges: {metrics: [games, wins, blunders, best_accuracy, rating, fastest, puzzles, openings, opponents,
             evenings], windows: [1, 7]}
voice: {theme: a chess club in an old café, player: chess player}
content:
  types: [daily_challenge, custom_achievement, adaptive_mission, mission_brief, motivational_message,
          come_back_message, tutorial, social_prompt, badge_citation]
  social_metrics: [opponents, games]
"""

CYCLING = """\
app: cycling
title: Uphill Cycling
timezone: Europe/Madrid
events:
  ride: {title: Finished a ride, properties: {km: {type: number, min: 0, max: 1000}, climb: {type: number, min: 0},
         kmh: {type: number, min: 0, max: 120}, hours: {type: number, min: 0, max: 48}, stops: {type: integer, min: 0},
         companion: text, route: text, punctured: boolean}}
metrics:
  rides: {event: ride, label: rides, unit: ride, task: "Go on {goal}"}
  distance: {event: ride, agg: sum, of: km, label: distance, unit: km, task: "Ride {goal}"}
  farthest: {event: ride, agg: max, of: km, label: longest ride, unit: km, task: "Ride {goal} in one go"}
  climb: {event: ride, agg: sum, of: climb, label: metres climbed, unit: metre, task: "Climb {goal}"}
  top_speed: {event: ride, agg: max, of: kmh, label: top speed, unit: km/h, task: "Hit {goal}"}
  pace: {event: ride, agg: mean, of: kmh, label: average speed, unit: km/h}
  hours: {event: ride, agg: sum, of: hours, label: hours in the saddle, unit: hour, task: "Spend {goal} in the saddle"}
  stops: {event: ride, agg: mean, of: stops, better: lower, label: stops per ride, unit: stop}
  punctures: {event: ride, where: punctured = true, label: punctures, unit: puncture}
  routes: {event: ride, agg: distinct, of: route, label: unique routes, unit: route, task: "Ride {goal}"}
  companions: {event: ride, agg: distinct, of: companion, label: friends ridden with, unit: friend,
               task: "Ride with {goal}"}
  streak: {agg: streak, label: daily streak, unit: day}
  days: {agg: days, label: days on the bike, unit: day, task: "Ride on {goal}"}
segments: {features: [rides, distance], score: distance}
badges:
  starter: {title: Rolling, tier: bronze, category: start, when: rides >= 1}
  climber: {title: King of the Hill, tier: silver, category: climb, when: "climb >= 1000"}
  rocket: {title: Rocket, tier: gold, category: speed, when: "top_speed >= 60 and pace >= 25"}
  week: {title: Seven in a Row, tier: platinum, category: habit, when: "streak >= 7 and last(distance, 7) >= 200"}
challenges: {metrics: [rides, distance, farthest, climb, top_speed, hours, routes, companions, days]}
voice: {theme: a cycling club in the hills, player: rider}
content:
  types: [daily_challenge, custom_achievement, adaptive_mission, mission_brief, motivational_message,
          come_back_message, tutorial, social_prompt, badge_citation]
  social_metrics: [companions]
"""

ODD = {"meditation": MEDITATION, "recycling": RECYCLING, "chess": CHESS, "cycling": CYCLING}
