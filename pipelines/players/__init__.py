"""Who the players are: features, traits, segments, profiles, targets."""
