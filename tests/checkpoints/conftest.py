from tests.results.conftest import db, postgres, postgres_url, sqlite_url, url

__all__ = ["db", "postgres", "postgres_url", "sqlite_url", "url"]
