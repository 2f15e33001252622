"""An export as a page that a person can read: no script, nothing loaded from anywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from string import Template
from typing import Any

from bot.locale import say
from bot.types import Language

PAGE = Template("""<!doctype html>
<html lang="$language">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>$title</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border: 1px solid #8884; padding: .3rem .6rem; text-align: left; vertical-align: top; white-space: pre-wrap; }
th { position: sticky; top: 0; background: Canvas; }
:root { color-scheme: light dark; }
</style>
<h1>$title</h1>
<p>$intro</p>
$sections
</html>
""")


def page(exported: Mapping[str, Any], language: Language) -> str:
    """The HTML of what `Privacy.export` returned."""
    facts = {"at": exported["exported_at"], **exported["person"]}
    sections = [
        _section(say(language, f"privacy.table_{name}"), rows, language) for name, rows in exported["tables"].items()
    ]
    for name, kept in exported["plugins"].items():
        rows = [{"": key, " ": value} for key, value in kept.items()]
        sections.append(_section(say(language, "privacy.page_plugin", name=name), rows, language))
    return PAGE.substitute(
        language=language,
        title=escape(say(language, "privacy.page_title")),
        intro=escape(say(language, "privacy.page_intro", **facts)),
        sections="\n".join(sections),
    )


def _section(title: str, rows: Sequence[Mapping[str, Any]], language: Language) -> str:
    if not rows:
        return f"<h2>{escape(title)}</h2>\n<p>{escape(say(language, 'privacy.page_empty'))}</p>"
    heads = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
    lines = "\n".join("<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row.values()) + "</tr>" for row in rows)
    return f"<h2>{escape(title)} ({len(rows)})</h2>\n<table>\n<tr>{heads}</tr>\n{lines}\n</table>"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
