"""One pass over the footage: what every later step needs to know of it, whichever model runs.

The result lies in a folder and can be kept with the video: times and shots, and of everybody who is seen the landmarks
(:mod:`people`) and the lips' pixels (:mod:`crops`). Whose mouth is driven is decided later.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .beside import beside
from .crops import CropStore, CropWriter
from .errors import EngineError, video_invalid
from .face.people import PeopleTracker
from .faces_in_time import in_view
from .kept_arrays import open_arrays
from .lettering.lines import Rows, lasting, no_lines
from .media.colour import ColourTags
from .media.probe import MediaInfo, probe_media
from .media.recent import RecentPictures
from .model_files import models_folder
from .one_thread import one_thread
from .people import FaceRows, Person, load_people, people_of, save_people
from .progress import Monitor, Progress
from .reading import CROPS, MIN_EYES_PX, Seen, read, to_their_middles
from .shots import jump_cuts, leaps, leaps_of_place_and_size
from .speech.analysis import SpeechAnalysis, analyse_speech

OWN_SOUND = "own_sound"
HELD = 0.75  # frames that the last one stays longer than others; an edit list may cut it off half a frame late
# Shares of a track's frames: the size of a face leaps at cuts only, that of a chance find in one frame of twelve and
# more. Its place leaps as well where one picture pushes another one out.
MOST_LEAPS_OF_SIZE, MOST_LEAPS_OF_PLACE = 0.05, 0.25


@dataclass
class FootageAnalysis:
    """What was seen. F frames, N landmarks (468 or 478).

    ``times`` (F,) seconds from the first frame, the last one ending at ``end_s``; ``shots`` (S,) first frames of the
    shots, 0 among them; ``motion`` (F,) mean luma change to the frame before; ``people`` everybody seen, who fills most
    of the film first; ``lettering`` (m, 6) lines of letters before them (:mod:`.lettering.lines`), which landmarks and
    crops are without. The rest is about the one ``person`` looked at (None where nobody is seen): ``landmarks``
    (F, N, 3) float32 in pixels of the upright picture, NaN where the face was not found; ``sharpness`` (F,) variance of
    the Laplacian of the lips' luma; ``crops`` the lips. See :meth:`of`.
    ``recent`` are pictures still in memory right after the film was looked at; they are not saved.
    """

    info: MediaInfo
    colour: ColourTags
    size: tuple[int, int]
    times: np.ndarray
    end_s: float
    landmarks: np.ndarray
    shots: np.ndarray
    sharpness: np.ndarray
    motion: np.ndarray
    crops: CropStore
    folder: Path
    people: list[Person] = field(default_factory=list)
    person: int | None = None
    lettering: Rows = field(default_factory=no_lines)
    recent: RecentPictures | None = None

    def of(self, person: int | None) -> FootageAnalysis:
        """The same footage, seen with an eye on somebody else (None: on whom it is already)."""
        if person is None or person == self.person:
            return self
        chosen = next(one for one in self.people if one.id == person)
        points, sharpness, index = chosen.dense(self.frame_count, self.landmarks.shape[1])
        return replace(
            self, landmarks=points, sharpness=sharpness, crops=CropStore(self.folder / CROPS, index), person=person
        )

    @property
    def frame_count(self) -> int:
        """Frames that were really decoded."""
        return len(self.times)

    @property
    def has_face(self) -> np.ndarray:
        """(F,) bool."""
        return np.isfinite(self.landmarks[:, 0, 0])

    @property
    def fps(self) -> float:
        """Frames per second, the average where the rate varies."""
        return float(self.info.fps)

    @property
    def own_sound(self) -> SpeechAnalysis | None:
        """What the footage's own sound says about the mouth; None where it has no sound."""
        folder = self.folder / OWN_SOUND
        return SpeechAnalysis.load(folder) if folder.exists() else None

    def shot_of(self) -> np.ndarray:
        """(F,) int: the number of the shot each frame belongs to."""
        return np.searchsorted(self.shots, np.arange(self.frame_count), side="right") - 1

    def save(self) -> None:
        """Write everything to ``folder``; the crops are there already."""
        np.savez_compressed(
            self.folder / "footage.npz", times=self.times, shots=self.shots, motion=self.motion,
            lettering=self.lettering,
        )  # fmt: skip
        save_people(self.people, self.folder)
        facts = {
            "info": self.info.to_dict(), "colour": self.colour.to_dict(), "size": self.size, "end_s": self.end_s,
            "landmarks": self.landmarks.shape[1], "people": [person.facts() for person in self.people],
        }  # fmt: skip
        (self.folder / "footage.json").write_text(json.dumps(facts))

    @classmethod
    def load(cls, folder: Path, person: int | None = None) -> FootageAnalysis:
        """The inverse of :meth:`save`, looking at ``person``, or at whom the film is mostly about."""
        facts = json.loads((folder / "footage.json").read_text())
        with open_arrays(folder / "footage.npz") as arrays:
            kept = {name: arrays[name] for name in ("times", "shots", "motion", "lettering")}
        footage = cls.unseen(
            info=MediaInfo.from_dict(facts["info"]), colour=ColourTags(**facts["colour"]),
            size=(facts["size"][0], facts["size"][1]), end_s=facts["end_s"], landmarks=facts["landmarks"],
            people=load_people(facts["people"], folder), folder=folder, **kept,
        )  # fmt: skip
        return footage.of(person or 0) if footage.people else footage

    @classmethod
    def unseen(cls, *, landmarks: int, times: np.ndarray, folder: Path, **known: Any) -> FootageAnalysis:
        """Footage that is looked at without an eye on anybody; ``landmarks`` is N."""
        count = len(times)
        nowhere = np.full((count, 5), -1, np.int64)
        return cls(
            landmarks=np.broadcast_to(np.float32(np.nan), (count, landmarks, 3)), sharpness=np.zeros(count),
            times=times, crops=CropStore(folder / CROPS, nowhere), folder=folder, **known,
        )  # fmt: skip


