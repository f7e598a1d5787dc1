"""Ways compared: arms, what they have shown, and proof on history."""
