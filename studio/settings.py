"""Settings of the studio: one file, driven by the table in ``studio/environment.py``.

Two modes. ``embedded`` needs nothing from outside and keeps all state in one folder. ``production`` refuses to start
without its secret, its hosts, its public address, a PostgreSQL database and a Redis server of its own.
"""

from pathlib import Path

import environ
from csp.constants import NONCE, NONE, SELF
from django.conf import global_settings
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static

from studio.bucket_origins import bucket_origins
from studio.environment import ROOT, kept_secret, read, refuse_unknown_names
from studio.logs import configuration

refuse_unknown_names()

MODE = read("STUDIO_MODE")
if MODE not in ("embedded", "production"):
    raise ImproperlyConfigured(f"STUDIO_MODE is {MODE!r}. It is either embedded or production.")
PRODUCTION = MODE == "production"
TEST_RUN = read("STUDIO_TEST_RUN")
DEBUG = False

BASE_DIR = ROOT
DATA_DIR = Path(read("STUDIO_DATA") or ROOT / "var").expanduser().resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True)
MODELS_DIR = Path(read("STUDIO_MODELS") or DATA_DIR / "models").expanduser().resolve()

if PRODUCTION:
    missing = [
        name
        for name in ("STUDIO_SECRET_KEY", "STUDIO_HOSTS", "STUDIO_URL", "DATABASE_URL", "REDIS_URL")
        if not read(name)
    ]
    if missing:
        raise ImproperlyConfigured(f"Production mode needs {', '.join(missing)}. See docs/operations.md.")

SECRET_KEY = read("STUDIO_SECRET_KEY") or kept_secret(DATA_DIR / "keys" / "secret")
ALLOWED_HOSTS = read("STUDIO_HOSTS") or ["localhost", "127.0.0.1", "[::1]"]
PORT = read("PORT")
# Without a slash at its end: paths are added to it, and browsers name origins without one.
PUBLIC_URL = read("STUDIO_URL").rstrip("/") or f"http://localhost:{PORT}"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

INSTALLED_APPS = [
    "apps.accounts",
    "apps.workspaces",
    "apps.catalog",
    "apps.assets",
    "apps.voices",
    "apps.billing",
    "apps.generations",
    "apps.inference",
    "apps.projects",
    "apps.usage",
    "apps.operations",
    "apps.reviews",
    "apps.desk",
    "apps.api",
    "studio",
    "unfold.apps.BasicAppConfig",
    "apps.operations.apps.StudioAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "template_partials",
    "csp",
]

MIDDLEWARE = [
    "studio.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "apps.accounts.second_factor.StaffSecondFactorMiddleware",
    "apps.operations.visiting.VisitMiddleware",
    "apps.workspaces.activity.OriginMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "studio.middleware.PartsMiddleware",
    "studio.middleware.SignedOutMiddleware",
    "studio.middleware.RedisAwayMiddleware",
]

ROOT_URLCONF = "studio.urls"
WSGI_APPLICATION = "studio.wsgi.application"

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
                "studio.context.shell",
            ],
        },
    }
]

# --- Data -----------------------------------------------------------------------------------------------------------
if database_url := read("DATABASE_URL"):
    DATABASES = {"default": environ.Env.db_url_config(database_url)}
else:
    # Not as an address, in which #, ? and % of a folder's name mean something: the file would lie somewhere else.
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(DATA_DIR / "studio.sqlite3")}}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Write-ahead log: the web reads while a worker writes. IMMEDIATE: two writers wait for each other at the start of a
    # transaction instead of failing in its middle. 20 s: longer than any of our transactions.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
    if TEST_RUN:
        # In a file, not in memory: the live server and a worker process see the test's rows too.
        DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# `make run` notes the address of the server it started, so that other commands find it too.
REDIS_NOTE = DATA_DIR / "run" / "redis.url"
REDIS_URL = read("REDIS_URL") or (REDIS_NOTE.read_text().strip() if REDIS_NOTE.exists() else "")
if REDIS_URL:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