@one_thread
def analyse_footage(
    video: Path,
    workdir: Path,
    *,
    own_sound: bool = True,
    recent: RecentPictures | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    models: Path | None = None,
) -> FootageAnalysis:
    """Decode ``video`` once and save what was seen in ``workdir``, the same for every model.

    Without ``own_sound`` nobody is heard: no voice can be learnt, nor can be told who speaks. ``recent`` is given
    the last pictures, for whoever draws into them next. Raises EngineError where nothing can be read or nobody can be
    driven in the whole film; what was seen is saved then too.
    """
    info = probe_footage(video)
    workdir.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(workdir / OWN_SOUND, ignore_errors=True)  # of another film that was looked at here before
    monitor = Monitor(progress, cancelled)

    def on_frame(index: int) -> None:
        if index % 5 == 0:
            monitor.step("read", index, max(info.frame_count, index + 1))

    hear = partial(read_own_sound, video, workdir, models) if own_sound and info.acodec else lambda: None
    with beside(hear) as heard:
        with CropWriter(workdir / CROPS) as crops:
            tracker = PeopleTracker(models_folder(models))
            seen = read(video, tracker, crops, info.frame_count, recent=recent, on_frame=on_frame)
        footage = replace(concluded(seen, info, workdir), recent=recent)
        heard()
    monitor.step("read", footage.frame_count, footage.frame_count)
    require_face(footage)
    return footage


def probe_footage(video: Path) -> MediaInfo:
    """Facts about a file that has a picture; raises EngineError for others."""
    info = probe_media(video)
    if info.kind == "audio":
        raise video_invalid(f"The file {video.name} has no picture.", "Choose a video file.")
    return info


