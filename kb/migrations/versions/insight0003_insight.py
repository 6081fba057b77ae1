"""Calls seen, outcomes of tickets and monthly totals, for the dashboard."""

import sqlalchemy as sa
from alembic import op

revision = "insight0003"
down_revision = "serve0002"


def upgrade() -> None:
    op.create_table(
        "call_seen",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime, nullable=False, index=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("request_type", sa.String(16), nullable=False),
        sa.Column("answered", sa.Boolean, nullable=False),
        sa.Column("entry_id", sa.String(64), nullable=False),
        sa.Column("answer_confidence", sa.Float, nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("depth", sa.Integer, nullable=False),
        sa.Column("category_confidence", sa.Float, nullable=False),
        sa.Column("unit", sa.String(100), nullable=False),
        sa.Column("district", sa.String(32), nullable=False),
        sa.Column("bundle", sa.String(64), nullable=False),
        sa.Column("kb", sa.String(64), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ticket_outcome",
        sa.Column("ticket_id", sa.String(64), primary_key=True),
        sa.Column("caller", sa.String(64), nullable=False, index=True),
        sa.Column("community", sa.String(64), nullable=False),
        sa.Column("first_unit", sa.String(100), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("closed_at", sa.DateTime, nullable=True),
        sa.Column("contacted", sa.Boolean, nullable=True),
        sa.Column("solved", sa.Boolean, nullable=True),
        sa.Column("satisfaction", sa.String(16), nullable=False),
        sa.Column("stored_at", sa.DateTime, nullable=False, index=True),
    )
    op.create_table(
        "month_total",
        sa.Column("month", sa.String(7), primary_key=True),
        sa.Column("received", sa.Integer, nullable=False),
        sa.Column("closed", sa.Integer, nullable=False),
        *(
            sa.Column(name, sa.Integer, nullable=True)
            for name in ("followed", "contacted", "solved", "satisfied", "partly", "dissatisfied")
        ),
        *(
            sa.Column(name, sa.Float, nullable=True)
            for name in ("closed_rate", "response_rate", "solved_rate", "satisfied_rate")
        ),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        sa.Column("stored_at", sa.DateTime, nullable=False),
    )


def downgrade() -> None:
    for table in ("month_total", "ticket_outcome", "call_seen"):
        op.drop_table(table)
