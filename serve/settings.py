"""Settings of the service, from `YOUSU_*` environment variables; every one has a documented default."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from models.locations import bundle_dir, catalog_dir, data_dir, home_dir


class Settings(BaseSettings):
    """What an engineer may change without touching code."""

    model_config = SettingsConfigDict(env_prefix="YOUSU_")

    host: str = "127.0.0.1"
    """Address to bind; only this machine unless told otherwise."""
    port: int = 8345
    bundle: Path = bundle_dir()
    catalog: Path = catalog_dir()
    data: Path = data_dir()
    home: Path = home_dir()
    database: str = ""
    """SQLAlchemy URL; empty = SQLite in `home`."""
    threads: int = 1
    """Threads of one encoder inference."""
    nothing_to_say: float = 0.5
    """Probability of an invalid call (无效) above which no category is given."""

    record: bool = True
    """Whether hits of entries and unanswered questions (masked) are kept for the desk."""

    @property
    def database_url(self) -> str:
        """The database to use."""
        return self.database or f"sqlite:///{self.home / 'yousu.db'}"
