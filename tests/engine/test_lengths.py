"""Sound longer and shorter than the picture, in whole films: which frame is shown when and which sample is heard."""

from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from django.conf import settings as studio

from apps.inference import engine
from apps.inference.engine.artefacts import Areas, change, patch
from apps.inference.engine.assembly import soundtrack
from apps.inference.engine.media.audio import OUTPUT_RATE, blocks, read_mono
from apps.inference.engine.media.frame_source import FrameSource
from apps.inference.engine.media.soundtrack import FADE
from apps.inference.engine.pieces import drawn_frames, frame_job

from .encoded import Track, film
from .tiny_media import write_wav

FRAMES, BIT, MODELS = 50, 16, Path(studio.MODELS_DIR)
LONG_S, SHORT_S = 3.4, 1.2
GLIDE = 5  # frames in which a loop that starts again passes from its last picture to its first ones


def numbered(picture, number):
    """``picture`` with ``number`` written along its upper edge, six squares of black or white."""
    marked = picture.copy()
    for bit in range(6):
        marked[:BIT, bit * BIT : (bit + 1) * BIT] = 255 * (number >> bit & 1)
    return marked


def number_of(luma):
    squares = [luma[3 : BIT - 3, bit * BIT + 3 : (bit + 1) * BIT - 3].mean() for bit in range(6)]
    return sum((square > 128) << bit for bit, square in enumerate(squares))


@pytest.fixture(scope="module")
def made(short_sample, tmp_path_factory):
    """The numbered footage with a stereo sound of its own, a long and a short sound, and everything analysed."""
    folder = tmp_path_factory.mktemp("lengths")
    with av.open(str(short_sample.video)) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in islice(container.decode(video=0), FRAMES)]
    pictures = [
        numbered(cv2.resize(one, (240, 240), interpolation=cv2.INTER_AREA), k) for k, one in enumerate(pictures)
    ]
    own = 0.3 * np.random.default_rng(1).standard_normal((2, 88_200)).clip(-2, 2)
    video = film(folder / "v.mp4", pictures, sounds=[Track(own, 44_100, "aac", "stereo")])
    line = read_mono(short_sample.new_line)
    sounds = {
        name: write_wav(folder / f"{name}.wav", np.resize(line, round(seconds * 16_000)))
        for name, seconds in (("long", LONG_S), ("short", SHORT_S))
    }
    footage = engine.analyse_footage(video, folder / "footage", models=MODELS)
    speech = {name: engine.analyse_speech(path, None, MODELS) for name, path in sounds.items()}
    return video, sounds, footage, speech


@pytest.fixture
def rendered(made, tmp_path):
    """Plan, draw and assemble; returns the plan, the film and what goes into its sound track."""

    def render(which, mode, segments=(), model="lipsync-1.9.0-beta"):
        video, sounds, footage, speech = made
        settings = engine.EngineSettings(model=model, sync_mode=mode)
        heard = {one.audio: speech["short"] for one in segments if one.audio}
        plan = engine.plan_motion(footage, speech[which], settings, tmp_path, segments=segments, sounds=heard)
        piece = engine.render_piece(video, footage, plan, 0, len(plan), tmp_path / "piece.mp4", models=MODELS)
        engine.assemble([piece], sounds[which], plan, tmp_path / "out.mp4", video=video, segments=segments)
        track = soundtrack(plan.sound, sounds[which], video, segments)
        sound = np.concatenate(list(track.blocks(round(plan.duration_s * OUTPUT_RATE))), axis=1)
        return plan, tmp_path / "out.mp4", sound

    return render


def shown(path):
    """Times (N,) and luma of all frames, and how many samples of sound the file says there are."""
    with av.open(str(path)) as container:
        frames = [(float(frame.pts * frame.time_base), frame.to_ndarray()[:240]) for frame in container.decode(video=0)]
    with av.open(str(path)) as container:
        track = container.streams.audio[0]
        samples = round(track.duration * track.time_base * OUTPUT_RATE)
        whole = sum(frame.samples for frame in container.decode(track))
    assert 0 <= whole - samples < 1024, "the last AAC frame may hold more than is played"
    return np.array([time for time, _ in frames]), [luma for _, luma in frames], samples


def at_48k(path, channels):
    return np.concatenate(list(blocks(path, OUTPUT_RATE, channels)), axis=1)


THERE_AND_BACK = [*range(FRAMES), *range(FRAMES - 2, 0, -1)]
TABLE = {  # sync-product.md 1.5: which source frames, in which order
    ("cut_off", "long"): list(range(FRAMES)),
    ("cut_off", "short"): list(range(30)),
    ("loop", "long"): [k % FRAMES for k in range(85)],
    ("loop", "short"): list(range(30)),
    ("bounce", "long"): [THERE_AND_BACK[k % 98] for k in range(85)],
    ("bounce", "short"): list(range(30)),
    ("silence", "long"): [min(k, FRAMES - 1) for k in range(85)],
    ("silence", "short"): list(range(FRAMES)),
    ("remap", "long"): [int(k * FRAMES / 85 + 0.25) for k in range(85)],
    ("remap", "short"): [int(k * FRAMES / 30 + 0.25) for k in range(30)],
}


