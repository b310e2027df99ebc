"""How static files are stored for serving: compressed, named by their content, imports between our scripts included."""

from whitenoise.storage import CompressedManifestStaticFilesStorage

IMPORT = (r"""(?P<matched>from\s*"(?P<url>\./[\w-]+\.js)";)""", 'from "%(url)s";')


class StaticFiles(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage that also rewrites ``import … from "./other.js";`` in the studio's own modules.

    Without it a page would load a module twice, once under its hashed name from the page and once under its plain name
    from another module, and every listener of it would run twice. Django's own switch for this looks into every
    package's scripts and stumbles over examples in their comments.
    """

    patterns = (*CompressedManifestStaticFilesStorage.patterns, ("js/*.js", (IMPORT,)))
