"""Reads a stretch of the footage and notes everybody who is seen, frame by frame; stretches are joined afterwards.

A long film is read by many workers at once. Each begins some frames early, so that at its border cuts and faces are
known as if it had read everything before; a face that is there on both sides of a border keeps its track.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from .crops import CROP_MARGIN, DISK_BUDGET, Crop, CropWriter, cut_out, even_box, in_spread_runs
from .face.appearance import Appearance, averaged
from .face.landmarks import LIPS
from .face.people import Head, PeopleTracker, Sighting
from .face.picture import Picture
from .kept_arrays import open_arrays
from .lettering.lines import Rows, lines_before, no_lines
from .lettering.removal import take_off
from .media.colour import ColourTags
from .media.fields import Fields, take_apart
from .media.prefetch import prefetch
from .media.recent import RecentPictures
from .media.stretches import CUTS_WARM_UP, SEEK_EARLY_S, WARM_UP
from .media.video_reader import Frame, Planes, VideoReader, copied
from .people import ROWS, FaceRows
from .shots import CutDetector

CROPS, FACTS, ARRAYS = "crops.bin", "seen.json", "seen.npz"
MIN_EYES_PX = 20.0  # outer eye corners apart; 44 px still works, softly; below 20 there are no lips to move
# Pictures decoded in advance: those whose faces are looked for take several times as long as others. Nothing else is
# done in that thread: two that need Python's lock every moment wait for each other.
AHEAD = 10
TOLERANCE = 0.25  # of the frame before: a picture whose time is farther from the one announced is another one


class ClockBroken(Exception):
    """The pictures do not come at the times the file announces: it has to be read from the beginning, in one go."""


@dataclass
class Seen:
    """Frames [``first``, ``first`` + n): ``times`` (n,) seconds, ``cuts`` (n,) bool, ``motion`` (n,) of luma,
    ``tracks`` with frame numbers of the whole film, ``heads`` by track. ``points`` landmarks make a face.
    ``lettering`` (m, 6) are lines of letters before faces, see :mod:`.lettering.lines`. ``dissolves`` (k, 2) are, of
    each dissolve and wipe, the first frame that shows the new shot more than the old one, and the one that ends it.
    ``doubted`` tells that there may be a cut before the very first frame, see :meth:`.face.people.PeopleTracker.doubt`.
    """

    first: int
    size: tuple[int, int]
    colour: ColourTags
    points: int
    times: np.ndarray
    cuts: np.ndarray
    motion: np.ndarray
    lettering: Rows = field(default_factory=no_lines)
    dissolves: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    tracks: dict[int, FaceRows] = field(default_factory=dict)
    heads: dict[int, Head] = field(default_factory=dict)
    doubted: bool = False

    def save(self, folder: Path) -> None:
        """Write everything to ``folder``; the crops are there already."""
        arrays = {name: getattr(self, name) for name in ("times", "cuts", "motion", "lettering", "dissolves")}
        for track, rows in self.tracks.items():
            head = self.heads[track]
            arrays |= {f"{track}.{name}": getattr(rows, name) for name in ROWS}
            arrays |= {f"{track}.proportions": head.looks.proportions, f"{track}.colours": head.looks.colours}
            if head.picture is not None:
                arrays[f"{track}.picture"] = head.picture
        np.savez(folder / ARRAYS, **arrays)
        facts = {
            "first": self.first, "size": self.size, "colour": self.colour.to_dict(), "points": self.points,
            "heads": {track: [self.heads[track].worth, self.heads[track].frame] for track in self.tracks},
            "doubted": self.doubted,
        }  # fmt: skip
        (folder / FACTS).write_text(json.dumps(facts))

    @classmethod
    def load(cls, folder: Path) -> Seen:
        """The inverse of :meth:`save`."""
        facts = json.loads((folder / FACTS).read_text())
        with open_arrays(folder / ARRAYS) as kept:
            arrays = dict(kept)
        tracks, heads = {}, {}
        for number, (worth, frame) in facts["heads"].items():
            tracks[int(number)] = FaceRows(**{name: arrays.pop(f"{number}.{name}") for name in ROWS})
            looks = Appearance(arrays.pop(f"{number}.proportions"), arrays.pop(f"{number}.colours"))
            heads[int(number)] = Head(looks, worth, arrays.pop(f"{number}.picture", None), frame)
        return cls(
            first=facts["first"], size=(facts["size"][0], facts["size"][1]), colour=ColourTags(**facts["colour"]),
            points=facts["points"], tracks=tracks, heads=heads, doubted=facts.get("doubted", False), **arrays,
        )  # fmt: skip


def read(
    video: Path,
    tracker: PeopleTracker,
    crops: CropWriter,
    frame_count: int,
    *,
    stretch: tuple[int, int] | None = None,
    times: np.ndarray | None = None,
    recent: RecentPictures | None = None,
    on_frame: Callable[[int], None],
) -> Seen:
    """What is seen in frames [first, last) of a film of about ``frame_count``; without a ``stretch`` in all of them.

    ``times`` are those announced by the file, by which a stretch is found. ``recent`` is given the last pictures,
    ``on_frame`` the number of every frame. Raises ``ClockBroken`` where pictures do not come at these times.
    """
    first, last = stretch or (0, frame_count)
    watcher = _Watcher(tracker, crops, frame_count, first)
    with VideoReader(video) as reader:
        frames = iter(reader) if stretch is None else _numbered(reader, max(0, first - CUTS_WARM_UP), last, times)
        for frame in prefetch(frames if recent is None else _kept(frames, recent, frame_count), AHEAD):
            watcher.look(frame, reader.fields)
            on_frame(frame.index)
        return watcher.seen(reader.colour)


def _kept(frames: Iterable[Frame], recent: RecentPictures, frame_count: int) -> Iterator[Frame]:
    """The same frames, the last of which are copied to be held in memory."""
    for frame in frames:
        if recent.wants(frame.index, frame_count, frame.size):
            recent.keep(frame.index, frame.yuv)
        yield frame


def _numbered(reader: VideoReader, first: int, last: int, times: np.ndarray | None) -> Iterator[Frame]:
    """Frames [first, last) with their numbers, each at the time announced for it."""
    assert times is not None
    frames = iter(reader)
    if first > 0:
        next(frames, None)  # where time begins
        reader.seek(times[first] - SEEK_EARLY_S)
        frames = iter(reader)
    step = np.diff(times, prepend=times[0] - (times[1] - times[0])) if len(times) > 1 else np.ones(1)
    due = first
    for frame in frames:
        if first > 0 and due == first and frame.time < times[first] - TOLERANCE * step[first]:
            continue
        if abs(frame.time - times[due]) > TOLERANCE * step[due]:
            raise ClockBroken(f"Frame {due} came at {frame.time:.3f} s instead of {times[due]:.3f} s.")
        frame.index = due
        yield frame
        due += 1
        if due == last:
            return
    raise ClockBroken(f"The film ends at frame {due} instead of {last}.")


class _Watcher:
    """Collects what is seen frame by frame, from frame ``first`` on; earlier ones only warm the detectors up."""

    def __init__(self, tracker: PeopleTracker, crops: CropWriter, frame_count: int, first: int) -> None:
        self._tracker, self._crops, self._frame_count, self._first = tracker, crops, frame_count, first
        self._is_cut = CutDetector()
        self._began: int | None = None
        self._size = (0, 0)
        self._rows: list[tuple[float, bool, float]] = []
        self._faces: dict[int, list[tuple[int, np.ndarray, float, float, tuple[int, ...]]]] = {}
        self._before: list[np.ndarray] = []  # landmarks in the frame before
        self._lettering: list[Rows] = []
        self._dissolves: list[tuple[int, int]] = []
        self._doubted = False

    def look(self, frame: Frame, fields: Fields) -> None:
        """Track everybody and keep their lips, both without any letters before them, at one moment."""
        self._size = frame.size
        whole = frame.planes
        if fields:
            whole = copied(whole)
            take_apart(whole, fields)
        picture = Picture(whole)  # one for both, who need the same halved copies
        cut = self._is_cut(picture)
        if frame.index < self._first - WARM_UP:
            return
        if self._began is None:
            self._began = frame.index
        if cut:
            self._tracker.cut()
            self._before = []
            if self._is_cut.late:
                self._dissolves.append((frame.index - self._is_cut.late, frame.index))
        elif self._is_cut.startled:
            self._tracker.doubt()
            self._doubted |= frame.index == self._first
        lines = lines_before(picture, self._before, frame.index)
        planes = _without(whole, lines)
        seen = self._tracker.track(Picture(planes) if len(lines) else picture)
        if seen and not self._before:
            lines = lines_before(picture, [face.points for face in seen], frame.index)
            planes = _without(whole, lines)
        self._before = [face.points for face in seen]
        if frame.index < self._first:
            return
        self._lettering.append(lines)
        for face in seen:
            crop = self._lips(planes, face)
            fits = crop is not None and in_spread_runs(
                frame.index, self._frame_count, DISK_BUDGET // max(1, crop.bytes * len(seen))
            )
            row = self._crops.add(crop if fits else None)
            light = cv2.mean(crop.luma)[0] if crop is not None and crop.luma.size else 0.0
            self._faces.setdefault(face.track, []).append((frame.index, face.points, _sharpness(crop), light, row))
        self._rows.append((frame.time, cut, self._is_cut.motion))

    def _lips(self, planes: Planes, face: Sighting) -> Crop | None:
        eyes = math.dist(face.points[33], face.points[263])
        if eyes < MIN_EYES_PX:
            return None
        return cut_out(planes, even_box(face.points[LIPS, :2], self._size, CROP_MARGIN * eyes))

    def seen(self, colour: ColourTags) -> Seen:
        """Everything seen, as arrays."""
        times, cuts, motion = (np.array(column) for column in zip(*self._rows, strict=True))
        tracks = {track: _as_rows(faces) for track, faces in self._faces.items()}
        heads = {
            track: replace(self._tracker.heads[track], frame=self._tracker.heads[track].frame + (self._began or 0))
            for track in tracks
        }
        return Seen(
            first=self._first, size=self._size, colour=colour, points=self._tracker.points, times=times,
            cuts=cuts.astype(bool), motion=motion, tracks=tracks, heads=heads,
            lettering=np.concatenate(self._lettering),
            dissolves=np.array(self._dissolves, np.int64).reshape(-1, 2), doubted=self._doubted,
        )  # fmt: skip


def _without(planes: Planes, lines: Rows) -> Planes:
    """The same picture without these lines of letters."""
    if not len(lines):
        return planes
    bare = copied(planes)
    take_off(bare, lines)
    return bare


def _as_rows(faces: list[tuple[int, np.ndarray, float, float, tuple[int, ...]]]) -> FaceRows:
    frames, points, sharpness, light, crops = zip(*faces, strict=True)
    return FaceRows(
        np.array(frames, np.int64), np.stack(points), np.array(sharpness), np.array(light), np.array(crops, np.int64)
    )


def _sharpness(crop: Crop | None) -> float:
    if crop is None or not crop.luma.size:
        return 0.0
    _, deviation = cv2.meanStdDev(cv2.Laplacian(crop.luma, cv2.CV_16S))
    return float(deviation[0, 0]) ** 2


def join(folders: Sequence[Path], into: Path) -> Seen:
    """What was seen in stretches that follow each other, with all their crops in ``into``."""
    whole: Seen | None = None
    with (into / CROPS).open("wb") as crops:
        for folder in folders:
            seen = Seen.load(folder)
            for rows in seen.tracks.values():
                rows.crops[rows.crops[:, 0] >= 0, 0] += crops.tell()
            with (folder / CROPS).open("rb") as part:
                shutil.copyfileobj(part, crops, 1 << 20)
            whole = seen if whole is None else _joined(whole, seen)
    assert whole is not None
    return whole


def _joined(one: Seen, other: Seen) -> Seen:
    """``other`` follows ``one``; a face that is there on both sides of the border keeps its number.

    Not where there is a cut between them or may be one: who is who is told by their looks then.
    """
    fresh = 1 + max(one.tracks, default=-1)
    tracks, heads = dict(one.tracks), dict(one.heads)
    for number, rows in other.tracks.items():
        same = None if other.cuts[0] or other.doubted else _continued(tracks, rows, other.first)
        if same is None:
            tracks[fresh], heads[fresh] = rows, other.heads[number]
            fresh += 1
            continue
        share = len(rows.frames) / (len(rows.frames) + len(tracks[same].frames))
        heads[same] = _better(heads[same], other.heads[number], share)
        tracks[same] = FaceRows.joined([tracks[same], rows])
    return replace(
        one, tracks=tracks, heads=heads, times=np.concatenate([one.times, other.times]),
        cuts=np.concatenate([one.cuts, other.cuts]), motion=np.concatenate([one.motion, other.motion]),
        lettering=np.concatenate([one.lettering, other.lettering]),
        dissolves=np.concatenate([one.dissolves, other.dissolves]),
    )  # fmt: skip


def to_their_middles(seen: Seen) -> dict[int, FaceRows]:
    """The tracks of a whole film, those that go into a dissolve up to its middle: from there on, whoever was followed
    has become somebody else. Told of the whole film, for it may have begun before the stretch that sees its end.
    """
    tracks = dict(seen.tracks)
    for turned, over in seen.dissolves.tolist():
        for number, rows in tracks.items():
            kept = (rows.frames < turned) | (rows.frames >= over)
            if rows.frames[0] < turned and not kept.all():
                tracks[number] = FaceRows(*(getattr(rows, name)[kept] for name in ROWS))
    return tracks


def _continued(tracks: dict[int, FaceRows], rows: FaceRows, border: int) -> int | None:
    """The track that shows in the last frame before ``border`` the face with which ``rows`` begin."""
    if rows.frames[0] != border:
        return None
    now = rows.points[0]
    eyes = float(np.linalg.norm(now[33] - now[263]))
    for number, before in tracks.items():
        if before.frames[-1] == border - 1:
            moved = float(np.linalg.norm(before.points[-1, :, :2].mean(0) - now[:, :2].mean(0)))
            if moved < 0.5 * eyes:
                return number
    return None


def _better(one: Head, other: Head, share: float) -> Head:
    """The better portrait of the two, with the looks of both."""
    best = one if one.worth >= other.worth else other
    return replace(best, looks=averaged(one.looks, other.looks, share))
