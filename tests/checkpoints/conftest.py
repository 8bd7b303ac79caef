from tests.results.conftest import db, sqlite_url, url

__all__ = ["db", "sqlite_url", "url"]
