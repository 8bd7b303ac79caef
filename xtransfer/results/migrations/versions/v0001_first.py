"""The first schema: tables and views."""

from alembic import op

from xtransfer.results.migrations.first_tables import METADATA
from xtransfer.results.migrations.first_views import VIEWS

revision = "v0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    METADATA.create_all(op.get_bind(), checkfirst=False)
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def downgrade() -> None:
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW {name}")
    METADATA.drop_all(op.get_bind(), checkfirst=False)
