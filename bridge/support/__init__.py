"""What knows neither learners nor completions: it imports `bridge.errors` alone."""
