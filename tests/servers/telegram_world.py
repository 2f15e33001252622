"""People, chats and messages as Telegram keeps them, and what people do there."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.servers.telegram_rules import ApiError, entities_of, marked

Kind = Literal["private", "group", "supergroup"]
Status = Literal["creator", "administrator", "member", "left", "kicked"]
#: API ChatMemberAdministrator: rights that are always named
RIGHTS = """can_be_edited is_anonymous can_manage_chat can_delete_messages can_manage_video_chats can_restrict_members
can_promote_members can_change_info can_invite_users can_post_stories can_edit_stories can_delete_stories"""


@dataclass(frozen=True)
class Human:
    id: int
    name: str
    language: str = "ko"

    def json(self) -> dict[str, Any]:
        return {"id": self.id, "is_bot": False, "first_name": self.name, "language_code": self.language}


@dataclass
class Room:
    """A chat. `members` maps a person's id to their status; `bot` is the bot's own."""

    id: int
    kind: Kind
    title: str
    members: dict[int, Status] = field(default_factory=dict)
    bot: Status = "member"
    topics: tuple[int, ...] = ()
    moved_to: int | None = None
    last_by_bot: bool = False
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    posts: list[Post] = field(default_factory=list, repr=False)

    @property
    def is_group(self) -> bool:
        return self.kind != "private"

    def json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"id": self.id, "type": self.kind}
        shown |= {"title": self.title} if self.is_group else {"first_name": self.title}
        return shown | ({"is_forum": True} if self.topics else {})


@dataclass
class Post:
    """A message. `sender` None is the bot."""

    room: Room
    id: int
    sender: Human | None
    date: float
    content: dict[str, Any]
    thread: int | None = None
    reply_to: int | None = None
    markup: dict[str, Any] | None = None
    edits: int = 0
    deleted: bool = False

    @property
    def text(self) -> str:
        return str(self.content.get("text", ""))

    @property
    def buttons(self) -> list[dict[str, Any]]:
        rows = (self.markup or {}).get("inline_keyboard", [])
        return [button for row in rows for button in row]


class World:
    """Everything that a Telegram server knows. `ahead_s` moves its clock."""

    def __init__(self, bot: dict[str, Any]) -> None:
        self.bot = bot
        self.people: dict[int, Human] = {}
        self.rooms: dict[int, Room] = {}
        self.posts: dict[tuple[int, int], Post] = {}
        self.ahead_s = 0.0
        self._people = itertools.count(1001)
        self._groups = itertools.count(1)

    def now(self) -> float:
        return time.time() + self.ahead_s

    def person(self, name: str = "민지", language: str = "ko") -> Human:
        human = Human(next(self._people), name, language)
        self.people[human.id] = human
        return human

    def private(self, human: Human) -> Room:
        """The person's chat with the bot; it exists from the moment they write (API: bots cannot begin a chat)."""
        room = self.rooms.get(human.id)
        if room is None:
            room = self.rooms[human.id] = Room(human.id, "private", human.name, {human.id: "member"})
        return room

    def group(self, *people: Human, admins: tuple[Human, ...] = (), topics: tuple[int, ...] = ()) -> Room:
        members: dict[int, Status] = dict.fromkeys((one.id for one in people), "member")
        members |= dict.fromkeys((one.id for one in admins), "administrator")
        number = -1_000_000_000_000 - next(self._groups)  # BOTAPI get_supergroup_chat_id
        room = Room(number, "supergroup", f"모임 {number}", members, topics=topics)
        self.rooms[room.id] = room
        return room

    def post(self, room: Room, sender: Human | None, content: dict[str, Any], **more: Any) -> Post:
        post = Post(room, next(room.ids), sender, self.now(), content, **more)
        self.posts[room.id, post.id] = post
        room.posts.append(post)
        room.last_by_bot = room.last_by_bot or sender is None
        return post

    def shown(self, room: Room, *, by_bot: bool = True) -> list[Post]:
        """What stands in a chat now, oldest first."""
        return [post for post in room.posts if not post.deleted and (post.sender is None) == by_bot]

    def room(self, chat: str) -> Room:
        """The chat that a request names, if the bot may write there.

        Raises:
            ApiError: as BOTAPI check_chat_access words it.
        """
        room = self.rooms.get(int(chat)) if chat.lstrip("-").isdecimal() else None
        if room is None:
            if chat.isdecimal() and int(chat) in self.people:
                raise ApiError(403, "Forbidden: bot can't initiate conversation with a user")
            raise ApiError(400, "Bad Request: chat not found")
        if room.moved_to:
            text = "Bad Request: group chat was upgraded to a supergroup chat"
            raise ApiError(400, text, migrate_to_chat_id=room.moved_to)
        if room.bot == "kicked":
            was = "bot was kicked from the supergroup chat" if room.is_group else "bot was blocked by the user"
            raise ApiError(403, f"Forbidden: {was}")
        if room.bot == "left":
            raise ApiError(403, "Forbidden: bot is not a member of the supergroup chat")
        return room

    def mine(self, room: Room, message: str, what: str = "message to edit") -> Post:
        """A message of the bot's own.

        Raises:
            ApiError: there is none (BOTAPI check_message), or somebody else wrote it (API editMessageText).
        """
        post = self.posts.get((room.id, int(message))) if message.isdecimal() else None
        if post is None or post.deleted:
            raise ApiError(400, f"Bad Request: {what} not found")
        if post.sender is not None:
            raise ApiError(400, "Bad Request: message can't be edited")
        return post

    def json(self, post: Post, *, with_reply: bool = True) -> dict[str, Any]:
        """API Message."""
        shown: dict[str, Any] = {
            "message_id": post.id,
            "date": int(post.date),
            "chat": post.room.json(),
            "from": self.bot if post.sender is None else post.sender.json(),
            **post.content,
        }
        if post.sender and post.text and (entities := entities_of(post.text)):
            shown["entities"] = entities
        if post.thread and post.thread != 1:  # messages of the General topic carry no thread
            shown |= {"message_thread_id": post.thread, "is_topic_message": True}
        if post.edits:
            shown["edit_date"] = int(self.now())
        if post.markup:
            shown["reply_markup"] = post.markup
        answered = self.posts.get((post.room.id, post.reply_to or 0))
        if with_reply and answered and not answered.deleted:
            shown["reply_to_message"] = self.json(answered, with_reply=False)
        return shown

    def member(self, room: Room, person: int) -> dict[str, Any]:
        """API ChatMember. Raises ApiError for somebody whom nobody knows."""
        if person == self.bot["id"]:
            return self._member(self.bot, room.bot)
        if person not in self.people:
            raise ApiError(400, "Bad Request: user not found")
        return self._member(self.people[person].json(), room.members.get(person, "left"))

    def _member(self, user: dict[str, Any], status: Status) -> dict[str, Any]:
        shown: dict[str, Any] = {"user": user, "status": status}
        if status == "creator":
            shown["is_anonymous"] = False
        if status == "administrator":
            shown |= dict.fromkeys(RIGHTS.split(), False) | {"can_manage_chat": True}
        if status == "kicked":
            shown["until_date"] = 0
        return shown

    def reaches_bot(self, post: Post, *, privacy: bool) -> bool:
        """FAQ “What messages will my bot get?”: in groups, with privacy mode on and no rights of an administrator,
        commands meant for it, general commands when it spoke last, replies to it, and what names it explicitly.
        """
        if not post.room.is_group or not privacy or post.room.bot == "administrator":
            return True
        answered = self.posts.get((post.room.id, post.reply_to or 0))
        if answered and answered.sender is None:
            return True
        name = f"@{self.bot['username']}".lower()
        words = [word.lower() for word in marked(post.text)]
        if any(word.endswith(name) for word in words):
            return True
        general = any(word.startswith("/") and "@" not in word for word in words)
        return general and post.room.last_by_bot
