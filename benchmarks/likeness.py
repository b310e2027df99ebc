"""How well people are told apart by their looks: tracks of 1.2 s, each compared with each.

    python -m benchmarks.likeness FOLDER [FOLDER ...] [--same bbaf2n=s1,id2=pwij3p] [--most 10]

FOLDERs hold clips of one person each; who is in a clip is told by its name up to the first underscore, and ``--same``
names what is one person all the same. **Missed** are pairs of one person's tracks taken for two people, **mistaken**
pairs of two people's taken for one; "lit" has every track in another light. In turn: four tracks each of two people,
joined as after cuts. A minute for seventy clips.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from apps.inference.engine.face.appearance import Appearance, describe, likeness
from apps.inference.engine.face.landmarks import EYE_CORNERS
from apps.inference.engine.face.people import LOOKS_EVERY, Head, PeopleTracker
from apps.inference.engine.face.picture import Picture
from apps.inference.engine.media.video_reader import VideoReader
from apps.inference.engine.model_files import models_folder
from apps.inference.engine.people import SAME_PERSON, FaceRows, people_of

from .faces import SUFFIXES
from .footage import ROOT

TRACK, FRAMES, IN_TURN = 30, 250, 4  # frames of a track and of a clip, tracks of each person


def looks_of(video: Path, models: Path) -> Iterator[Appearance]:
    """What the largest face looks like over each track of the clip."""
    tracker, looks = PeopleTracker(models), None
    with VideoReader(video) as reader:
        for frame in itertools.islice(reader, FRAMES):
            picture = Picture(frame.planes)
            seen = tracker.track(picture)
            if frame.index % TRACK == 0 and looks is not None:
                yield looks
                looks = None
            if frame.index % LOOKS_EVERY == 0 and seen:
                looks = describe(picture, max((one.points for one in seen), key=_eyes), looks)


def _eyes(points: np.ndarray) -> float:
    return float(np.linalg.norm(points[EYE_CORNERS[0]] - points[EYE_CORNERS[1]]))


def lit(looks: Appearance, random: np.random.Generator) -> Appearance:
    """The same head in another light: contrast, brightness and tint."""
    shown = np.clip(looks.colours, 0, 1) ** random.uniform(0.75, 1.33)
    shown = shown * random.uniform(0.75, 1.25) * (1 + random.normal(0, 0.04, 3))
    return replace(looks, colours=np.clip(shown, 0, 1).astype(np.float32))


def errors(tracks: dict[str, list[Appearance]]) -> str:
    """Shares of pairs of tracks that are taken for what they are not."""
    every = [(name, looks) for name, some in tracks.items() for looks in some]
    pairs = [(a == b, likeness(one, other)) for (a, one), (b, other) in itertools.combinations(every, 2)]
    missed = [alike < SAME_PERSON for same, alike in pairs if same]
    mistaken = [alike >= SAME_PERSON for same, alike in pairs if not same]
    return f"missed {np.mean(missed):.3f} of {len(missed)}, mistaken {np.mean(mistaken):.3f} of {len(mistaken)}"


def in_turn(tracks: dict[str, list[Appearance]]) -> str:
    """Of all pairs of people seen in turn: how many are two, are one, are more."""
    found = {"right": 0, "taken for one": 0, "taken for more": 0}
    for one, other in itertools.combinations(tracks.values(), 2):
        shots = [looks for both in itertools.zip_longest(one[:IN_TURN], other[:IN_TURN]) for looks in both]
        seen = [looks for looks in shots if looks is not None]
        truth = np.repeat([at % 2 for at, looks in enumerate(shots) if looks is not None], TRACK)
        people = people_of(
            {at: _rows(at) for at in range(len(seen))}, {at: Head(looks) for at, looks in enumerate(seen)},
            np.repeat(np.arange(len(seen)), TRACK), 25.0,
        )  # fmt: skip
        mixed = any(len(set(truth[person.rows.frames])) > 1 for person in people)
        found["taken for one" if mixed else "right" if len(people) == 2 else "taken for more"] += 1
    return ", ".join(f"{title} {count}" for title, count in found.items())


def _rows(track: int) -> FaceRows:
    """A track that fills the ``track``-th shot; where its face lies plays no part."""
    frames = np.arange(track * TRACK, (track + 1) * TRACK)
    points = np.random.default_rng(track).normal(0, 50, (TRACK, 468, 3)).astype(np.float32)
    return FaceRows(frames, points, np.zeros(TRACK), np.zeros(TRACK), np.zeros((TRACK, 5), np.int64))


def main(arguments: list[str] | None = None) -> int:
    """Print both; 2 where there are not two people."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.likeness", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, help="clips of one person each")
    parser.add_argument("--same", default="", help="names that are one person: A=B, comma-separated")
    parser.add_argument("--most", type=int, default=10, help="clips of one person")
    given = parser.parse_args(arguments)
    same = dict(pair.split("=") for pair in given.same.split(",") if pair)
    models, random = models_folder(ROOT / "var" / "models"), np.random.default_rng(0)
    clips: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(path for folder in given.folders for path in folder.iterdir()):
        if path.suffix.lower() in SUFFIXES:
            name = path.stem.split("_")[0]
            clips[same.get(name, name)].append(path)
    seen = {name: [looks for path in some[: given.most] for looks in looks_of(path, models)]
            for name, some in clips.items()}  # fmt: skip
    tracks = {name: some for name, some in seen.items() if some}
    if len(tracks) < 2:
        print("Clips of two people are needed.", file=sys.stderr)
        return 2
    print(f"{len(tracks)} people, {sum(map(len, tracks.values()))} tracks")
    otherwise = {name: [lit(looks, random) for looks in some] for name, some in tracks.items()}
    for title, shown in (("as filmed", tracks), ("lit", otherwise)):
        print(f"{title}: {errors(shown)}; in turn: {in_turn(shown)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
