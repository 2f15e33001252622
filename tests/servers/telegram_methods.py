"""The Bot API's methods over a world: what a bot may do there, and what it is refused (see telegram_rules.py)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.servers.telegram_flood import Flood
from tests.servers.telegram_rules import (
    CHAT_ACTIONS,
    MAX_CALLBACK_ANSWER,
    MAX_CAPTION,
    MAX_TEXT,
    ApiError,
    checked_commands,
    checked_entities,
    checked_keyboard,
    checked_text,
    required,
    units,
)
from tests.servers.telegram_world import Post, Room, World

CLICK_LIVES_S = 30.0  # not published; clients stop waiting after about this time
DELETABLE_S = 48 * 3600  # API deleteMessage: a message can only be deleted if it was sent less than 48 hours ago
NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Upload:
    """A file in a multipart request."""

    name: str
    data: bytes


@dataclass
class Click:
    """A callback query. `answer` is what the bot said to it, None while it has said nothing."""

    id: str
    at: float
    answer: str | None = None
    answered_at: float = 0.0
    alert: bool = False


@dataclass
class Methods:
    world: World
    flood: Flood
    clicks: dict[str, Click] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)
    menus: dict[str, list[dict[str, str]]] = field(default_factory=dict)  # by scope and language
    actions: list[tuple[int, str]] = field(default_factory=list)
    description: str = ""

    def get_me(self, _: Arguments) -> Any:
        return self.world.bot

    def send_message(self, asked: Arguments) -> Any:
        room = self.world.room(required(asked, "chat_id"))
        self._refuse_parse_mode(asked)
        text = checked_text(str(asked.get("text", "")), MAX_TEXT, "message is too long")
        return self._send(room, asked, {"text": text} | self._entities(asked))

    def send_document(self, asked: Arguments) -> Any:
        return self._send_file(asked, "document")

    def send_photo(self, asked: Arguments) -> Any:
        return self._send_file(asked, "photo")

    def edit_message_text(self, asked: Arguments) -> Any:
        room = self.world.room(required(asked, "chat_id"))
        post = self.world.mine(room, required(asked, "message_id"))
        self._refuse_parse_mode(asked)
        text = checked_text(str(asked.get("text", "")), MAX_TEXT, "MESSAGE_TOO_LONG")
        content = {"text": text} | self._entities(asked)
        return self._edit(post, content, checked_keyboard(str(asked.get("reply_markup", ""))))

    def edit_message_reply_markup(self, asked: Arguments) -> Any:
        room = self.world.room(required(asked, "chat_id"))
        post = self.world.mine(room, required(asked, "message_id"))
        return self._edit(post, post.content, checked_keyboard(str(asked.get("reply_markup", ""))))

    def delete_message(self, asked: Arguments) -> Any:
        room = self.world.room(required(asked, "chat_id"))
        post = self.world.mine(room, required(asked, "message_id"), "message to delete")
        if self.world.now() - post.date > DELETABLE_S:
            raise ApiError(400, "Bad Request: message can't be deleted")
        post.deleted = True
        return True

    def answer_callback_query(self, asked: Arguments) -> Any:
        click = self.clicks.get(required(asked, "callback_query_id"))
        text = str(asked.get("text", ""))
        if click is None or click.answer is not None or self.world.now() - click.at > CLICK_LIVES_S:
            raise ApiError(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        if units(text) > MAX_CALLBACK_ANSWER:  # API answerCallbackQuery.text: 0-200 characters
            raise ApiError(400, "Bad Request: MESSAGE_TOO_LONG")
        click.answer, click.answered_at = text, self.world.now()
        click.alert = str(asked.get("show_alert", "")).lower() == "true"
        return True

    def send_chat_action(self, asked: Arguments) -> Any:
        room = self.world.room(required(asked, "chat_id"))
        action = required(asked, "action")
        if action not in CHAT_ACTIONS:
            raise ApiError(400, "Bad Request: wrong parameter action in request")
        self.actions.append((room.id, action))
        return True

    def set_my_commands(self, asked: Arguments) -> Any:
        self.menus[_scope(asked)] = checked_commands(required(asked, "commands"))
        return True

    def get_my_commands(self, asked: Arguments) -> Any:
        return self.menus.get(_scope(asked), [])

    def get_my_description(self, _: Arguments) -> Any:
        return {"description": self.description}

    def get_chat(self, asked: Arguments) -> Any:
        room = self.world.room(required(asked, "chat_id"))
        return room.json() | {"accent_color_id": 0, "max_reaction_count": 11}

    def get_chat_member(self, asked: Arguments) -> Any:
        room = self.world.room(required(asked, "chat_id"))
        return self.world.member(room, int(required(asked, "user_id")))

    def get_chat_administrators(self, asked: Arguments) -> Any:
        room = self.world.room(required(asked, "chat_id"))
        if not room.is_group:
            raise ApiError(400, "Bad Request: there are no administrators in the private chat")
        chiefs = [person for person, status in room.members.items() if status in ("creator", "administrator")]
        return [self.world.member(room, person) for person in chiefs]

    def _send(self, room: Room, asked: Arguments, content: dict[str, Any]) -> Any:
        markup = checked_keyboard(str(asked.get("reply_markup", "")))
        thread = int(asked.get("message_thread_id") or 0)
        if thread and thread not in room.topics:  # API sendMessage.message_thread_id: for forums only
            raise ApiError(400, "Bad Request: message thread not found")
        answered = self._answered(room, str(asked.get("reply_parameters", "")))
        self.flood.count(room.id, group=room.is_group)
        post = self.world.post(room, None, content, thread=thread or None, reply_to=answered, markup=markup)
        return self.world.json(post)

    def _send_file(self, asked: Arguments, kind: str) -> Any:
        room = self.world.room(required(asked, "chat_id"))
        upload = asked.get(kind)
        if not isinstance(upload, Upload):
            raise ApiError(400, f"Bad Request: there is no {kind} in the request")
        if not upload.data:
            raise ApiError(400, "Bad Request: file must be non-empty")
        identity = f"file-{len(self.files) + 1}"
        self.files[identity] = upload
        shown: dict[str, Any] = {"file_id": identity, "file_unique_id": identity, "file_size": len(upload.data)}
        shown |= {"file_name": upload.name} if kind == "document" else {"width": 1, "height": 1}
        content: dict[str, Any] = {kind: shown if kind == "document" else [shown]}
        if asked.get("caption"):
            content["caption"] = checked_text(str(asked["caption"]), MAX_CAPTION, "message caption is too long")
        return self._send(room, asked, content)

    def _edit(self, post: Post, content: dict[str, Any], markup: dict[str, Any] | None) -> Any:
        """Without a keyboard in the request the message loses its own (API editMessageText.reply_markup)."""
        self.flood.count(post.room.id, group=post.room.is_group)
        if (content, markup) == (post.content, post.markup):
            raise ApiError(400, NOT_MODIFIED)
        post.content, post.markup = content, markup
        post.edits += 1
        return self.world.json(post)

    def _answered(self, room: Room, raw: str) -> int | None:
        """API ReplyParameters: without allow_sending_without_reply the message must be there."""
        if not raw:
            return None
        wanted = json.loads(raw)
        post = self.world.posts.get((room.id, int(wanted.get("message_id", 0))))
        if post and not post.deleted:
            return post.id
        if wanted.get("allow_sending_without_reply"):
            return None
        raise ApiError(400, "Bad Request: message to be replied not found")

    def _entities(self, asked: Arguments) -> dict[str, Any]:
        """Offsets are counted in the text as it was sent (TDLIB fix_formatted_text moves them when it trims)."""
        entities = checked_entities(str(asked.get("entities", "")), str(asked.get("text", "")))
        return {"entities": entities} if entities else {}

    def _refuse_parse_mode(self, asked: Arguments) -> None:
        if asked.get("parse_mode"):
            raise ApiError(501, "This server parses no Markdown and no HTML: send entities")


def _scope(asked: Arguments) -> str:
    scope = json.loads(str(asked.get("scope") or "{}")).get("type", "default")
    return f"{scope}/{asked.get('language_code') or ''}"
