"""The lives of plugins, each with an end of its own, so that one can be exchanged while the others go on."""

from __future__ import annotations

import logging

from bot.contracts import Plugin
from bot.errors import OperatorError

log = logging.getLogger(__name__)


class Lives:
    def __init__(self) -> None:
        self._living: list[Plugin] = []

    async def begin(self, *plugins: Plugin) -> None:
        """Enter plugins, all or none.

        Raises:
            OperatorError: one of them cannot be started.
        """
        begun: list[Plugin] = []
        try:
            for plugin in plugins:
                await plugin.__aenter__()
                begun.append(plugin)
        except BaseException as error:
            for plugin in reversed(begun):
                await _end(plugin)
            if isinstance(error, OperatorError) or not isinstance(error, Exception):
                raise
            raise OperatorError(f"{plugin.name} could not be started ({type(error).__name__})") from error
        self._living += begun

    async def end(self, *plugins: Plugin) -> None:
        """Exit plugins, the last one first; one that fails stops no other."""
        for plugin in reversed(plugins):
            self._living.remove(plugin)
            await _end(plugin)

    async def end_all(self) -> None:
        await self.end(*self._living)


async def _end(plugin: Plugin) -> None:
    try:
        await plugin.__aexit__(None, None, None)
    except Exception:
        log.exception("%s did not end cleanly", plugin.name)
