"""How fast these workers are: measured on the takes they finished, never assumed.

The measure is worker-seconds (all steps together) for a million pixels of output, since the work of every stage grows
with both the number of frames and their size.
"""

from statistics import median

from apps.assets.models import Asset
from apps.generations.models import Generation, Stage, Status

# Share of the whole work each stage takes, measured on clips of 5 to 20 s at 720p; they add up to 100.
SHARES: dict[str, int] = {
    Stage.READ: 30,
    Stage.SPEECH: 4,
    Stage.PLAN: 6,
    Stage.LIPSYNC: 44,
    Stage.ASSEMBLE: 4,
    Stage.PROOF: 12,
}
# Recent takes that count; older ones may be from another machine or engine.
MEASURED_TAKES = 20
# Without a frame rate (a photo as the picture) the engine draws this many a second.
PHOTO_FPS = 25.0
# Looking at the footage and rendering are split into parts of about this length, which several workers share.
SHARED = (Stage.READ, Stage.LIPSYNC)
PART_S = 12.0


def megapixels(width: int | None, height: int | None, frames: float) -> float:
    """Pixels of a film in millions; 0 where its size is not known."""
    return (width or 0) * (height or 0) * frames / 1e6


def pace(model: str) -> float | None:
    """Worker-seconds for a million pixels with this model: the median of recent takes; None before there is one.

    A take that found pieces of earlier ones does not count; of several that drew the same ones together, and of the
    tries of one, the one that had most work.
    """
    done = Generation.objects.filter(model=model, status=Status.COMPLETED, busy_s__gt=0, result__isnull=False)
    done = done.exclude(report__pieces__kept__gt=0)
    rows = done.order_by("-finished_at").values_list(
        "pk", "work_key", "busy_s", "result__width", "result__height", "result__frame_count"
    )[:MEASURED_TAKES]
    paces: dict[object, float] = {}
    for pk, work, busy, width, height, frames in rows:
        if size := megapixels(width, height, frames or 0):
            paces[work or pk] = max(busy / size, paces.get(work or pk, 0.0))
    return median(paces.values()) if paces else None


def size_of(video: Asset, seconds: float) -> float:
    """Million pixels in ``seconds`` of result on this video; 0 where its size is not known."""
    return megapixels(video.width, video.height, seconds * (video.fps or PHOTO_FPS))


def work_s(model: str, video: Asset, seconds: float) -> float | None:
    """Worker-seconds for ``seconds`` of result on this video; None where nothing was measured yet."""
    measured, size = pace(model), size_of(video, seconds)
    return measured * size if measured is not None and size > 0 else None


def run_s(work: float, seconds: float, slots: int) -> float:
    """Seconds by the clock for this much work when the take has the workers to itself; what is split is shared."""
    lanes = max(1, min(slots, round(seconds / PART_S)))
    shared = sum(SHARES[stage] for stage in SHARED) / 100
    return work * (1 - shared + shared / lanes)
