"""Correlations are scores too: values reach from -100 to 100 points."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


_OLD, _NEW = "value BETWEEN 0 AND 100", "value BETWEEN -100 AND 100"


def upgrade() -> None:
    _replace(_OLD, _NEW)


def downgrade() -> None:
    """Values below 0 have no place in the older schema: they go."""
    op.execute("DELETE FROM score WHERE value < 0")
    _replace(_NEW, _OLD)


def _replace(old: str, new: str) -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint("ck_score_value", "score", type_="check")
        op.create_check_constraint("ck_score_value", "score", new)
        return
    # SQLite cannot change a constraint: the table is made anew, and views that look at it stand in the way
    views = _schema("view")
    (table,) = (text for name, text in _schema("table") if name == "score")
    for name, _ in views:
        _run(f'DROP VIEW "{name}"')
    _run("ALTER TABLE score RENAME TO score_before")
    _run(table.replace(old, new))
    _run("INSERT INTO score SELECT * FROM score_before")
    _run("DROP TABLE score_before")
    for _, text in views:
        _run(text)


def _schema(kind: str) -> list[tuple[str, str]]:
    query = sa.text("SELECT name, sql FROM sqlite_master WHERE type = :kind")
    return [(name, text) for name, text in op.get_bind().execute(query, {"kind": kind})]


def _run(statement: str) -> None:
    op.get_bind().exec_driver_sql(statement)
