"""Settings of the service, from `YOUSU_*` environment variables and one TOML file; every one says what it does."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from models.locations import (
    bundle_dir,
    catalog_dir,
    config_file,
    current_version,
    data_dir,
    home_dir,
    shipped_bundle_dir,
)

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Settings(BaseSettings):
    """What an engineer may change without touching code; the environment wins over the file."""

    model_config = SettingsConfigDict(env_prefix="YOUSU_", extra="ignore")

    # where things are
    host: str = Field("127.0.0.1", description="监听地址;默认只限本机,未启用密钥时不许改为外部地址")
    port: int = Field(8345, ge=0, le=65535, description="端口")
    bundle: Path = Field(default_factory=bundle_dir, description="模型包文件夹,或指向它的链接")
    catalog: Path = Field(default_factory=catalog_dir, description="目录文件夹")
    data: Path = Field(default_factory=data_dir, description="随程序附带的数据文件夹")
    home: Path = Field(default_factory=home_dir, description="程序写入的文件夹:数据库、索引")
    database: str = Field("", description="SQLAlchemy 数据库地址;空则用 home 下的 SQLite")
    vectors: Literal["faiss", "pgvector"] = Field(
        "faiss", description="条目向量的引擎:faiss = 本进程内存;pgvector = PostgreSQL(可分布到多台机器)"
    )
    vectors_database: str = Field("", description="pgvector 所用 PostgreSQL 的地址;空则用 YOUSU_DATABASE")
    # what predicts
    threads: int = Field(1, ge=1, description="一次编码所用的线程数")
    nothing_to_say: float = Field(0.5, ge=0, le=1, description="“无效”概率高于此值时不给分类")
    similar_limit: int = Field(200_000, ge=0, description="相似工单检索最多装入多少件最近的工单")
    # who may do what
    auth: Literal["auto", "on", "off"] = Field(
        "auto", description="访问控制:auto = 建了第一把密钥就启用;on = 始终启用;off = 不启用,只能监听本机"
    )
    embed_origins: str = Field("", description="可嵌入坐席面板的来源,如 https://hotline.example.gov.cn;多个用逗号隔开")
    session_hours: float = Field(10.0, gt=0, description="页面登录的有效小时数")
    cookie_secure: bool = Field(
        False, description="登录 Cookie 是否只走 HTTPS;有 TLS 时设为 true,面板要嵌入别的网站并登录时必须为 true"
    )
    default_rate: int = Field(1200, ge=1, description="每把密钥每分钟的调用上限,建密钥时可另定;按进程计")
    oidc_issuer: str = Field("", description="OIDC 颁发者地址;空则不接受其令牌")
    oidc_audience: str = Field("yousu", description="OIDC 令牌的受众")
    oidc_jwks: str = Field("", description="OIDC 公钥地址;空则为 颁发者/.well-known/jwks.json")
    oidc_role_claim: str = Field("roles", description="OIDC 令牌里写角色的字段")
    # limits
    max_in_flight: int = Field(24, ge=1, description="同时处理的请求数;超过即回 429 与 Retry-After")
    max_batches: int = Field(2, ge=1, description="同时进行的批量任务数;超过即回 429")
    body_limit: int = Field(2_000_000, ge=1000, description="请求体最多字节数")
    batch_body_limit: int = Field(200_000_000, ge=1000, description="批量任务请求体最多字节数")
    import_body_limit: int = Field(20_000_000, ge=1000, description="导入文件最多字节数")
    import_timeout: float = Field(300.0, gt=0, description="检查并存入一个导入文件最多秒数")
    desk_timeout: float = Field(60.0, gt=0, description="看板统计、条目体检、命中测试一次最多秒数")
    request_timeout: float = Field(10.0, gt=0, description="一次请求(含收请求体)最多秒数;批量任务不限")
    encoder_batch: int = Field(4, ge=1, description="并发来电合并编码时一批最多几条")
    encoder_cache: int = Field(4096, ge=0, description="记住最近多少条文字的向量")
    # running
    workers: int = Field(1, ge=1, description="进程数;各进程经数据库保持一致")
    reload_seconds: float = Field(2.0, gt=0, description="每隔几秒查看条目、工单、密钥和模型包是否有变")
    shutdown_seconds: int = Field(10, ge=0, description="停止时最多等几秒让在办的请求办完")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="日志级别")
    log_requests: bool = Field(True, description="是否为每次请求写一行日志(不含来电文字)")
    otel_endpoint: str = Field(
        "", description="OpenTelemetry 收集器地址(OTLP/HTTP),如 http://127.0.0.1:4318;空则不发送,需附加依赖 otel"
    )
    retention_days: int = Field(
        180, ge=1, description="反馈、工单、来电与未答问题保存天数,`yousu retention apply` 据此删除"
    )
    backup_days: int = Field(30, ge=1, description="备份保存天数;备份里的内容因此最多再留这么久")

    # insight
    utc_offset: float = Field(8.0, ge=-12, le=14, description="与 UTC 相差的小时数;条目有效与看板按本地日算")
    satisfaction_of: Literal["followed", "decided"] = Field(
        "followed", description="满意率的分母:followed = 回访有效件;decided = 满意 + 基本满意 + 不满意"
    )
    satisfaction_partly: float = Field(0.6, ge=0, le=1, description="“基本满意”折算为几件满意;须由热线书面确认")
    event_days: int = Field(3, ge=1, description="几天内的同一事由可提议并为一个事件")
    event_callers: int = Field(3, ge=2, description="至少几位不同来电人(不知来电人时为几件)才提议为事件")
    repeat_days: int = Field(7, ge=1, description="同一来电人几天内就同一事由再次来电算重复")
    watch_alpha: float = Field(0.001, gt=0, lt=0.5, description="一格(一个小区一类事项)误报突增的概率上限")
    watch_least: int = Field(5, ge=1, description="一周内少于几件不报突增")

    record: bool = Field(True, description="是否记下条目命中与未答的问题(已脱敏),供知识台使用")
    """Whether hits of entries and unanswered questions (masked) are kept for the desk."""

    @property
    def bundle_now(self) -> Path:
        """The folder of the bundle to use now: the one that was set, else the promoted one, else the shipped one."""
        if "bundle" in self.model_fields_set:
            return self.bundle
        version = current_version(self.home / "bundles")
        return self.home / "bundles" / version if version else shipped_bundle_dir()

    def today(self) -> datetime.date:
        """Return the day in the city's time, whatever the clock of the machine is set to."""
        return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=self.utc_offset)).date()

    @property
    def database_url(self) -> str:
        """The database to use."""
        return self.database or f"sqlite:///{self.home / 'yousu.db'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file that `YOUSU_CONFIG` names (or `yousu.toml` in `home`)."""
        file = config_file()
        sources: tuple[PydanticBaseSettingsSource, ...] = (init_settings, env_settings)
        return (*sources, TomlConfigSettingsSource(settings_cls, file)) if file.is_file() else sources


def table(settings: Settings) -> list[tuple[str, str, str, str]]:
    """Return (environment variable, value now, default, meaning) of every setting; a database password is hidden."""
    rows = []
    for name, field in Settings.model_fields.items():
        value = str(getattr(settings, name))
        if name in ("database", "vectors_database") and "@" in value:
            value = "…@" + value.rsplit("@", 1)[1]
        default = str(field.get_default(call_default_factory=True))
        rows.append((f"YOUSU_{name.upper()}", value, default, field.description or ""))
    return rows
