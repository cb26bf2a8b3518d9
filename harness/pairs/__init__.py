"""What is compared: names, presets, pair files, and loading both sides.

The only room that imports transformers and peft. What it loads keeps the protocol of
:mod:`harness.decoding.pair_model`; importing this package itself imports none of them.
"""

import logging

# peft imports bitsandbytes wherever it is installed, and bitsandbytes warns at its import that a
# kernel could be downloaded, and at every int8 product in float32 that its input goes through
# float16: that is the method, and 210 lines per token.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
