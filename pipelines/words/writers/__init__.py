"""Who writes: the offline grammar, and language models with the grammar behind them."""
