"""Help for all of the bridge, which knows neither learners nor completions.

Nothing here imports more of the bridge than `bridge.errors`.
"""
