"""What a person looks at of the models: who serves and who waits, and what one of them says of a player."""
