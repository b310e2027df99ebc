"""The probe: true facts, pictures and peaks, and a human reason for what cannot be used."""

import io
import json
import struct
import zlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from unittest.mock import MagicMock

import av
import numpy as np
import pytest
from PIL import Image

from apps.assets import checking, files, services, tasks
from apps.assets.models import Asset, Origin, Status
from apps.assets.probe import clock, sound_peaks, thumbnail
from apps.billing.plans import current_plan, subscribe
from apps.inference.engine.media.probe import probe_media
from studio import tries
from tests.engine.encoded import Track, film
from tests.factories import write_audio, write_video

pytestmark = pytest.mark.django_db


def brought(workspace, owner, path: Path, origin: Origin = Origin.UPLOAD) -> Asset:
    """An asset made of a local file, after its check."""
    asset = services.import_file(workspace=workspace, user=owner, path=path, name=path.name, origin=origin)
    checking.check_asset(asset.pk)
    asset.refresh_from_db()
    return asset


def test_a_video_with_sound(workspace, owner, tmp_path):
    asset = brought(workspace, owner, write_video(tmp_path / "talk.mp4", seconds=2, sound=True, size=(640, 360)))
    assert (asset.status, asset.kind, asset.error_message) == (Status.READY, "video", "")
    assert (asset.width, asset.height, asset.fps, asset.frame_count) == (640, 360, 25.0, 50)
    assert asset.duration_s == pytest.approx(2.0)
    assert (asset.video_codec, asset.audio_codec, asset.channels, asset.sample_rate) == ("h264", "aac", 1, 16000)
    assert not asset.variable_rate


@pytest.mark.parametrize("seconds", [0.4, 3.0])
def test_a_film_is_heard_as_long_as_its_sound_lasts(workspace, owner, tmp_path, seconds):
    pictures = [np.full((120, 160, 3), 40, np.uint8)] * 25
    sound = Track(np.sin(np.arange(round(seconds * 48_000)) / 20))
    asset = brought(workspace, owner, film(tmp_path / "talk.mp4", pictures, sounds=[sound]))
    assert (asset.duration_s, asset.heard_s) == (pytest.approx(1.0), pytest.approx(seconds, abs=0.05))


@pytest.mark.parametrize("container", ["mp4", "mov"])
def test_mp4_and_quicktime_are_told_apart(workspace, owner, tmp_path, container):
    path = write_video(tmp_path / f"talk.{container}", seconds=1, sound=False, size=(320, 180))
    assert brought(workspace, owner, path).container == container


def test_its_thumbnail_is_a_small_webp_from_past_the_start(workspace, owner, tmp_path):
    asset = brought(workspace, owner, write_video(tmp_path / "talk.mp4", seconds=1.2, size=(1280, 720)))
    with asset.thumbnail.open() as stored:
        picture = Image.open(io.BytesIO(stored.read()))
        assert (picture.format, picture.size) == ("WEBP", (480, 270))
        # frame 10 of 30, 0.4 s in: 40 + 160 * 10 / 29; codec noise stays within 6
        assert picture.convert("L").getpixel((240, 135)) == pytest.approx(95, abs=6)


def test_peaks_follow_the_loudness(workspace, owner, tmp_path):
    asset = brought(workspace, owner, write_audio(tmp_path / "voice.wav", seconds=1.5, loud=0.5))
    with asset.peaks.open() as stored:
        peaks = json.load(stored)
    assert peaks["rate"] == 100
    assert len(peaks["peaks"]) == 150
    low, high = peaks["peaks"][75]
    assert (low, high) == (pytest.approx(-64, abs=2), pytest.approx(64, abs=2))
    assert (asset.kind, asset.thumbnail.name, asset.video_codec) == ("audio", "", "")
    assert asset.duration_s == pytest.approx(1.5)


def test_silence_has_flat_peaks(tmp_path):
    peaks = sound_peaks(write_audio(tmp_path / "quiet.wav", seconds=0.3, loud=0.0))
    assert peaks.pairs == [[0, 0]] * 30


def test_a_picture(workspace, owner, tmp_path):
    Image.new("RGB", (800, 600), "teal").save(tmp_path / "face.png")
    asset = brought(workspace, owner, tmp_path / "face.png")
    assert (asset.status, asset.kind, asset.width, asset.height) == (Status.READY, "image", 800, 600)
    assert (asset.duration_s, asset.fps, asset.frame_count) == (None, None, None)


def test_a_text_file_called_mp4_is_refused_in_words(workspace, owner, tmp_path):
    (tmp_path / "notes.mp4").write_text("Call Maren about the harbour.\n" * 50)
    asset = brought(workspace, owner, tmp_path / "notes.mp4")
    assert (asset.status, asset.error_code) == (Status.REJECTED, "generation_input_video_invalid")
    assert "notes.mp4" in asset.error_message
    assert "original" not in asset.error_message


