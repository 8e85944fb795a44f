"""Django's settings, all of them made from the configuration; see `doorward.desk.configuration`."""

from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from psycopg.conninfo import conninfo_to_dict

from doorward.desk.configuration import current
from doorward.desk.entrance.sessions import LONGEST

DESK = current()
_PLACE = {key: str(value) for key, value in conninfo_to_dict(DESK.conninfo).items() if value is not None}

SECRET_KEY = DESK.secret or "no desk runs with this"
DEBUG = False
ALLOWED_HOSTS = sorted({urlsplit(origin).hostname or "" for origin in DESK.origins})
CSRF_TRUSTED_ORIGINS = list(DESK.origins)
ROOT_URLCONF = "doorward.desk.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "doorward.desk.app.Desk",  # first: its pages stand before those of allauth
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "doorward.desk.middleware.CookielessMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "doorward.desk.middleware.ActorMiddleware",
    "doorward.desk.middleware.StrangerMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "doorward.desk.context.desk",
            ],
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql" if DESK.conninfo else "django.db.backends.dummy",
        "NAME": _PLACE.pop("dbname", ""),
        "USER": _PLACE.pop("user", ""),
        "PASSWORD": _PLACE.pop("password", ""),
        "HOST": _PLACE.pop("host", ""),
        "PORT": _PLACE.pop("port", ""),
        "OPTIONS": dict(_PLACE),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,  # an action says itself where it begins, and what is recorded in it
    }
}

# Counts of failures and codes that were used: in the database, so that all threads and a restart agree on them. What is
# counted, an address or a login, stands there as a digest.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "sign_in_count",
        "KEY_FUNCTION": "doorward.desk.entrance.counts.make_key",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
AUTH_USER_MODEL = "desk.Account"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["login"]},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "doorward.desk.entrance.adapters.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "doorward.desk.entrance.adapters.ProviderAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = "login"
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
# A building comes from one address. Failures are counted by login and address (see `entrance.adapters`), so nobody is
# kept out by who fails elsewhere; the numbers by address alone only bound how many logins are tried from one.
ACCOUNT_RATE_LIMITS = {"login": "120/m/ip", "login_failed": "5/15m/key,60/15m/ip"}
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
SOCIALACCOUNT_AUTO_SIGNUP = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "provider_class": "doorward.desk.entrance.provider.CityProvider",
        "OAUTH_PKCE_ENABLED": True,
        "APPS": []
        if DESK.provider is None
        else [
            {
                "provider_id": "city",
                "name": "the city's sign-in",
                "client_id": DESK.provider.client,
                "secret": DESK.provider.secret,
                "settings": {"server_url": DESK.provider.issuer, "token_auth_method": "client_secret_basic"},
            }
        ],
    }
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "doorward desk"
MFA_TOTP_TOLERANCE = 1
MFA_ADAPTER = "doorward.desk.entrance.factors.FactorAdapter"
MFA_RATE_LIMITS = {"webauthn_login": "120/m/ip"}
MFA_FORMS = {
    "authenticate": "doorward.desk.entrance.factors.CodeForm",
    "reauthenticate": "doorward.desk.entrance.factors.CodeAgainForm",
    "activate_totp": "doorward.desk.entrance.factors.CodeFirstForm",
    "add_webauthn": "doorward.desk.entrance.factors.NewPasskeyForm",
    "login_webauthn": "doorward.desk.entrance.factors.PasskeyForm",
}
PASSWORD_RESET_TIMEOUT = 24 * 3600  # of the address for a first password; there is no reset by mail

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = int(LONGEST.total_seconds())  # `doorward.desk.entrance.sessions` ends them
# With this prefix a browser takes the cookie from this host alone, over HTTPS, for every path (RFC 6265bis, 4.1.3.2).
SESSION_COOKIE_NAME = "__Host-desk" if DESK.is_encrypted else "desk"
CSRF_COOKIE_NAME = "__Host-desk-form" if DESK.is_encrypted else "desk-form"
CSRF_COOKIE_SAMESITE = "Lax"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = DESK.is_encrypted
CSRF_COOKIE_HTTPONLY = True
# Not with a certificate of our own making: a browser told to insist refuses the desk for a year, without a way past,
# once the certificate is renewed by somebody else or the phone forgets it.
SECURE_HSTS_SECONDS = 31_536_000 if DESK.is_encrypted and not DESK.self_made else 0
SECURE_REFERRER_POLICY = "same-origin"  # with none, browsers send forms from an origin `null`
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 5
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_048_576

STATIC_URL = "/static/"
STATIC_ROOT = DESK.data / "run" / "desk-static"
STORAGES = {
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
LANGUAGE_CODE = "en-us"
USE_I18N = True
USE_TZ = True
TIME_ZONE = DESK.time_zone
LOGGING_CONFIG = (
    None  # no request, form or address is logged; `doorward.desk.serve` says what is worth saying
)