S3_BUCKET = read("S3_BUCKET")
if S3_BUCKET:
    MEDIA_STORAGE: dict = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": read("S3_ENDPOINT") or None,
            "region_name": read("S3_REGION"),
            "file_overwrite": True,
            "querystring_expire": 3600,
            "max_memory_size": 16 * 1024**2,  # what is read and is larger lies in the temporary folder meanwhile
        },
    }
else:
    MEDIA_STORAGE = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": DATA_DIR / "media", "allow_overwrite": True},
    }
STORAGES = {
    "default": MEDIA_STORAGE,
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if TEST_RUN
        else "studio.static_files.StaticFiles"
    },
}
STATIC_URL = "/static/"
# The theme of /admin/ reads these instead of the site's own attributes.
UNFOLD = {
    "SITE_TITLE": "Lipsync Studio",
    "SITE_HEADER": "Lipsync Studio",
    "SITE_URL": "/staff/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("favicon.svg")}],
}
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS: list[Path | tuple[str, Path]] = [BASE_DIR / "static"]
# Front-end libraries come from package.json and are served as they are, under their own names.
VENDOR_DIR = BASE_DIR / "node_modules"
if VENDOR_DIR.exists():
    STATICFILES_DIRS += [
        (f"vendor/{name}", VENDOR_DIR / path)
        for name, path in (
            ("tus", "tus-js-client/dist"),
            ("idiomorph", "idiomorph/dist"),
        )
        if (VENDOR_DIR / path).exists()
    ]
WHITENOISE_USE_FINDERS = TEST_RUN

UPLOAD_LIMIT = read("STUDIO_UPLOAD_LIMIT")
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024**2
FILE_UPLOAD_TEMP_DIR = DATA_DIR / "tmp"
FILE_UPLOAD_TEMP_DIR.mkdir(parents=True, exist_ok=True)

# --- People ---------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher" if TEST_RUN else "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
# Without a mail server nobody could confirm an address, so the embedded mode lets people in and writes the mail down.
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if PRODUCTION else "optional"
ACCOUNT_ADAPTER = "apps.accounts.adapter.AccountAdapter"
MFA_ADAPTER = "apps.accounts.adapter.MFAAdapter"
USERSESSIONS_ADAPTER = "apps.workspaces.devices.SessionsAdapter"
ACCOUNT_FORMS = {
    "signup": "apps.accounts.forms.SignupForm",
    "login": "apps.accounts.forms.LoginForm",
    "reset_password": "apps.accounts.forms.ResetPasswordForm",
    "add_email": "apps.accounts.forms.AddEmailForm",
    "change_password": "apps.accounts.forms.ChangePasswordForm",
    "set_password": "apps.accounts.forms.SetPasswordForm",
    "reset_password_from_key": "apps.accounts.forms.ResetPasswordKeyForm",
}
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
MFA_FORMS = {
    "authenticate_webauthn": "apps.accounts.forms.PasskeyForm",
    "login_webauthn": "apps.accounts.forms.PasskeyLoginForm",
    "reauthenticate_webauthn": "apps.accounts.forms.PasskeyAgainForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Lipsync Studio"
# Clocks of phones are off by some seconds: the code before and the one after count too.
MFA_TOTP_TOLERANCE = 1
# Browsers offer passkeys over https, and over http on localhost alone, where the embedded mode runs.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
# Without a mail server no address is ever confirmed; a second factor is worth having there too.
MFA_ALLOW_UNVERIFIED_EMAIL = not PRODUCTION
# Staff pages: code or passkey in the session. One's own machine may go without.
STAFF_SECOND_FACTOR = PRODUCTION
# How many people a workspace may have; plans live in a room above that of workspaces.
SEATS_RULE = "apps.billing.plans.seats_of"
SEAT_REFUSAL = "apps.billing.limits.seat_refusal"

if email_url := read("EMAIL_URL"):
    vars().update(environ.Env.email_url_config(email_url))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = DATA_DIR / "mail"

# --- Security -------------------------------------------------------------------------------------------------------
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if PRODUCTION:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
FILE_UPLOAD_HANDLERS = ["studio.form_files.LimitForms", *global_settings.FILE_UPLOAD_HANDLERS]
# Players load films straight from the bucket and uploads go straight there, by signed addresses.
BUCKET = bucket_origins(S3_BUCKET, read("S3_ENDPOINT"), read("S3_REGION"))
# Forms of the billing page lead to pages of Stripe where it takes the payments.
PAYMENT_PAGES = ["https://checkout.stripe.com", "https://billing.stripe.com", "https://invoice.stripe.com"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:", "blob:", *BUCKET],
        "media-src": [SELF, "blob:", *BUCKET],
        "connect-src": [SELF, *BUCKET],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF, *(PAYMENT_PAGES if read("STUDIO_PAYMENTS") == "stripe" else [])],
        "frame-ancestors": [NONE],
    }
}

