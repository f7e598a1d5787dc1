"""From deliveries, as files or from a server, to checked events and the player-day parts that add up from them."""
