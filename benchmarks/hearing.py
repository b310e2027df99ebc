"""What the ear makes of sounds that are no plain English speech: songs, noise, other languages, long recordings.

    python -m benchmarks.hearing [FOLDER]

FOLDER holds sound files of voices (default: STUDIO_MEDIA_SAMPLES, else ../shared/media). Of each: how much of its loud
part is taken for no speech and the longest such stretch, the spread of the opening, how far the opening under noise
and music, 10 and 5 dB below the voice, follows that of the clean sound, and how far it follows the same sound heard in
one window where the recording is longer than one. Then the share of the clean sound's long pauses that is found under
noise, 30 and 10 dB below the voice, and how much of the sound is told from pauses as before when it is 30 dB quieter.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from apps.inference.engine.faces_in_time import runs
from apps.inference.engine.media.audio import read_mono
from apps.inference.engine.model_files import models_folder
from apps.inference.engine.speech.activity import long_pauses
from apps.inference.engine.speech.analysis import RATE, SpeechAnalysis, SpeechReader
from apps.inference.engine.speech.encoder import EDGE_S, STATE_RATE, WINDOW_S, windows
from apps.inference.engine.speech.mel import SAMPLE_RATE
from apps.inference.engine.speech.training.surroundings import made_music, made_noise

from .footage import ROOT, clips_folder

LOUD_BELOW_DB = 20.0  # under the loud parts: what is quieter is a pause
BELOW_DB = (10.0, 5.0)
PAUSES_BELOW_DB = (30.0, 10.0)
QUIETER = 10 ** (-30 / 20)


def missed(heard: SpeechAnalysis) -> tuple[float, float]:
    """Share of the loud steps taken for no speech, and the longest such stretch in seconds."""
    loud = heard.level_db > np.percentile(heard.level_db, 95) - LOUD_BELOW_DB
    lost = loud & (heard.activity <= 0.5)
    longest = max((last - first for first, last in runs(lost, np.zeros(len(lost), np.int64))), default=0)
    return float(lost.sum() / max(1, loud.sum())), longest / RATE


def under(samples: np.ndarray, made: np.ndarray, below_db: float) -> np.ndarray:
    """``samples`` with ``made`` so many dB below their power."""
    gain = np.sqrt((samples**2).mean() / (made**2).mean()) * 10 ** (-below_db / 20)
    return np.asarray(samples + gain * made, np.float32)


def follows(one: SpeechAnalysis, other: SpeechAnalysis) -> float:
    """Correlation of the opening while somebody speaks in ``one``."""
    spoken = one.activity > 0.5
    return float(np.corrcoef(one.mouth[spoken, 0], other.mouth[spoken, 0])[0, 1])


def pauses_found(one: SpeechAnalysis, other: SpeechAnalysis) -> str:
    """Share of the long pauses of ``one`` that are some in ``other``."""
    pauses = long_pauses(one.activity)
    return f"{long_pauses(other.activity)[pauses].mean():.2f}" if pauses.any() else "–"


def in_one_window(reader: SpeechReader, samples: np.ndarray, heard: SpeechAnalysis) -> float | None:
    """Correlation of the opening with that of each window heard alone, away from where windows meet."""
    spans = windows(len(samples) * STATE_RATE // SAMPLE_RATE)
    if len(spans) < 2:
        return None
    long, alone = [], []
    for start, end, weight in spans:
        sure = np.flatnonzero(weight > 0.999)
        sure = sure[(sure > EDGE_S * RATE) & (sure < (WINDOW_S - EDGE_S) * RATE)]
        part = reader.read(samples[start * SAMPLE_RATE // STATE_RATE : end * SAMPLE_RATE // STATE_RATE])
        long.append(heard.mouth[start + sure, 0])
        alone.append(part.mouth[sure, 0])
    return float(np.corrcoef(np.concatenate(long), np.concatenate(alone))[0, 1])


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hearing", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", nargs="?", help="folder of sounds")
    given = parser.parse_args(arguments)
    folder = Path(given.folder) if given.folder else clips_folder(None).parent
    folder = folder / "audio" if (folder / "audio").is_dir() else folder
    files = [path for path in sorted(folder.glob("*")) if path.suffix in (".wav", ".mp3", ".flac", ".m4a", ".ogg")]
    if not files:
        print(f"There is no sound in {folder}.", file=sys.stderr)
        return 2
    reader = SpeechReader(models_folder(ROOT / "var" / "models"))
    titles = f"{'sound':<32} {'s':>5} {'missed':>7} {'longest':>8} {'spread':>7}"
    titles += f" {'noise 10, 5 dB':>15} {'music 10, 5 dB':>15} {'window':>7} {'pauses 30, 10 dB':>17} {'quieter':>8}"
    print(titles)
    for path in files:
        samples = read_mono(path)
        heard = reader.read(samples)
        share, longest = missed(heard)
        random = np.random.default_rng(0)
        beside = [
            follows(heard, reader.read(under(samples, make(len(samples), random), below)))
            for make in (made_noise, made_music)
            for below in BELOW_DB
        ]
        pauses = [
            pauses_found(heard, reader.read(under(samples, made_noise(len(samples), random), below)))
            for below in PAUSES_BELOW_DB
        ]
        quieter = reader.read((samples * QUIETER).astype(np.float32))
        same = float(((quieter.activity > 0.5) == (heard.activity > 0.5)).mean())
        window = in_one_window(reader, samples, heard)
        print(
            f"{path.name[:32]:<32} {len(samples) / SAMPLE_RATE:5.1f} {100 * share:6.1f}% {longest:7.2f}s "
            f"{heard.mouth[heard.activity > 0.5, 0].std():7.2f} {beside[0]:8.2f} {beside[1]:6.2f} {beside[2]:8.2f} "
            f"{beside[3]:6.2f} {'–' if window is None else format(window, '.4f'):>7} {pauses[0]:>10} {pauses[1]:>6} "
            f"{same:8.2f}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