def test_a_file_that_breaks_off_says_where(workspace, owner, tmp_path):
    whole = write_audio(tmp_path / "whole.wav", seconds=60)
    cut = tmp_path / "lecture.wav"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 4])
    asset = brought(workspace, owner, cut)
    if asset.status == Status.REJECTED:
        assert asset.error_message.startswith("lecture.wav ends after 15 s of 1:00.")
    else:  # FFmpeg corrects the length of a cut WAV by its size
        assert asset.duration_s == pytest.approx(15.0, abs=0.1)


def test_a_cut_matroska_says_where_it_ends(workspace, owner, tmp_path):
    whole = write_video(tmp_path / "whole.mkv", seconds=20, size=(320, 240))
    cut = tmp_path / "lecture.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    asset = brought(workspace, owner, cut)
    assert (asset.status, asset.error_code) == (Status.REJECTED, "generation_input_video_invalid")
    assert asset.error_message.startswith("lecture.mkv ends after ")
    assert " of 20 s." in asset.error_message


@pytest.mark.parametrize(("late_s", "seconds"), [(0, 3), (0, 4), (5, 2)])
def test_a_film_whose_picture_is_the_shorter_track_is_whole(late_s, seconds, workspace, owner, tmp_path):
    """The last bars after the picture has ended, or sound that runs before the first one: nothing was cut off."""
    pictures = [np.full((96, 128, 3), 40 + index, np.uint8) for index in range(50)]
    ticks = [1000 * late_s + 40 * index for index in range(50)]
    sound = Track(np.sin(np.arange((late_s + seconds) * 48_000) / 20))
    asset = brought(workspace, owner, film(tmp_path / "v.mkv", pictures, ticks=ticks, sounds=[sound]))
    assert (asset.status, asset.error_message) == (Status.READY, "")
    assert asset.duration_s == pytest.approx(2.0, abs=0.01)


def test_a_bare_stream_is_as_long_as_its_pictures(workspace, owner, tmp_path):
    """It has no clock: what it costs and whether the plan allows it still go by all of it."""
    pictures = [np.full((96, 128, 3), 40 + index, np.uint8) for index in range(50)]
    asset = brought(workspace, owner, film(tmp_path / "v.h264", pictures))
    assert (asset.status, asset.frame_count, asset.duration_s) == (Status.READY, 50, pytest.approx(2.0))


def test_what_is_longer_than_the_plan_is_refused_with_the_plans_limit(workspace, owner, tmp_path):
    subscribe(workspace=workspace, plan=current_plan("free"))
    asset = brought(workspace, owner, write_audio(tmp_path / "long.wav", seconds=21))
    assert (asset.status, asset.error_code) == (Status.REJECTED, "generation_plan_duration_exceeded")
    assert asset.error_message.startswith("long.wav lasts 21 s. The Free plan allows 20 s.")
    exactly = brought(workspace, owner, write_audio(tmp_path / "exact.wav", seconds=20))
    assert exactly.status == Status.READY
    result = brought(workspace, owner, write_audio(tmp_path / "result.wav", seconds=21, loud=0.1), Origin.RESULT)
    assert result.status == Status.READY


def test_checking_twice_changes_nothing(workspace, owner, tmp_path):
    asset = brought(workspace, owner, write_audio(tmp_path / "voice.wav"))
    before = asset.updated_at
    assert checking.check_asset(asset.pk) == Status.READY
    asset.refresh_from_db()
    assert asset.updated_at == before


def test_no_scratch_is_left_behind_also_after_a_failure(workspace, owner, tmp_path, settings, monkeypatch):
    settings.DATA_DIR = tmp_path / "data"
    asset = services.import_file(
        workspace=workspace, user=owner, path=write_video(tmp_path / "talk.mp4"), name="talk.mp4"
    )
    monkeypatch.setattr(files, "put", lambda *args, **options: (_ for _ in ()).throw(OSError("disk gone")))
    with pytest.raises(OSError, match="disk gone"):
        checking.check_asset(asset.pk)
    assert not list((tmp_path / "data" / "tmp").iterdir())
    assert Asset.objects.get(pk=asset.pk).status == Status.CHECKING


def test_a_cut_jpeg_still_gives_a_word_instead_of_a_crash(workspace, owner, tmp_path):
    Image.effect_noise((600, 400), 50).convert("RGB").save(tmp_path / "whole.jpg", quality=95)
    (tmp_path / "face.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:3000])
    asset = brought(workspace, owner, tmp_path / "face.jpg")
    assert (asset.status, asset.error_code) == (Status.REJECTED, "generation_input_image_invalid")


def test_a_song_with_a_cover_is_sound(workspace, owner, tmp_path):
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "cover.png")
    song = tmp_path / "song.mp3"
    with av.open(str(write_audio(tmp_path / "voice.wav"))) as source, av.open(str(song), "w") as target:
        track = target.add_stream("mp3", rate=16000, layout="mono")
        for frame in source.decode(audio=0):
            frame.pts = None
            target.mux(track.encode(frame))
        target.mux(track.encode(None))
    assert brought(workspace, owner, song).audio_codec == "mp3"


