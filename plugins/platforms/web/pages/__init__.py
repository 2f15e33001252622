"""The chat page, in parts: layout, one exchange, its answer, the emotion chip and picker, consent, settings."""
