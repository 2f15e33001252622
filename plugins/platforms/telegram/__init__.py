"""Telegram, by python-telegram-bot's client and our own loop over updates."""

from plugins.platforms.telegram.platform import TelegramPlatform

__all__ = ["TelegramPlatform"]
