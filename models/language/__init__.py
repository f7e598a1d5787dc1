"""Language models: asking OpenAI and Anthropic, each question once, within budget and rate."""