@pytest.mark.parametrize(("seconds", "text"), [(12.84, "12.8 s"), (5, "5 s"), (369.4, "6:09")])
def test_lengths_for_reading(seconds, text):
    assert clock(seconds) == text


def test_a_file_that_trips_the_reader_is_refused_instead_of_checked_for_ever(workspace, owner, tmp_path, monkeypatch):
    def trip(*args):
        raise ZeroDivisionError

    monkeypatch.setattr(checking.probe, "thumbnail", trip)
    asset = brought(workspace, owner, write_video(tmp_path / "talk.mp4", seconds=0.4))
    assert (asset.status, asset.error_code) == (Status.REJECTED, "generation_input_video_invalid")


def test_endless_sound_is_refused_while_it_is_read(workspace, owner, tmp_path, monkeypatch):
    monkeypatch.setattr(checking.probe, "LONGEST_SOUND_S", 1)
    asset = brought(workspace, owner, write_audio(tmp_path / "quiet.wav", seconds=1.5, loud=0.0))
    assert (asset.status, asset.error_code) == (Status.REJECTED, "generation_input_audio_invalid")


def test_a_picture_of_absurdly_wide_pixels_costs_no_memory(tmp_path):
    info = replace(probe_media(write_video(tmp_path / "wide.mp4", seconds=0.4)), sample_aspect=Fraction(10**7))
    thumbnail(tmp_path / "wide.mp4", info, tmp_path / "thumbnail.webp")
    with Image.open(tmp_path / "thumbnail.webp") as picture:
        assert picture.size == (480, 1)


def test_a_picture_of_narrow_pixels_keeps_its_shape(tmp_path):
    film = write_video(tmp_path / "dv.mp4", seconds=0.4, size=(720, 576))
    thumbnail(film, replace(probe_media(film), sample_aspect=Fraction(16, 15)), tmp_path / "thumbnail.webp")
    with Image.open(tmp_path / "thumbnail.webp") as picture:
        assert picture.size == (480, 360)


def test_a_picture_that_unpacks_to_gigabytes_is_refused_before_it_is_unpacked(workspace, owner, tmp_path):
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(90_001))))
    with path.open("ab") as file:
        file.write(chunk(b"IEND", b""))
    asset = brought(workspace, owner, path)
    # "No picture can be decoded": one that was unpacked would be refused for its size
    assert (asset.status, asset.error_code) == (Status.REJECTED, "generation_input_video_invalid")


def test_a_fault_of_the_storage_leaves_the_file_to_another_try(workspace, owner, tmp_path, monkeypatch):
    def away(*args):
        raise OSError("The disk is away.")

    monkeypatch.setattr(checking.probe, "thumbnail", away)
    with pytest.raises(OSError, match="away"):
        brought(workspace, owner, write_video(tmp_path / "talk.mp4", seconds=0.4))
    assert Asset.objects.get().status == Status.CHECKING


def test_a_file_that_kills_its_worker_again_and_again_is_refused(workspace, owner, tmp_path, monkeypatch):
    asset = services.import_file(workspace=workspace, user=owner, path=write_audio(tmp_path / "a.wav"), name="a.wav")
    begun = []

    def killed(asset_id):
        begun.append(asset_id)
        raise Killed

    class Killed(BaseException):
        """The process is gone: nothing after it runs."""

    monkeypatch.setattr(tasks, "check_asset", killed)
    monkeypatch.setattr(tries, "_forget", lambda key: None)  # the dead clean nothing up
    for _ in range(tries.MOST_DEATHS):
        with pytest.raises(Killed):
            tasks.probe(str(asset.pk))
    monkeypatch.undo()
    tasks.probe(str(asset.pk))
    asset.refresh_from_db()
    assert (len(begun), asset.status, asset.error_code) == (3, "rejected", "generation_input_file_breaks_worker")
    assert "Export it again" in asset.error_message


def test_a_file_whose_check_failed_for_other_reasons_is_no_poison(workspace, owner, tmp_path, monkeypatch):
    asset = services.import_file(workspace=workspace, user=owner, path=write_audio(tmp_path / "a.wav"), name="a.wav")
    with monkeypatch.context() as broken:
        broken.setattr(tasks, "check_asset", MagicMock(side_effect=KeyError))
        for _ in range(2 * tries.MOST_DEATHS):
            with pytest.raises(KeyError):
                tasks.probe(str(asset.pk))
    tasks.probe(str(asset.pk))
    asset.refresh_from_db()
    assert asset.status == Status.READY
