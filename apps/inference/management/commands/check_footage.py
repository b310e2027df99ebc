"""The footage check from the shell: no database, no Redis, no web server needed."""

import json
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.catalog.registry import MODELS
from apps.inference.engine.analysis import FootageAnalysis, analyse_footage
from apps.inference.engine.errors import EngineError
from apps.inference.engine.footage.check import check_footage
from apps.inference.engine.footage.findings import BLOCKING, FootageCheck, clock
from apps.inference.engine.footage.heard import listen
from apps.inference.management.commands.lipsync import BAD_INPUT, Bar, ending_in_words


class Command(BaseCommand):
    help = "Say where VIDEO will be weak and what to do. Exit status: 0 checked, 1 unusable, 2 unreadable, 130 stopped."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("video", type=Path, help="the video that shall speak")
        parser.add_argument("--audio", type=Path, help="the new soundtrack, to be checked with it")
        parser.add_argument("--model", choices=list(MODELS), help="give advice for this model")
        parser.add_argument("--json", action="store_true", help="print the whole result as JSON")

    def handle(self, *args: Any, **given: Any) -> None:
        for path in filter(None, (given["video"], given["audio"])):
            if not path.is_file():
                raise CommandError(f"There is no file {path}.", returncode=BAD_INPUT)
        bar = Bar(sys.stderr)
        with ending_in_words(bar):
            check = self._check(given["video"], given["audio"], bar)
        if given["json"]:
            self.stdout.write(json.dumps(check.to_dict(), indent=2, ensure_ascii=False))
        else:
            self._tell(check, given["model"] or check.suggested_model)
        if any(finding.severity == BLOCKING for finding in check.findings):
            raise CommandError("This footage cannot be lipsynced as it is.", returncode=1)

    def _check(self, video: Path, audio: Path | None, bar: Bar) -> FootageCheck:
        models = settings.MODELS_DIR
        soundtrack = listen(audio, models) if audio else None
        if audio and soundtrack is None:
            raise EngineError(
                "generation_input_audio_invalid", f"The file {audio.name} has no sound.", "Choose another."
            )
        with tempfile.TemporaryDirectory(prefix="check-") as scratch:
            folder = Path(scratch)
            try:
                analyse_footage(video, folder, progress=bar, models=models)
            except EngineError:
                if not (folder / "footage.json").is_file():
                    raise
            footage = FootageAnalysis.load(folder)
            own = listen(video, models, footage.own_sound) if footage.info.acodec else None
            return check_footage(footage, own_sound=own, soundtrack=soundtrack)

    def _tell(self, check: FootageCheck, model: str) -> None:
        people = f"{len(check.people)} {'person' if len(check.people) == 1 else 'people'}"
        self.stdout.write(f"{clock(check.duration_s)}, {check.width}×{check.height}, {check.fps:g} fps, {people}")
        for finding in check.findings:
            at = clock(finding.start_s) + (f"–{clock(finding.end_s)}" if finding.end_s > finding.start_s else "")
            advice = finding.advice.get(model, "")
            self.stdout.write(f"{finding.severity:8}  {at:15}  {finding.reason} {advice}".rstrip())
        if not check.findings:
            self.stdout.write("Nothing stands in the way.")
        self.stdout.write(f"Suggested model: {check.suggested_model}")
