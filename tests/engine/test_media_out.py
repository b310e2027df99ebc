"""Writing: pieces join without loss, times and colour tags survive, sound and picture end together."""

import itertools
import os
from fractions import Fraction

import av
import numpy as np
import pytest

from apps.inference.engine.media.audio import read_mono
from apps.inference.engine.media.colour import ColourTags
from apps.inference.engine.media.echo import echo
from apps.inference.engine.media.mux import join
from apps.inference.engine.media.probe import probe_media
from apps.inference.engine.media.soundtrack import Soundtrack
from apps.inference.engine.media.video_reader import VideoReader
from apps.inference.engine.media.video_writer import PieceWriter

from .tiny_media import click_train, write_wav

SIZE = (96, 80)
TAGS = ColourTags(range=1, space=6, primaries=6, transfer=6)


def pictures(count):
    """Moving noise blocks: B frames are used and no two frames are alike."""
    random = np.random.default_rng(3)
    base = random.integers(30, 220, (40, 40), np.uint8).repeat(4, 0).repeat(4, 1)
    for index in range(count):
        yuv = np.full((SIZE[1] * 3 // 2, SIZE[0]), 128, np.uint8)
        yuv[: SIZE[1]] = base[index : index + SIZE[1], index : index + SIZE[0]]
        yuv[0:16, 0:16] = 16 + 5 * index
        yield yuv


def write_pieces(folder, borders, fps=Fraction(25)):
    every = list(pictures(borders[-1]))
    paths = []
    for first, last in itertools.pairwise(borders):
        path = folder / f"{first}.mp4"
        with PieceWriter(path, SIZE, fps, TAGS) as writer:
            for yuv in every[first:last]:
                writer.write(yuv)
        paths.append(path)
    return paths


def marks(path):
    """The brightness of the corner that counts frames, and the times, as a player shows them."""
    with VideoReader(path) as reader:
        frames = list(reader)
        return [round((float(f.planes[0][4:12, 4:12].mean()) - 16) / 5) for f in frames], [f.time for f in frames]


@pytest.mark.parametrize("borders", [[0, 40], [0, 7, 8, 30, 40]])
def test_joined_pieces_show_every_frame_in_order(tmp_path, borders):
    out = tmp_path / "out.mp4"
    join(write_pieces(tmp_path, borders), np.arange(40) / 25, Fraction(25), out, sound=None, duration_s=1.6)
    counted, times = marks(out)
    assert counted == list(range(40))
    np.testing.assert_allclose(times, np.arange(40) / 25, atol=1e-6)
    info = probe_media(out)
    assert (info.fps, info.frame_count, info.vfr) == (Fraction(25), 40, False)


def test_a_variable_rate_survives_across_joins(tmp_path):
    steps = np.tile([0.04, 0.04, 0.12, 0.02, 0.3], 8)
    times = np.concatenate([[0], np.cumsum(steps)[:-1]])
    out = tmp_path / "out.mp4"
    pieces = write_pieces(tmp_path, [0, 9, 12, 40])
    join(pieces, times, Fraction(10), out, sound=None, duration_s=float(steps.sum()))
    counted, seen = marks(out)
    assert counted == list(range(40))
    np.testing.assert_allclose(seen, times, atol=2e-5)
    assert probe_media(out).duration_s == pytest.approx(steps.sum(), abs=1e-3)


@pytest.mark.parametrize(("every", "fewest", "most"), [(2, 15, 25), (4, 8, 15)])
def test_a_sparse_reading_shows_about_every_nth_picture_as_it_is(tmp_path, every, fewest, most):
    (piece,) = write_pieces(tmp_path, [0, 40])
    with VideoReader(piece) as reader:
        whole = {round(frame.time * 25): frame.yuv for frame in reader}
    with VideoReader(piece, every) as reader:
        some = {round(frame.time * 25): frame.yuv for frame in reader}
    assert fewest <= len(some) <= most
    assert np.diff(list(some)).max() <= every + 1
    for number, picture in some.items():
        np.testing.assert_array_equal(picture, whole[number])


@pytest.mark.parametrize("every", [1, 2, 4])
def test_the_encoders_packets_show_what_the_file_will(tmp_path, every):
    path = tmp_path / "piece.mp4"
    with PieceWriter(path, SIZE, Fraction(25), TAGS) as writer:
        packets = [packet for yuv in pictures(40) for packet in writer.write(yuv)] + [*writer.finish()]
        seen = dict(echo(packets, writer, every))
    with VideoReader(path, every) as reader:
        filed = {round(frame.time * 25): frame.yuv for frame in reader}
    assert list(seen) == list(filed)
    for number, picture in filed.items():
        np.testing.assert_array_equal(seen[number], picture)


def tall_piece(path):
    """High enough to be cut into slices."""
    with PieceWriter(path, (SIZE[0], 4 * SIZE[1]), Fraction(25), TAGS) as writer:
        for yuv in pictures(20):
            writer.write(np.tile(yuv, (4, 1)))
    with VideoReader(path) as reader:
        return np.stack([frame.yuv for frame in reader])


def test_pictures_are_the_same_on_one_core_as_on_all(tmp_path):
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        pytest.skip("there is one core only")
    on_all = tall_piece(tmp_path / "all.mp4")
    try:
        os.sched_setaffinity(0, [min(cores)])
        on_one = tall_piece(tmp_path / "one.mp4")
    finally:
        os.sched_setaffinity(0, cores)
    np.testing.assert_array_equal(on_one, on_all)


def test_colour_tags_are_kept(tmp_path):
    out = tmp_path / "out.mp4"
    join(write_pieces(tmp_path, [0, 5]), np.arange(5) / 25, Fraction(25), out, sound=None, duration_s=0.2)
    with VideoReader(out) as reader:
        next(iter(reader))
        assert reader.colour == TAGS


@pytest.mark.parametrize("seconds", [0.5, 1.6, 3.0])
def test_sound_is_cut_or_continued_to_the_sample(tmp_path, seconds):
    """Shorter, equal and longer sound: the track ends exactly with the picture, and clicks stay in place."""
    sound = write_wav(tmp_path / "s.wav", click_train(seconds, [0.1, 0.4]))
    out = tmp_path / "out.mp4"
    join(
        write_pieces(tmp_path, [0, 20, 40]),
        np.arange(40) / 25,
        Fraction(25),
        out,
        sound=Soundtrack.whole(sound),
        duration_s=1.6,
    )
    with av.open(str(out)) as container:
        assert container.streams.video[0].start_time == container.streams.audio[0].start_time == 0
        decoded = sum(frame.samples for frame in container.decode(audio=0))
    assert decoded == round(1.6 * 48000)
    heard = read_mono(out)
    reference = click_train(1.6, [0.1, 0.4])
    lag = np.argmax(np.correlate(heard[:9600], reference[:9600], "full")) - 9599
    assert abs(lag) <= 8


def test_the_index_comes_first_so_that_playing_starts_at_once(tmp_path):
    out = tmp_path / "out.mp4"
    join(write_pieces(tmp_path, [0, 5]), np.arange(5) / 25, Fraction(25), out, sound=None, duration_s=0.2)
    content = out.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
