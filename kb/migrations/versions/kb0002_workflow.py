"""Workflow of entries: author, live version, actions, columns to filter by, the revision counter."""

import json

import sqlalchemy as sa
from alembic import op

revision = "kb0002"
down_revision = "0001"

FILTERS = ("question", "category", "department", "region")
entry = sa.table(
    "entry",
    sa.column("id", sa.String),
    sa.column("status", sa.String),
    sa.column("content", sa.Text),
    sa.column("revision", sa.Integer),
    sa.column("author", sa.String),
    sa.column("live_revision", sa.Integer),
    sa.column("changed_at", sa.DateTime),
    *(sa.column(name, sa.Text) for name in FILTERS),
)
version = sa.table(
    "entry_version", sa.column("revision", sa.Integer), sa.column("who", sa.String), sa.column("at", sa.DateTime)
)


def upgrade() -> None:
    with op.batch_alter_table("entry") as batch:
        batch.add_column(sa.Column("author", sa.String(64), nullable=False, server_default=""))
        batch.add_column(sa.Column("live_revision", sa.Integer, nullable=True))
        batch.add_column(sa.Column("changed_at", sa.DateTime, nullable=False, server_default="2026-01-01 00:00:00"))
        batch.add_column(sa.Column("question", sa.Text, nullable=False, server_default=""))
        batch.add_column(sa.Column("category", sa.String(32), nullable=False, server_default=""))
        batch.add_column(sa.Column("department", sa.Text, nullable=False, server_default=""))
        batch.add_column(sa.Column("region", sa.String(64), nullable=False, server_default=""))
        batch.create_index("ix_entry_category", ["category"])
    with op.batch_alter_table("entry_version") as batch:
        batch.add_column(sa.Column("action", sa.String(16), nullable=False, server_default="edit"))
    op.create_table(
        "kb_counter",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.Integer, nullable=False),
    )
    connection = op.get_bind()
    last = connection.scalar(sa.select(sa.func.max(version.c.revision))) or 0
    connection.execute(
        sa.text("INSERT INTO kb_counter (name, value) VALUES ('revision', :n), ('unanswered', 0)"), {"n": last}
    )
    rows = connection.execute(
        sa.select(entry.c.id, entry.c.status, entry.c.content, entry.c.revision, version.c.who, version.c.at).join(
            version, version.c.revision == entry.c.revision
        )
    ).all()
    for row in rows:
        content = json.loads(row.content)
        connection.execute(
            entry.update()
            .where(entry.c.id == row.id)
            .values(
                author=row.who,
                live_revision=row.revision if row.status == "published" else None,
                changed_at=row.at,
                **{name: content[name] for name in FILTERS},
            )
        )


def downgrade() -> None:
    op.drop_table("kb_counter")
    with op.batch_alter_table("entry_version") as batch:
        batch.drop_column("action")
    with op.batch_alter_table("entry") as batch:
        batch.drop_index("ix_entry_category")
        for name in ("author", "live_revision", "changed_at", *FILTERS):
            batch.drop_column(name)
