"""How files are described: exact figures, units after a no-break space, nothing made up where a fact is missing."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.assets.library import day_name
from apps.assets.models import Asset, Origin, Status
from apps.assets.presentation import facts, icon_of, summary
from apps.assets.wave import COLUMNS, columns, outline
from studio.templatetags.measures import clock, rate, size

TODAY = date(2026, 11, 22)


def video(**changes) -> Asset:
    fields = {
        "kind": "video",
        "status": Status.READY,
        "size": 214_000_000,
        "width": 1920,
        "height": 1080,
        "fps_num": 30000,
        "fps_den": 1001,
        "frame_count": 1440,
        "duration_s": 48.048,
        "container": "mp4",
        "video_codec": "h264",
        "audio_codec": "aac",
        "sample_rate": 48000,
        "channels": 2,
    }
    return Asset(**(fields | changes))


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("asset", "line"),
    [
        (video(), "1080p, 29.97 fps, 214 MB"),
        (video(width=1080, height=1920, fps_num=30, fps_den=1, size=9_600_000), "1080×1920, 30 fps, 9.6 MB"),
        (video(width=640, height=272), "640×272, 29.97 fps, 214 MB"),
        (Asset(kind="audio", status="ready", sample_rate=44100, channels=1, size=812), "44.1 kHz, mono, 812 bytes"),
        (Asset(kind="audio", status="ready", sample_rate=48000, channels=6, size=2400), "48 kHz, 2.4 kB"),
        (Asset(kind="image", status="ready", width=1920, height=1080, size=1_100_000), "1920×1080, 1.1 MB"),
        (video(status=Status.CHECKING), "214 MB"),
    ],
)
def test_the_line_under_a_name(asset, line):
    assert plain(summary(asset)) == line


def test_the_table_of_facts_tells_what_the_probe_found_and_leaves_the_rest_out():
    table = {fact.label: plain(fact.value) for fact in facts(video(variable_rate=True, rotation=90))}
    assert table == {
        "Length": "0:48.0",
        "Picture": "1920×1080",
        "Frames": "1,440 at 29.97 fps, varying",
        "Turned by": "90° in the file",
        "Sound": "AAC, 48 kHz, stereo",
        "Size": "214 MB",
        "Format": "mp4, H.264",
        "Came by": "Upload",
    }
    silent = {fact.label: fact.value for fact in facts(video(audio_codec="", origin=Origin.RESULT))}
    assert (silent["Sound"], silent["Came by"]) == ("none", "Result")
    unknown = {fact.label for fact in facts(Asset(status=Status.CHECKING, size=5))}
    assert unknown == {"Size", "Came by"}


def test_a_file_of_unknown_kind_has_a_plain_icon():
    assert [icon_of(Asset(kind=kind)) for kind in ("video", "audio", "image", "")] == [
        "film",
        "audio-lines",
        "image",
        "file",
    ]


@pytest.mark.parametrize(
    ("seconds", "decimals", "text"),
    [
        (0, 0, "0:00"),
        (48.99, 0, "0:48"),
        (372, 0, "6:12"),
        (3723, 0, "1:02:03"),
        (8.45, 1, "0:08.4"),
        (59.96, 1, "1:00.0"),
        (39.4, 3, "0:39.400"),
        (None, 0, ""),
    ],
)
def test_times(seconds, decimals, text):
    assert clock(seconds, decimals) == text


@given(st.floats(0, 1e6), st.integers(0, 3))
def test_a_time_never_shows_sixty_seconds_and_reads_back(seconds, decimals):
    parts = clock(seconds, decimals).split(":")
    assert float(parts[-1]) < 60
    total = sum(float(part) * 60**power for power, part in enumerate(reversed(parts)))
    assert abs(total - seconds) <= (1 if decimals == 0 else 0.51 * 10**-decimals + 1e-6)


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (62_400_000, "62 MB"), (None, "")]
)
def test_sizes(count, text):
    assert plain(size(count)) == text


def test_rates():
    assert [plain(rate(fps)) for fps in (25.0, 30000 / 1001, 23.976023976, 0, None)] == [
        "25 fps",
        "29.97 fps",
        "23.98 fps",
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2026, 11, 22), "Today"),
        (date(2026, 11, 21), "Yesterday"),
        (date(2026, 11, 16), "Monday"),
        (date(2026, 11, 15), "15 November"),
        (date(2025, 12, 1), "1 December 2025"),
        (date(2026, 11, 23), "23 November"),
    ],
)
def test_day_headings(day, name):
    assert day_name(day, TODAY) == name


@given(st.lists(st.tuples(st.integers(-127, 0), st.integers(0, 127)), max_size=400))
def test_a_waveform_keeps_its_loudest_moment_and_its_height(peaks):
    shape = columns([list(pair) for pair in peaks])
    assert len(shape) == COLUMNS
    assert max(high for _, high in shape) == max([high for _, high in peaks], default=0)
    assert min(low for low, _ in shape) == min([low for low, _ in peaks], default=0)
    heights = [float(point.split(",")[1]) for point in outline(shape).strip("MZ").split()]
    assert all(0 <= height <= 100 for height in heights)