# --- Work -----------------------------------------------------------------------------------------------------------
BILLING = read("STUDIO_BILLING")
PAYMENTS = read("STUDIO_PAYMENTS")
if PAYMENTS not in ("manual", "stripe"):
    raise ImproperlyConfigured(f"STUDIO_PAYMENTS is {PAYMENTS!r}. It is either manual or stripe.")
STRIPE_KEY = read("STUDIO_STRIPE_KEY")
STRIPE_WEBHOOK_SECRET = read("STUDIO_STRIPE_WEBHOOK_SECRET")
STRIPE_PRICES = read("STUDIO_STRIPE_PRICES")
INVOICE_ISSUER = read("STUDIO_INVOICE_ISSUER")
INVOICE_ISSUER_COUNTRY = read("STUDIO_INVOICE_COUNTRY").upper()
INVOICE_ISSUER_VAT = read("STUDIO_INVOICE_VAT")
INVOICE_PREFIX = read("STUDIO_INVOICE_PREFIX")
INVOICE_DAYS = read("STUDIO_INVOICE_DAYS")
TAX_PERMILLE = round(read("STUDIO_TAX_PERCENT") * 10)
COMPUTE_HOUR_MICROS = round(read("STUDIO_COMPUTE_HOUR") * 1_000_000)
INFERENCE_BACKENDS = read("STUDIO_BACKENDS")
ONNX_FILE, ONNX_DEVICE = read("STUDIO_ONNX_FILE"), read("STUDIO_ONNX_DEVICE")
if ONNX_DEVICE not in ("cpu", "cuda"):
    raise ImproperlyConfigured(f"STUDIO_ONNX_DEVICE is {ONNX_DEVICE!r}. It is either cpu or cuda.")
