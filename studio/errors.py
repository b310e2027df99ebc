"""One family of errors that people meet, with a stable code: pages, the API and the command line say the same words."""


class StudioError(Exception):
    """Something the person can do something about.

    ``code`` is stable and documented, ``message`` says what is so, ``advice`` what to do, ``field`` the input it is
    about (empty: none), ``status`` the HTTP status it answers with.
    """

    def __init__(self, code: str, message: str, advice: str = "", *, field: str = "", status: int = 422) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.advice = advice
        self.field = field
        self.status = status

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()
