"""Every environment variable the studio reads, with its type and default, in one table.

A name that starts with ``STUDIO_`` and is not in the table stops the start: a misspelt setting must not be ignored.
``docs/operations.md`` documents each row; a test keeps the two in step.
"""

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Variable:
    """One environment variable: its type, its default where there is one, and what it decides."""

    kind: type
    default: object
    meaning: str


VARIABLES: dict[str, Variable] = {
    "STUDIO_MODE": Variable(str, "embedded", "embedded (one machine, all parts inside) or production"),
    "STUDIO_DATA": Variable(str, str(ROOT / "var"), "folder that holds all state: database, media, models, keys"),
    "STUDIO_SECRET_KEY": Variable(str, "", "signing key; made and kept in STUDIO_DATA when embedded"),
    "STUDIO_HOSTS": Variable(list, [], "host names the studio answers to, separated by commas"),
    "STUDIO_URL": Variable(str, "", "public address, used in links and checked as origin of forms"),
    "STUDIO_BILLING": Variable(bool, False, "charge for generations; off shows every price as zero"),
    "STUDIO_PAYMENTS": Variable(str, "manual", "how invoices are paid: manual (staff note payments) or stripe"),
    "STUDIO_STRIPE_KEY": Variable(str, "", "secret key of the Stripe account"),
    "STUDIO_STRIPE_WEBHOOK_SECRET": Variable(str, "", "signing secret of the webhook that Stripe sends to /stripe/"),
    "STUDIO_STRIPE_PRICES": Variable(dict, {}, "Stripe price per plan, as plan=price pairs; seat: of a seat"),
    "STUDIO_INVOICE_ISSUER": Variable(str, "Lipsync Studio", "name and address on invoices, lines separated by |"),
    "STUDIO_INVOICE_COUNTRY": Variable(str, "", "country of the issuer, two letters; decides which buyers pay tax"),
    "STUDIO_INVOICE_VAT": Variable(str, "", "VAT number of the issuer"),
    "STUDIO_INVOICE_PREFIX": Variable(str, "LS", "what stands before the number of an invoice"),
    "STUDIO_INVOICE_DAYS": Variable(int, 14, "days until an invoice has to be paid"),
    "STUDIO_TAX_PERCENT": Variable(float, 0.0, "tax on invoices to buyers of the issuer's country, in percent"),
    "STUDIO_COMPUTE_HOUR": Variable(float, 0.5, "dollars an hour of work costs, for margins on the staff's pages"),
    "STUDIO_UPLOAD_LIMIT": Variable(int, 5 * 1024**3, "largest upload in bytes, before the plan's own limit"),
    "STUDIO_WORKERS": Variable(int, 0, "worker processes that `make run` starts; 0 takes one per core"),
    "STUDIO_QUEUES": Variable(
        list, ["cpu", "io", "fetch"], "queues that `manage.py worker` serves: cpu, gpu, remote, io, fetch"
    ),
    "STUDIO_LOG": Variable(str, "lines", "lines for people, or json: one object for each event"),
    "STUDIO_METRICS_TOKEN": Variable(str, "", "bearer token that may read /metrics; empty: staff alone"),
    "STUDIO_MODELS": Variable(str, "", "folder of unpacked face and speech nets; empty: STUDIO_DATA/models"),
    "STUDIO_API_CREATES": Variable(int, 100, "generations a minute that one API key may ask for"),
    "STUDIO_API_REQUESTS": Variable(int, 600, "other API requests a minute for one key"),
    "STUDIO_PROXIES": Variable(int, 0, "proxies of ours in front whose X-Forwarded-For is believed"),
    "STUDIO_PRIVATE_URLS": Variable(bool, False, "fetch inputs from and send webhooks to private networks and http"),
    "STUDIO_RESUME_HOURS": Variable(int, 24, "how long drawn pieces of a take that ended are kept"),
    "STUDIO_RESUME_BYTES": Variable(int, 5 * 1024**3, "how much such pieces may occupy in all, in bytes"),
    "STUDIO_BACKENDS": Variable(dict, {}, "engine per model, as model=backend pairs; native where not named"),
    "STUDIO_TEST_RUN": Variable(bool, False, "set by the test suite only: fast password hashes, plain static names"),
    "STUDIO_MEDIA_SAMPLES": Variable(str, "", "folder of real clips for tests and benchmarks"),
    "STUDIO_FUZZ_INPUTS": Variable(int, 0, "number of damaged inputs the engine's fuzz test makes; 0: its default"),
    "STUDIO_ONNX_FILE": Variable(str, "", "a generator with Wav2Lip's interface, for the backend onnx"),
    "STUDIO_ONNX_DEVICE": Variable(str, "cpu", "cpu or cuda, for the backend onnx"),
    "STUDIO_REMOTE_URL": Variable(str, "", "API address of another studio or the hosted product: backend remote"),
    "STUDIO_REMOTE_KEY": Variable(str, "", "API key there"),
    "STUDIO_VOICES": Variable(list, ["local", "elevenlabs"], "providers of voices for spoken text, in their order"),
    "STUDIO_ELEVENLABS_URL": Variable(str, "https://api.elevenlabs.io", "address of ElevenLabs, or of a region of it"),
    "DATABASE_URL": Variable(str, "", "PostgreSQL or SQLite address; empty: SQLite in STUDIO_DATA"),
    "REDIS_URL": Variable(str, "", "Redis address; empty: the server that `make run` starts"),
    "EMAIL_URL": Variable(str, "", "mail server address; empty: mails are written to STUDIO_DATA/mail"),
    "S3_BUCKET": Variable(str, "", "bucket for media; empty: local disk in STUDIO_DATA/media"),
    "S3_ENDPOINT": Variable(str, "", "address of an S3-compatible store; empty: Amazon's"),
    "S3_REGION": Variable(str, "us-east-1", "region of the bucket"),
    "PORT": Variable(int, 8000, "port the web server listens on"),
}


