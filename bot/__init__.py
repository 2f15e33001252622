"""The core of Maum: what happens to a message, whatever platform, model or LLM stands around it."""

__version__ = "0.1.0"
