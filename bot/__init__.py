"""The core of Maum: what happens to a message, whatever platform, model or LLM stands around it."""

import os

__version__ = "0.1.0"

# numpy reads it at import: for matrices as small as the crisis detector's a second thread costs more than it gives
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
