"""Pages without any script: the login, and what a person reads when a page cannot be shown."""

from __future__ import annotations

import hashlib
from html import escape
from pathlib import Path
from string import Template

from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse

from bot.locale import say
from bot.types import Language
from plugins.platforms.web.guard.headers import PLAIN
from plugins.platforms.web.visit import look_of

STATIC = Path(__file__).parent / "pages" / "static"
PAGE = Template("""<!doctype html>
<html lang="$language" class="$look">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<link rel="icon" href="/maum-static/icon.svg">
<link rel="stylesheet" href="$style">
<main>
<img src="/maum-static/icon.svg" alt="" width="60" height="60">
<h1>$title</h1>
$content
</main>
</html>
""")


def asset(name: str) -> str:
    """The address of a file of ours, named by its content so that a browser never uses an old one."""
    return f"/maum-static/{name}?{hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def page(connection: HTTPConnection, language: Language, content: str, status: int = 200) -> HTMLResponse:
    """`content` is HTML: what a person wrote has to be escaped in it."""
    filled = PAGE.substitute(
        language=language,
        look=look_of(connection),
        title=escape(say(language, "web.title")),
        style=asset("plain.css"),
        content=content,
    )
    return HTMLResponse(filled, status, {"Content-Security-Policy": PLAIN})


def message(connection: HTTPConnection, language: Language, text: str, status: int) -> HTMLResponse:
    """One sentence, and the way back."""
    back = f'<a class="button" href="/">{escape(say(language, "web.back"))}</a>'
    return page(connection, language, f'<p role="alert">{escape(text)}</p>\n{back}', status)
