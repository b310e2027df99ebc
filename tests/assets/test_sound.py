"""The sound of a film as a file of its own."""

import av
import numpy as np
import pytest

from apps.assets.models import Status
from apps.assets.services import extract_sound
from apps.assets.sound import sound_of
from apps.workspaces.models import Visibility
from studio.errors import StudioError
from tests.browser.stage import film
from tests.factories import AssetFactory, write_audio, write_video

pytestmark = pytest.mark.django_db


def seconds_of(track) -> float:
    with av.open(track.file, "r") as container:
        rate = container.streams.audio[0].rate
        return sum(frame.samples for frame in container.decode(audio=0)) / rate


def test_the_aac_of_a_film_is_copied_as_it_is(tmp_path):
    film = write_video(tmp_path / "film.mp4", seconds=1.0, sound=True)
    track = sound_of(film)
    assert (track.suffix, track.content_type) == (".m4a", "audio/mp4")
    assert seconds_of(track) == pytest.approx(1.0, abs=0.15)
    track.file.seek(0)
    with av.open(track.file, "r") as copied, av.open(str(film)) as source:
        ours = [bytes(packet) for packet in copied.demux(audio=0) if packet.size]
        theirs = [bytes(packet) for packet in source.demux(audio=0) if packet.size]
    assert ours == theirs


def test_other_sound_becomes_flac_sample_for_sample(tmp_path):
    wave = write_audio(tmp_path / "voice.wav", seconds=0.5)
    track = sound_of(wave)
    assert track.suffix == ".flac"
    with av.open(track.file, "r") as ours, av.open(str(wave)) as theirs:
        heard = [np.concatenate([f.to_ndarray() for f in c.decode(audio=0)], axis=1) for c in (ours, theirs)]
    assert np.array_equal(*heard)


def test_a_silent_film_says_so(tmp_path):
    with pytest.raises(StudioError) as refused:
        sound_of(write_video(tmp_path / "film.mp4", seconds=0.2))
    assert refused.value.code == "asset_without_sound"


LISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:1.0,\n{other}\n#EXT-X-ENDLIST\n",
    "endless.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:1.0,\n{other}\n",  # asked again and again for more
    "list.mp4": "ffconcat version 1.0\nfile {other.name}\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_other_files_is_no_film(name, tmp_path):
    other = write_video(tmp_path / "other.mp4", seconds=1.0, sound=True)
    (tmp_path / name).write_text(LISTS[name].format(other=other))
    with pytest.raises(StudioError) as refused:
        sound_of(tmp_path / name)
    assert refused.value.code == "asset_sound_unreadable"


@pytest.mark.parametrize("status", [Status.CHECKING, Status.REJECTED])
def test_what_was_not_found_to_be_a_film_is_not_opened(status, membership, monkeypatch):
    monkeypatch.setattr("apps.assets.services.sound_of", lambda path: pytest.fail("it was opened"))
    asset = AssetFactory(workspace=membership.workspace, status=status)
    with pytest.raises(StudioError) as refused:
        extract_sound(membership=membership, asset=asset)
    assert refused.value.code == "asset_not_ready"


def test_the_sound_of_a_private_film_is_private(membership, tmp_path, monkeypatch):
    monkeypatch.setattr("apps.assets.services.celery_app.send_task", lambda name, args: None)
    asset = film(membership, tmp_path, "film.mp4", 0.5)
    asset.visibility = Visibility.PRIVATE
    asset.save()
    assert extract_sound(membership=membership, asset=asset).visibility == Visibility.PRIVATE