@pytest.mark.parametrize(("mode", "which"), TABLE)
def test_each_mode_shows_these_frames_and_this_sound(mode, which, made, rendered):
    _, sounds, _, _ = made
    order = TABLE[mode, which]
    _, out, sound = rendered(which, mode)
    times, pictures, samples = shown(out)
    np.testing.assert_allclose(times, np.arange(len(order)) / 25, atol=1e-4)
    assert samples == sound.shape[1] == round(len(order) / 25 * OUTPUT_RATE)
    numbers = [number_of(luma) for luma in pictures]
    glides = {k + j for k in range(1, len(order)) if order[k] < order[k - 1] - 1 for j in range(GLIDE)}
    assert [n for k, n in enumerate(numbers) if k not in glides] == [n for k, n in enumerate(order) if k not in glides]
    given = at_48k(sounds[which], 1)[0, : sound.shape[1]]
    np.testing.assert_array_equal(sound[0, : len(given)], given)
    assert not sound[0, len(given) :].any()


def mouth_changes(footage, plan, pictures):
    """(N - 1,) change of luma inside the lips from frame to frame, the head's own movement taken out."""
    jobs = [frame_job(footage, plan, k, glides=True) for k in range(len(plan))]
    seen = [patch(luma, job.target, job.eyes) for luma, job in zip(pictures, jobs, strict=True)]
    return np.array([
        change(one, other, Areas.of(job.target, job.eyes).mouth)
        for one, other, job in zip(seen[1:], seen[:-1], jobs[1:], strict=True)
    ])  # fmt: skip


@pytest.mark.parametrize("mode", ["loop", "bounce"])
def test_at_the_border_the_mouth_changes_no_more_than_elsewhere(mode, made, rendered):
    plan, out, _ = rendered("long", mode, model="sync-3")
    changes = mouth_changes(made[2], plan, shown(out)[1])
    border = np.zeros(len(changes), bool)
    border[FRAMES - 2 : FRAMES + GLIDE] = True
    assert changes[border].max() < 1.15 * np.percentile(changes[~border], 99)
    lips = np.abs(np.diff(plan.params[:, 0]))
    assert lips[border].max() <= lips[~border].max()


def test_ranges_left_alone_keep_pictures_and_samples_while_the_rest_loops(made, rendered):
    video, sounds, footage, _ = made
    keep = engine.Segment(0.4, 1.0, lipsync=False)
    plan, out, sound = rendered("long", "loop", [keep])
    assert len(plan) == 85
    source = FrameSource(video, footage.times)
    for index, picture in drawn_frames(video, footage, plan, 10, 25):
        np.testing.assert_array_equal(picture, source.picture(index))
    source.close()
    first, last = round(0.4 * OUTPUT_RATE), round(1.0 * OUTPUT_RATE)
    np.testing.assert_array_equal(sound[:, first:last], at_48k(video, 2)[:, first:last])
    new = at_48k(sounds["long"], 2)
    np.testing.assert_array_equal(sound[:, : first - FADE], new[:, : first - FADE])
    np.testing.assert_array_equal(sound[:, last + FADE : new.shape[1]], new[:, last + FADE :])
    assert shown(out)[2] == sound.shape[1]


@pytest.mark.parametrize("mode", ["cut_off", "loop", "bounce", "remap", "silence"])
@pytest.mark.parametrize("which", ["long", "short"])
def test_segments_keep_the_films_length_and_all_outside_them(mode, which, made, rendered):
    """A segment of its own sound, cropped, too short for its range; whatever the main sound's length is."""
    video, sounds, footage, _ = made
    segment = engine.Segment(0.6, 1.8, audio=sounds["short"], audio_start_s=0.3, audio_end_s=0.9)
    plan, out, sound = rendered(which, mode, [segment])
    heard_until = 1.2
    assert plan.driven.nonzero()[0].tolist()[:1] == [15]
    assert int(plan.anybody_driven.sum()) == (30 if mode == "silence" else 15)
    _, pictures, samples = shown(out)
    assert [number_of(luma) for luma in pictures] == list(range(FRAMES))
    assert samples == round(2.0 * OUTPUT_RATE)
    own, new = at_48k(video, 2), at_48k(sounds["short"], 2)
    first, end = round(0.6 * OUTPUT_RATE), round(heard_until * OUTPUT_RATE)
    np.testing.assert_array_equal(sound[:, :first], own[:, :first])
    crop = round(0.3 * OUTPUT_RATE)
    inside = slice(first + FADE, end - FADE)
    np.testing.assert_array_equal(sound[:, inside], new[:, crop + FADE : crop + end - first - FADE])
    stays = round(1.8 * OUTPUT_RATE) if mode == "silence" else end
    assert not sound[:, end + FADE : stays - FADE].any()
    np.testing.assert_array_equal(sound[:, stays:], own[:, stays : sound.shape[1]])
    source = FrameSource(video, footage.times)
    for index, picture in drawn_frames(video, footage, plan, 0, FRAMES):
        if not plan.anybody_driven[index]:
            np.testing.assert_array_equal(picture, source.picture(index))
    source.close()
