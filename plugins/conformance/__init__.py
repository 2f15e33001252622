"""Suites that every plugin of a kind must pass; third parties import them, too (docs/plugins.md)."""
