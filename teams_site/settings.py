"""Settings that run with no environment at all; see the README for the variables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from apps.core import env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("DATA_DIR") or BASE_DIR / "data").expanduser().resolve()

DEBUG = env.flag("DEBUG")
SECRET_KEY = env.secret_key(DATA_DIR)
PUBLIC_URL = os.environ.get("PUBLIC_URL", "").rstrip("/")
SECURE = PUBLIC_URL.startswith("https://")

# On a closed network people come by any name or address of the machine, so by default every host is
# answered; the origin of each write and of each socket is still compared with the host it came to.
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") or ["*"]
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS") or ([PUBLIC_URL] if PUBLIC_URL else [])

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "template_partials",
    "apps.core",
    "apps.teams",
    "apps.messaging",
    "apps.tasks",
    "apps.reviews",
    "apps.claude",
    "apps.api",
    "apps.mcp",
    "apps.live",
]

MIDDLEWARE = [
    "apps.core.middleware.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.core.middleware.PageMessages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.core.middleware.DomainErrors",
]

ROOT_URLCONF = "teams_site.urls"
ASGI_APPLICATION = "teams_site.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "teams_site.frame.frame",
            ],
        },
    },
]

SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA mmap_size=134217728;"
        "PRAGMA cache_size=-16000; PRAGMA temp_store=MEMORY;"
    ),
}
DATABASES = {"default": env.database(f"sqlite:///{DATA_DIR / 'teams.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["ENGINE"] = "apps.core.sqlite"
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = False
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
    # Tests use a file too: an in-memory database has one connection, and concurrency is the point.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = os.environ.get("REDIS_URL", "")
if REDIS_URL:
    # What is published in Redis is heard in all its databases, so sites beside each other, each in
    # a database of its own, would hear each other's news.
    CHANNEL_LAYERS: dict[str, Any] = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL], "prefix": f"teams-{env.redis_database(REDIS_URL)}"},
        }
    }
    CACHES: dict[str, Any] = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
        }
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "OPTIONS": {"MAX_ENTRIES": 20_000},
        }
    }

AUTH_USER_MODEL = "teams.User"
AUTHENTICATION_BACKENDS = ["apps.teams.logins.Accounts"]
SESSION_ENGINE = "apps.teams.logins"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
SESSION_COOKIE_NAME = "teams_session"
CSRF_COOKIE_NAME = "teams_csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = False
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = "default-src 'self'"
# A plain-HTTP address on a closed network is a supported way to run; HTTPS is the proxy's part.
SILENCED_SYSTEM_CHECKS = ["security.W008", "security.W021", "security.W005"]
if not SECURE:
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W012", "security.W016"]

LANGUAGE_CODE = "en"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# No collecting step: files are found at start and served with an ETag and a short life.
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_MAX_AGE = 60
MEDIA_ROOT = DATA_DIR / "artifacts"

MAX_UPLOAD_MB = env.integer("MAX_UPLOAD_MB", default=20, least=1)
MAX_BODY_BYTES = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
FILE_UPLOAD_MAX_MEMORY_SIZE = 512 * 1024

# Calls a second that one token may make for long; ten times as many at once.
API_RATE = env.integer("API_RATE", default=200, least=1)

TEAMS_MAX_MEMBERS = env.integer("TEAMS_MAX_MEMBERS", default=10, least=1)
TEAMS_REQUIRE_PLAN_APPROVAL = env.flag("TEAMS_REQUIRE_PLAN_APPROVAL", default=True)
CLAUDE_HOME = os.environ.get("CLAUDE_HOME", "")
HTTP_THREADS = env.integer("HTTP_THREADS", default=8, least=1)

# No e-mail is sent until a mail server is named.
EMAIL_HOST = os.environ.get("EMAIL_HOST", "")
EMAIL_PORT = env.integer("EMAIL_PORT", default=25, least=1)
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS")
EMAIL_USE_SSL = env.flag("EMAIL_USE_SSL")
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "agent-teams@localhost")

LOG_FORMAT = os.environ.get("LOG_FORMAT", "text")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        "json": {"()": "apps.core.logs.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT if LOG_FORMAT in ("text", "json") else "text",
        }
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "apps": {"level": "INFO"},
        "django.request": {"level": "ERROR"},
        "daphne": {"level": "WARNING"},
    },
}

TRUSTED_ORIGIN_HOSTS = [urlsplit(origin).netloc for origin in CSRF_TRUSTED_ORIGINS]
