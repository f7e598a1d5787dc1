"""What completing pays beside the XP of the formula: tables of offers, their prices, limits and budgets, the ledger."""
