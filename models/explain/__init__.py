"""Why a model says what it says: reasons in words, what would have changed it, and a second opinion."""
