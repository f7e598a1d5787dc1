"""Apps that are not shipped, written from the shapes of public data, with small generated deliveries."""
