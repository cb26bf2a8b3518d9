"""References, checks and verdicts: did the model's safety behaviour regress?

Stands on ``analysis``; computes from counts of events, and knows no model.
"""
