"""The web: REST, the original system's API, and chat pages, in one server that by default only this machine reaches."""

from __future__ import annotations

from plugins.platforms.web.platform import WebPlatform

__all__ = ["WebPlatform"]
