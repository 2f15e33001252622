"""When a person was told last, in a chat, that this is an AI: it is not said again after each start."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "notices",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("chat_id", number, nullable=False),
        sa.Column("person_id", number, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["chat_id"], ["chats.id"], name=op.f("fk_notices_chat_id_chats"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_notices_person_id_people"), ondelete="CASCADE"
        ),
        sa.UniqueConstraint("chat_id", "person_id", name=op.f("uq_notices_chat_id_person_id")),
    )
