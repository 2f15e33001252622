"""A person can begin a new talk: what was said before it is kept, but no answer sees it any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    server_default = sa.text("false")
    op.add_column("messages", sa.Column("ends_talk", sa.Boolean(), nullable=False, server_default=server_default))
