"""Every table. Times are UTC milliseconds since 1970; texts are sealed (storage/keys.py) in binary columns."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only in INTEGER PRIMARY KEY columns


def _id() -> Column[int]:
    return Column("id", Id, primary_key=True, autoincrement=True)


def _ref(name: str, target: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, Id, ForeignKey(f"{target}.id", ondelete="CASCADE"), nullable=nullable)


people = Table(
    "people",
    metadata,
    _id(),
    Column("platform", String(32), nullable=False),
    Column("external_id", String(128), nullable=False),
    Column("alias", String(16), nullable=False),  # the pseudonym that moderators see
    Column("name", LargeBinary),
    Column("locale", String(8), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("platform", "external_id"),
)

chats = Table(
    "chats",
    metadata,
    _id(),
    Column("platform", String(32), nullable=False),
    Column("external_id", String(128), nullable=False),
    Column("space_id", String(128)),
    Column("kind", String(16), nullable=False),
    UniqueConstraint("platform", "external_id"),
)

messages = Table(
    "messages",
    metadata,
    _id(),
    _ref("chat_id", "chats"),
    _ref("person_id", "people"),
    Column("external_id", String(128), nullable=False),
    Column("text", LargeBinary, nullable=False),
    Column("reply_to", String(128)),
    Column("sent_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("shown_reply_id", Id),  # the only pointer to the current variant
    Column("read_with", Id),  # the last message of the burst this one was read in; null when it is itself that one
    Column("ends_talk", Boolean, nullable=False, server_default=text("false")),  # later answers see none up to it
    UniqueConstraint("chat_id", "external_id"),
    Index(None, "chat_id", "person_id", "id"),
    Index(None, "person_id"),
    Index(None, "received_at"),
    sqlite_autoincrement=True,  # an id is never given out twice, so an old button can never reach a new message
)

readings = Table(
    "readings",
    metadata,
    _id(),
    _ref("message_id", "messages"),
    _ref("person_id", "people"),
    _ref("chat_id", "chats"),
    Column("space", String(160)),  # "platform:space_id"; null in direct chats
    Column("at", BigInteger, nullable=False),
    Column("label", String(64), nullable=False),
    Column("grp", String(16), nullable=False),
    Column("score", Float, nullable=False),
    Column("sure", Boolean, nullable=False),
    Column("model", String(128), nullable=False),
    Column("best", JSON, nullable=False),  # [[label, group, score] × 5]
    Column("groups", JSON, nullable=False),  # {group: probability}
    UniqueConstraint("message_id"),
    Index(None, "space", "at"),
    Index(None, "space", "person_id", "at"),
    Index(None, "space", "label", "at"),
    Index(None, "person_id", "at"),
    Index(None, "at"),
)

replies = Table(
    "replies",
    metadata,
    _id(),
    _ref("message_id", "messages"),
    Column("variant", Integer, nullable=False),
    Column("text", LargeBinary, nullable=False),
    Column("reading", JSON),
    Column("hit", Boolean),
    Column("model", String(128), nullable=False),
    Column("finish", String(16), nullable=False),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("message_id", "variant"),
    sqlite_autoincrement=True,
)

OPEN_STATES = ("new", "working", "sending")

jobs = Table(
    "jobs",
    metadata,
    _id(),
    Column("kind", String(16), nullable=False),  # answer | regenerate | forget
    _ref("message_id", "messages", nullable=True),
    _ref("chat_id", "chats", nullable=True),
    _ref("person_id", "people", nullable=True),
    Column("platform", String(32), nullable=False),
    Column("value", String(64), nullable=False, server_default=""),
    Column("lone", Boolean, nullable=False, server_default=text("false")),
    Column("state", String(16), nullable=False),  # new → working → sending → done | failed
    Column("owner", String(32)),  # the process that holds the lease
    Column("lease_until", BigInteger),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("handles", JSON, nullable=False),  # the platform's handle of each part shown
    Column("error", String(32)),
    Column("created_at", BigInteger, nullable=False),
    Column("done_at", BigInteger),
    Index(None, "state", "platform", "chat_id", "person_id", "id"),
    Index(
        "uq_jobs_open_message",
        "message_id",
        unique=True,
        sqlite_where=text("state IN ('new','working') AND kind <> 'forget'"),
        postgresql_where=text("state IN ('new','working') AND kind <> 'forget'"),
    ),
    Index(None, "message_id"),
)

corrections = Table(
    "corrections",
    metadata,
    _id(),
    _ref("message_id", "messages"),
    _ref("person_id", "people"),
    Column("label", String(64), nullable=False),
    Column("previous", String(64)),
    Column("at", BigInteger, nullable=False),
    Index(None, "message_id"),
)

feedback = Table(
    "feedback",
    metadata,
    _id(),
    _ref("reply_id", "replies"),
    _ref("person_id", "people"),
    Column("value", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("reply_id", "person_id"),
)

notices = Table(
    "notices",  # that this is an AI
    metadata,
    _id(),
    _ref("chat_id", "chats"),
    _ref("person_id", "people"),
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("chat_id", "person_id"),
)

consents = Table(
    "consents",
    metadata,
    _id(),
    _ref("person_id", "people"),
    Column("scope", String(16), nullable=False),
    Column("version", String(16), nullable=False),
    Column("given_at", BigInteger, nullable=False),
    Column("withdrawn_at", BigInteger),
    Index(None, "person_id", "scope"),
)

audit = Table(
    "audit",
    metadata,
    _id(),
    Column("at", BigInteger, nullable=False),
    Column("who", String(160), nullable=False),
    Column("action", String(32), nullable=False),
    Column("whom", String(160)),
    Column("space", String(160)),
    Column("reason", String(500)),
    Index(None, "space", "at"),
)

space_settings = Table(
    "space_settings",
    metadata,
    _id(),
    Column("space", String(160), nullable=False),
    Column("key", String(64), nullable=False),
    Column("value", JSON, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("who", String(160), nullable=False),
    Index(None, "space", "key", "at"),
)

emotion_hourly = Table(
    "emotion_hourly",
    metadata,
    Column("space", String(160), primary_key=True),
    Column("hour", BigInteger, primary_key=True),  # hours since 1970
    Column("label", String(64), primary_key=True),
    Column("grp", String(16), nullable=False),
    Column("n", Integer, nullable=False),
)

spend = Table(
    "spend",
    metadata,
    _id(),
    Column("day", Integer, nullable=False),  # days since 1970
    Column("payer", String(64), nullable=False),
    Column("amount", BigInteger, nullable=False),  # millionths of the budget's currency
    Index(None, "day", "payer"),
)
