"""Lipsync from the shell: no database, no Redis, no web server needed."""

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.catalog.registry import DEFAULT_MODEL, DEFAULT_SYNC_MODE, MODELS, OPTIONS, SYNC_MODES, clean_options
from apps.inference import engine
from apps.inference.backends.base import Render
from apps.inference.backends.native import engine_segments, engine_settings
from apps.inference.management.segment_arguments import SEGMENT, read_segments
from studio.errors import StudioError

BAD_INPUT, INTERRUPTED = 2, 130
STAGES = {
    "read": "Reading footage and following the face",
    "speech": "Listening to the soundtrack",
    "plan": "Planning the mouth",
    "lipsync": "Lipsync",
    "assemble": "Joining picture and sound",
    "proof": "Measuring the result",
}
BAR_WIDTH = 30
DRAW_EVERY_S = 0.1


class Bar:
    """One line per stage on a terminal; on a pipe or in a log only the stages' names."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._live = out.isatty()
        self._stage = ""
        self._drawn_at = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        """The engine's progress callback."""
        fresh = stage != self._stage
        if fresh:
            self.close()
            self._stage = stage
            if not self._live:
                self._out.write(f"{STAGES[stage]}\n")
        if not self._live or (not fresh and done < total and time.monotonic() - self._drawn_at < DRAW_EVERY_S):
            return
        self._drawn_at = time.monotonic()
        share = min(1.0, done / total) if total else 0.0
        bar = "█" * round(share * BAR_WIDTH)
        self._out.write(f"\r{STAGES[stage]:<40} {bar:·<{BAR_WIDTH}} {share:4.0%}")
        self._out.flush()

    def close(self) -> None:
        """End the line of the stage at hand."""
        if self._live and self._stage:
            self._out.write("\n")


@contextmanager
def ending_in_words(bar: Bar) -> Iterator[None]:
    """Whatever ends the work early becomes a sentence and an exit status; the bar's line is ended in any case."""
    try:
        yield
    except engine.EngineError as error:
        bar.close()
        raise CommandError(f"{error} [{error.code}]", returncode=BAD_INPUT) from error
    except OSError as error:
        bar.close()
        reason = error.strerror or error
        raise CommandError(
            f"A file cannot be written: {reason}. Free space or choose another folder.", returncode=BAD_INPUT
        ) from error
    except KeyboardInterrupt as error:
        bar.close()
        raise CommandError("Stopped. Nothing was written.", returncode=INTERRUPTED) from error
    bar.close()


class Command(BaseCommand):
    help = "Make the person in VIDEO speak AUDIO. Exit status: 0 done, 2 an input cannot be used, 130 stopped."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("video", type=Path, help="a video of a person who speaks")
        parser.add_argument("audio", type=Path, help="the new soundtrack: a recording, or a video with sound")
        parser.add_argument("-o", "--output", type=Path, required=True, help="MP4 to write")
        parser.add_argument("--model", default=DEFAULT_MODEL, choices=list(MODELS))
        parser.add_argument("--sync-mode", default=DEFAULT_SYNC_MODE, choices=list(SYNC_MODES))
        parser.add_argument(
            "--option",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help=f"an option of the model, may be repeated: {', '.join(OPTIONS)}",
        )
        parser.add_argument(
            "--segment",
            action="append",
            default=[],
            metavar=SEGMENT,
            help="lipsync only these seconds, by a sound of their own or by AUDIO; may be repeated",
        )
        parser.add_argument(
            "--keep", action="append", default=[], metavar="START-END", help="leave these seconds as they are; the same"
        )
        parser.add_argument("--segments", type=Path, metavar="FILE", help="segments as JSON, see docs/user-guide.md")
        parser.add_argument("--report", type=Path, metavar="FILE", help="write what was measured, as JSON")
        parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same film")

    def handle(self, *args: Any, **given: Any) -> None:
        job = self._job(given)
        inputs = [job.video, job.audio, *(segment.audio for segment in job.segments if segment.audio)]
        check_output(given["output"], *inputs)
        if given["report"]:
            check_output(given["report"], *inputs)
            if given["report"].resolve() == given["output"].resolve():
                raise CommandError(f"{given['report']} is the film's place. Choose another name.", returncode=BAD_INPUT)
        bar = Bar(sys.stderr)
        began = time.monotonic()
        with ending_in_words(bar):
            report = engine.lipsync(
                job.video,
                job.audio,
                given["output"],
                engine_settings(job),
                progress=bar,
                models=settings.MODELS_DIR,
                segments=engine_segments(job),
            )
        if given["report"]:
            given["report"].write_text(json.dumps(report.to_dict(), indent=2) + "\n")
        self._summary(given["output"], report, time.monotonic() - began)

    def _job(self, given: dict[str, Any]) -> Render:
        """The job as asked for; raises ``CommandError`` (2) for a file or an option that cannot be used."""
        for path in (given["video"], given["audio"]):
            if not path.is_file():
                raise CommandError(f"There is no file {path}.", returncode=BAD_INPUT)
        raw = {}
        for pair in given["option"]:
            name, equals, value = pair.partition("=")
            if not equals:
                raise CommandError(f"“{pair}” is no option. Write NAME=VALUE.", returncode=BAD_INPUT)
            raw[name] = value
        try:
            options, unused = clean_options(given["model"], raw)
            segments = read_segments(given["segment"], given["keep"], given["segments"], given["model"])
        except StudioError as error:
            raise CommandError(f"{error} [{error.code}]", returncode=BAD_INPUT) from error
        for sentence in unused:
            self.stderr.write(sentence)
        return Render(
            given["video"], given["audio"], given["model"], given["sync_mode"], options, given["seed"], segments
        )

    def _summary(self, output: Path, report: engine.Report, seconds: float) -> None:
        for warning in report.warnings:
            self.stderr.write(warning["message"])
        self.stdout.write(
            f"{output}: {report.duration_s:.2f} s, {report.frames} frames, "
            f"mouth moved in {report.lipsynced_s:.2f} s, made in {seconds:.1f} s"
        )
        if report.agreement is not None:
            self.stdout.write(f"Agreement of the mouth with the plan: {report.agreement:.2f}")


def check_output(output: Path, *inputs: Path) -> None:
    """Refuse, before any work, an output that cannot be written or that would destroy an input."""
    if not output.parent.is_dir():
        raise CommandError(f"There is no folder {output.parent}.", returncode=BAD_INPUT)
    if output.is_dir() or any(output.exists() and output.samefile(path) for path in inputs):
        raise CommandError(f"{output} is no place for the result. Choose another name.", returncode=BAD_INPUT)
