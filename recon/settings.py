"""Settings from the environment and .env, prefix TIEOUT_; an empty variable counts as unset."""

from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from recon.errors import BadInput
from recon.tracing import Traces


class Settings(BaseSettings):
    """What a workspace is told from outside. Secrets are SecretStr: they never print."""

    model_config = SettingsConfigDict(
        env_prefix="TIEOUT_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    home: Path = Path(".tieout")
    """The workspace folder: database, lake, vectors, outbox."""
    database_url: SecretStr | None = None
    """None: SQLite in the workspace."""
    chroma_url: str | None = None
    lake_url: str | None = None
    dask_scheduler: str | None = None

    openai_api_key: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("OPENAI_API_KEY", "openai_api_key")
    )
    openai_base_url: str | None = Field(
        default=None, validation_alias=AliasChoices("OPENAI_BASE_URL", "openai_base_url")
    )
    model: str = "gpt-4.1-mini"
    """The chat model's name; used only with a key or a base URL."""
    embedding_model: str | None = None
    model_timeout: float = 30.0
    """Seconds that one call of a live model may take."""
    tokens_per_case: int = 60_000
    """What a live model may cost for one case; past it the deterministic wording stands in."""
    tokens_per_day: int = 5_000_000
    price_in: Decimal | None = None
    """What the live model costs for a million tokens in; None: the trust page counts tokens alone."""
    price_out: Decimal | None = None
    price_currency: str = "USD"

    jira_url: str | None = None
    jira_user: str | None = None
    jira_token: SecretStr | None = None
    jira_project: str | None = None

    smtp_url: SecretStr | None = None
    mail_from: str = "tieout@localhost"
    webhook_secret: SecretStr | None = None
    """Signs every webhook; None: none leaves."""

    auth: Literal["local", "token", "proxy"] = "local"
    proxy_peers: str = ""
    """`proxy`: the addresses or networks, comma-separated, whose X-Forwarded-User is believed. None by default."""
    lease_seconds: float = Field(default=120.0, gt=0)
    """After so long without a sign of life from the server at work, another one takes its run or action up."""
    retention_days: int | None = Field(default=None, ge=1)
    """Chats of closed cases, copies of mails and files of runs go after so many days; None: they stay."""
    upload_mb: int = 4096
    """The largest upload of one run."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    log_format: Literal["text", "json"] = "text"
    traces: Traces = "off"
    """Where spans go: nowhere, to OpenTelemetry, or to LangSmith. Nothing is traced unless this says so."""

    def secrets(self) -> list[str]:
        """Every secret's text, for those who must never show one."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return [v.get_secret_value() for v in values if isinstance(v, SecretStr)]

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    def sqlalchemy_url(self) -> str:
        """The database address in SQLAlchemy's spelling; psycopg 3 for PostgreSQL."""
        if self.database_url is None:
            return f"sqlite:///{self.home / 'tieout.db'}"
        url = self.database_url.get_secret_value()
        for prefix in ("postgresql://", "postgres://"):
            if url.startswith(prefix):
                return "postgresql+psycopg://" + url.removeprefix(prefix)
        return url

    def has_live_model(self) -> bool:
        """True when a key or a compatible server is given; else the offline model speaks."""
        return self.openai_api_key is not None or self.openai_base_url is not None


def read_settings() -> Settings:
    """The settings of this environment; raises BadInput with the variable's name, and never a secret's value."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        variable = name if name.isupper() else f"TIEOUT_{name.upper()}"
        field = Settings.model_fields.get(name)
        secret = field is None or "SecretStr" in str(field.annotation)
        value = "its value" if secret else repr(first["input"])
        msg = f"{variable}: {value} is refused: {first['msg']}; correct it in the environment or in .env"
        raise BadInput(msg) from None