REMOTE_URL, REMOTE_KEY = read("STUDIO_REMOTE_URL"), read("STUDIO_REMOTE_KEY")
VOICE_PROVIDERS = read("STUDIO_VOICES")
ELEVENLABS_URL = read("STUDIO_ELEVENLABS_URL")
# Guarded fetching from addresses that others name; it lives in a room above that of the backends.
FETCHER = "apps.api.fetching.fetch"
RESUME_HOURS = read("STUDIO_RESUME_HOURS")
RESUME_BYTES = read("STUDIO_RESUME_BYTES")
CELERY_BROKER_URL = REDIS_URL or "redis://127.0.0.1:6379/0"
CELERY_RESULT_BACKEND = CELERY_BROKER_URL
CELERY_RESULT_EXPIRES = 24 * 3600
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "cpu"
# Where rendering waits: on this machine's cores, on a graphics card, or for another machine. What is short and mostly
# waits for disks and networks goes to io, which workers of its own serve: it must never stand behind a film. Fetching
# from addresses that others name goes to fetch: a slow server, which may take a quarter of an hour, holds up nobody
# but those who fetch.
RENDER_QUEUES = ("cpu", "gpu", "remote")
QUEUES = (*RENDER_QUEUES, "io", "fetch")
# Of the priorities a queue in Redis has (0, 3, 6, 9) the one that comes when nothing else waits. The footage of a
# hundred clips brought at once takes the better part of an hour: nobody's probe, mail or webhook stands behind that.
GOES_LAST = 9
CELERY_TASK_ROUTES = {
    "inference.prepare": {"queue": "cpu"},
    "inference.look": {"queue": "cpu"},
    "inference.plan": {"queue": "cpu"},
    "inference.encode_sound": {"queue": "cpu"},
    "inference.render_chunk": {"queue": "cpu"},  # or where the engine of the model renders
    "inference.assemble": {"queue": "cpu"},
    "inference.check_long_footage": {"queue": "cpu"},
    "inference.check_footage": {"queue": "io", "priority": GOES_LAST},
    "inference.*": {"queue": "io"},
    "accounts.*": {"queue": "io"},
    "assets.*": {"queue": "io"},
    "generations.*": {"queue": "io"},
    "api.admit": {"queue": "fetch"},
    "api.*": {"queue": "io"},
    "desk.fetch_file": {"queue": "fetch"},
    "desk.*": {"queue": "io"},
    "billing.*": {"queue": "io"},
    "usage.*": {"queue": "io"},
    "voices.*": {"queue": "io"},  # speaking goes where its provider says
}
# Longer than the longest step (hard limit one hour), or Redis would hand a running step to a second worker.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 2 * 3600}
CELERY_TASK_TIME_LIMIT = 3600
CELERY_TASK_SOFT_TIME_LIMIT = 3300
# On a stop a worker goes on for this long, then hands its step back to the queue.
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 8
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = False
CELERY_WORKER_MAX_TASKS_PER_CHILD = 50
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "studio.clock:Scheduler"
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "run" / "beat")
CELERY_BEAT_SCHEDULE = {
    "hand out waiting takes": {"task": "generations.dispatch", "schedule": 5.0, "options": {"expires": 5}},
    "sweep lost work": {"task": "inference.sweep", "schedule": 60.0},
    "remove analyses of removed files": {"task": "inference.clean_analyses", "schedule": 3600.0},
    "webhooks of the API": {"task": "api.webhooks", "schedule": 5.0, "options": {"expires": 10}},
    "batches of the studio": {"task": "desk.go_on", "schedule": 10.0, "options": {"expires": 20}},
    "batches of the API": {"task": "api.batches", "schedule": 10.0, "options": {"expires": 20}},
    "renewals and invoices": {"task": "billing.daily", "schedule": 3600.0},
    "storage of the day": {"task": "usage.storage", "schedule": 3600.0},
    "messages of the payment provider": {"task": "billing.catch_up", "schedule": 3600.0},
    "sweep lost calls of the API": {"task": "api.sweep", "schedule": 300.0},
    "take up lost texts": {"task": "voices.sweep", "schedule": 60.0},
    "settle lost uploads": {"task": "assets.settle_lost", "schedule": 600.0},
    "forget stale uploads": {"task": "assets.forget_stale_uploads", "schedule": 3600.0},
    "remove old exports of accounts": {"task": "accounts.remove_old_exports", "schedule": 6 * 3600.0},
    "remove files of closed workspaces": {"task": "assets.remove_closed", "schedule": 6 * 3600.0},
    "remove deleted files": {"task": "assets.remove_deleted", "schedule": 6 * 3600.0},
}

METRICS_TOKEN = read("STUDIO_METRICS_TOKEN")

# --- API ------------------------------------------------------------------------------------------------------------
API_CREATES_PER_MINUTE = read("STUDIO_API_CREATES")
API_REQUESTS_PER_MINUTE = read("STUDIO_API_REQUESTS")
PRIVATE_URLS = read("STUDIO_PRIVATE_URLS")
PROXIES = ALLAUTH_TRUSTED_PROXY_COUNT = read("STUDIO_PROXIES")

# --- Language, time, logs -------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
if read("STUDIO_LOG") not in ("lines", "json"):
    raise ImproperlyConfigured(f"STUDIO_LOG is {read('STUDIO_LOG')!r}. It is either lines or json.")
LOG_AS_JSON = read("STUDIO_LOG") == "json"
LOGGING = configuration(as_json=LOG_AS_JSON, level="WARNING" if TEST_RUN else "INFO")
