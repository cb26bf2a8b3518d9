"""How fast the engine is, against what one would write without it.

Measures; decides nothing. The reference loops share no code with the engine.
"""
