"""Raw deliveries to events, player-day parts, features and labels."""
