"""Three hundred damaged or strange inputs: each must end in a correct film or in an error a person can act on.

    python -m benchmarks.fuzz [--count 300] [--keep FOLDER]

Every input has a number; the same number makes the same input again. Prints a tally, and each input that ended badly.
The exit status is 1 where one did.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path

import av

from apps.inference.engine.model_files import models_folder
from apps.inference.engine.sample import SampleFormat, make_sample
from apps.inference.engine.settings import MODELS
from tests.engine.fuzzing import Engine, check_film, check_pictures, check_refusal
from tests.engine.strange_media import LEGAL, REFUSED, Base, damaged, film, load_base

VIDEOS = {
    "mp4": ("libx264", "yuv420p"), "mkv": ("libx265", "yuv420p"), "webm": ("libvpx", "yuv420p"),
    "avi": ("mpeg4", "yuv420p"), "mov": ("mjpeg", "yuvj420p"), "ts": ("mpeg2video", "yuv420p"), "gif": ("gif", "rgb8"),
}  # fmt: skip
SOUNDS = {"mp3": "libmp3lame", "m4a": "aac", "flac": "flac", "ogg": "libopus", "wav": "pcm_s16le", "mka": "vorbis"}


def containers(base: Base, at: Path) -> tuple[list[Path], list[Path]]:
    """The good clip and the good sound in every container and codec that is damaged."""
    videos = [
        film(at / f"good.{ending}", base.frames, fps=Fraction(25), codec=codec, pix_fmt=pix_fmt)
        for ending, (codec, pix_fmt) in VIDEOS.items()
    ]
    return videos, [recoded(base.sound, at / f"good.{ending}", codec) for ending, codec in SOUNDS.items()]


def recoded(sound: Path, path: Path, codec: str) -> Path:
    """The same sound as another kind of file."""
    with av.open(str(sound)) as given, av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=48_000, layout="stereo")
        if codec == "vorbis":
            stream.codec_context.options = {"strict": "experimental"}
        resampler = av.AudioResampler(stream.format.name, "stereo", 48_000, stream.frame_size or 1024)
        for frame in [*given.decode(audio=0), None]:
            for part in resampler.resample(frame):
                out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return path


def made(number: int, base: Base, at: Path, goods: tuple[list[Path], list[Path]]) -> tuple[str, Path, Path]:
    """Input ``number``: its kind and its two files. The strange ones come first, then damage."""
    strange = {**LEGAL, **REFUSED}
    if number < len(strange):
        name = sorted(strange)[number]
        return name, *strange[name](base, at)
    return "damage", *damaged(base, at, number, *goods)


def ended(engine: Engine, kind: str, video: Path, sound: Path, out: Path, model: str) -> str:
    """ "film", "error", or what went wrong, in capitals."""
    try:
        ending = engine(video, sound, out, model)
    except TimeoutError:
        return "HANG"
    except Exception as error:
        return f"CRASH {type(error).__name__}: {error}"
    try:
        if ending.code:
            check_refusal(ending)
            assert not out.exists(), "an error and a film"
            assert kind not in LEGAL, f"refused: {ending.message}"
            return "error"
        check_film(out)
        check_pictures(video, out)
        assert kind not in REFUSED, "was not refused"
    except (AssertionError, av.error.FFmpegError) as fault:
        return f"GARBAGE {' '.join(str(fault).split())[:200]}"
    return "film"


def main() -> int:
    """Run them all."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--count", type=int, default=300)
    words.add_argument("--first", type=int, default=0, help="number of the first input")
    words.add_argument("--keep", type=Path, help="keep the inputs that ended badly here")
    given = words.parse_args()
    models = models_folder(Path(__file__).parents[1] / "var" / "models")
    os.environ["STUDIO_MODELS"] = str(models)
    tally: Counter[str] = Counter()
    slowest, began = 0.0, time.monotonic()
    engine = Engine()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        folder = Path(scratch)
        sample = make_sample(folder, models, SampleFormat(size=200, seconds=0.72))
        base = load_base(sample.video, sample.new_line, 18)
        goods = containers(base, folder)
        for number in range(given.first, given.first + given.count):
            at = folder / str(number)
            at.mkdir()
            kind, video, sound = made(number, base, at, goods)
            started = time.monotonic()
            result = ended(engine, kind, video, sound, at / "out.mp4", random.Random(number).choice(MODELS))
            slowest = max(slowest, time.monotonic() - started)
            tally[result.split()[0]] += 1
            if result not in ("film", "error"):
                print(f"{number} {kind} ({video.name}, {sound.name}): {result}", flush=True)
                if given.keep:
                    shutil.copytree(at, given.keep / str(number), dirs_exist_ok=True)
            shutil.rmtree(at)
    engine.stop()
    bad = sum(count for name, count in tally.items() if name not in ("film", "error"))
    seconds = time.monotonic() - began
    print(f"{given.count} inputs in {seconds:.0f} s, the slowest {slowest:.1f} s")
    print(f"{tally['film']} films, {tally['error']} clear errors, {tally['CRASH']} crashes, {tally['HANG']} hangs, "
          f"{tally['GARBAGE']} garbage")  # fmt: skip
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
