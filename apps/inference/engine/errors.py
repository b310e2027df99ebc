"""Errors of the engine: each says what happened, what to do, and carries a stable code.

The codes are the hosted catalogue's where it has one, so that a caller can show its own translated text.
"""


class EngineError(Exception):
    """Something a person can act on: ``code`` is stable, ``message`` says what is so, ``advice`` what to do."""

    def __init__(self, code: str, message: str, advice: str = "") -> None:
        super().__init__(f"{message} {advice}".strip())
        self.code = code
        self.message = message
        self.advice = advice

    def __reduce__(self) -> tuple[type["EngineError"], tuple[str, str, str]]:
        """Pickle by the three parts, so that the error survives the way back from a worker process."""
        return (type(self), (self.code, self.message, self.advice))


class Cancelled(EngineError):
    """The caller asked to stop."""

    def __init__(
        self,
        code: str = "generation_cancelled",
        message: str = "The run was cancelled.",
        advice: str = "Start it again when you need the result.",
    ) -> None:
        super().__init__(code, message, advice)


def video_invalid(
    message: str, advice: str = "Export the video again as an MP4 with H.264 and upload that."
) -> EngineError:
    """The picture cannot be read."""
    return EngineError("generation_input_video_invalid", message, advice)


def audio_invalid(
    message: str, advice: str = "Export the audio again as WAV, MP3 or M4A and upload that."
) -> EngineError:
    """The sound cannot be read."""
    return EngineError("generation_input_audio_invalid", message, advice)