def read(name: str):
    """Value of one variable of the table, converted to its type; spaces around the parts of a list do not count.

    Raises ``ImproperlyConfigured`` naming the variable when the value does not convert.
    """
    variable = VARIABLES[name]
    # Read here and not by the library, to which a key that begins with $ is the name of another variable.
    text = os.environ.get(name)
    if text is None:
        return variable.default
    try:
        if variable.kind is bool:
            return switched_on(text)
        value = environ.Env.parse_value(text, variable.kind)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is not a valid {variable.kind.__name__}: {error}") from error
    if variable.kind is list:
        return [part.strip() for part in value if part.strip()]
    if variable.kind is dict:
        return {key.strip(): part.strip() for key, part in value.items()}
    return value


def switched_on(text: str) -> bool:
    """A switch's value; the library takes every word it does not know for off, also a misspelt one."""
    word = text.strip().lower()
    if word in ("true", "on", "ok", "y", "yes", "1"):
        return True
    if word in ("false", "off", "no", "n", "0", ""):
        return False
    raise ValueError(f"{text!r} is neither on nor off")


def name_places_in_full() -> None:
    """Write the places that settings name into the environment as they are seen from the folder we are in.

    For a command that goes to another folder and starts the studio's processes there.
    """
    for name in ("STUDIO_DATA", "STUDIO_MODELS", "STUDIO_ONNX_FILE"):
        if given := os.environ.get(name):
            os.environ[name] = str(Path(given).expanduser().resolve())


def refuse_unknown_names() -> None:
    """Stop on a ``STUDIO_`` variable that no row of the table names."""
    unknown = sorted(name for name in os.environ if name.startswith("STUDIO_") and name not in VARIABLES)
    if unknown:
        known = ", ".join(name for name in VARIABLES if name.startswith("STUDIO_"))
        raise ImproperlyConfigured(f"Unknown setting {', '.join(unknown)}. Known are: {known}.")


def kept_secret(path: Path, size: int = 48) -> str:
    """Secret of the embedded mode of ``size`` random bytes: made once, readable by the owner alone, then the same."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written whole under another name and then linked, which only one process can do: of two that start at once,
        # neither reads half a secret and both end with the same one.
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(size))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text().strip()
