"""Who may: server keys, learner tokens, and how often each may call."""