def concluded(seen: Seen, info: MediaInfo, folder: Path) -> FootageAnalysis:
    """The analysis that follows from everything that was seen, saved in ``folder``."""
    count = len(seen.times)
    typical = float(np.median(np.diff(seen.times))) if count > 1 else 1 / float(info.fps)
    tracks = {number: part for number, part in to_their_middles(seen).items() if is_steady(part)}
    first = seen.cuts | (np.arange(count) == 0)
    people = people_of(tracks, seen.heads, np.cumsum(first) - 1, 1 / typical)
    shots = np.flatnonzero(first | jump_cuts(seen.motion, _smallest_leap(people, count)))
    footage = FootageAnalysis.unseen(
        info=info, colour=seen.colour, size=seen.size, times=seen.times, landmarks=seen.points,
        end_s=max(float(seen.times[-1]) + 0.5 * typical, _end(info, seen.times, typical)), shots=shots,
        motion=seen.motion, folder=folder, people=people,
        lettering=lasting(seen.lettering, np.searchsorted(shots, np.arange(count), side="right")),
    )  # fmt: skip
    put_forward(footage)
    footage = footage.of(0) if people else footage
    footage.save()
    return footage


def put_forward(footage: FootageAnalysis) -> None:
    """Number those who can be driven first, where who is seen most cannot be: too small, or the mouth cut off."""
    people = footage.people
    if people and unfit(footage.of(0)) is not None:
        people[:] = sorted(people, key=lambda person: unfit(footage.of(person.id)) is not None)
        for place, person in enumerate(people):
            person.id = place


def read_own_sound(video: Path, workdir: Path, models: Path | None) -> None:
    """Keep what the footage's own sound says; a track that cannot be read counts as none."""
    try:
        analyse_speech(video, workdir / OWN_SOUND, models)
    except EngineError:
        shutil.rmtree(workdir / OWN_SOUND, ignore_errors=True)


def is_steady(rows: FaceRows) -> bool:
    """Whether a track does not leap about, as chance finds do."""
    place, size = leaps_of_place_and_size(rows.frames, rows.points)
    return bool((size > 1).mean() <= MOST_LEAPS_OF_SIZE and (place > 1).mean() <= MOST_LEAPS_OF_PLACE)


def _smallest_leap(people: list[Person], frame_count: int) -> np.ndarray:
    """(F,) how far everybody leapt at least who was there in the frame before, 0 where nobody was."""
    leap = np.full(frame_count, np.inf)
    for person in people:
        follows = np.diff(person.rows.frames, prepend=-2) == 1
        np.minimum.at(leap, person.rows.frames[follows], leaps(person.rows.frames, person.rows.points)[follows])
    return np.where(np.isfinite(leap), leap, 0.0)


def _end(info: MediaInfo, times: np.ndarray, typical: float) -> float:
    """Where the last frame ends: by frame count at a constant rate, else, or where it is held, by the file's own."""
    by_count = len(times) / float(info.fps)
    held = info.duration_s > by_count + HELD * typical
    if not (info.vfr or held):
        return by_count
    return info.duration_s if len(times) == info.frame_count else float(times[-1]) + typical


def require_face(footage: FootageAnalysis) -> None:
    """Raise EngineError (generation_input_video_no_face) where the person looked at is never well enough seen."""
    refusal = unfit(footage)
    if refusal is not None:
        raise refusal


def unfit(footage: FootageAnalysis) -> EngineError | None:
    """Why the person looked at cannot be driven anywhere in the film; None for one who can."""
    usable, cut_off = in_view(footage.landmarks, footage.times, footage.shot_of(), footage.size)
    seen = usable & footage.has_face
    if not seen.any() and cut_off.any():
        return mouth_cut_off()
    if not seen.any():
        return EngineError(
            "generation_input_video_no_face",
            "No face was found in the video.",
            "Use footage in which the speaker's face is seen from the front, at least 100 pixels wide.",
        )
    eyes = np.linalg.norm(footage.landmarks[seen, 33] - footage.landmarks[seen, 263], axis=1)
    if np.median(eyes) < MIN_EYES_PX:
        return EngineError(
            "generation_input_video_no_face",
            f"The face is only {2 * np.median(eyes):.0f} pixels wide.",
            "Use footage in which the face is at least 100 pixels wide.",
        )
    return None


def mouth_cut_off() -> EngineError:
    """The picture's border cuts the mouth off wherever it should speak."""
    return EngineError(
        "generation_input_video_no_face",
        "The mouth is cut off by the picture's border wherever it should speak.",
        "Use footage in which the whole mouth is in the picture.",
    )
