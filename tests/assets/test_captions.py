"""Captions: SubRip and WebVTT are read, and nothing but times and words comes through."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from apps.assets.captions import MOST_CUES, Cue, read_captions, to_vtt
from apps.generations.models import Status
from studio.errors import StudioError
from tests.factories import AssetFactory, GenerationFactory

SRT = (
    b"\xef\xbb\xbf1\r\n00:00:01,000 --> 00:00:02,500\r\nGood <i>evening</i>.\r\n\r\n"
    b"2\r\n00:00:03,25 --> 00:00:04,000\r\nTwo\r\nlines\r\n"
)
VTT = b"""WEBVTT
STYLE
::cue { background: url(https://elsewhere.example/pixel) }

NOTE --> is not a time

intro
00:01.000 --> 00:02.500 line:0 position:10%
<v Maren><c.loud>Good evening.</c>
"""


def test_both_formats_give_times_and_words():
    assert read_captions(SRT) == [Cue(1.0, 2.5, "Good evening."), Cue(3.25, 4.0, "Two\nlines")]
    assert read_captions(VTT) == [Cue(1.0, 2.5, "Good evening.")]
    assert read_captions("1\n0:00:01,0 --> 0:00:02,0\nÜber".encode("utf-16"))[0].text == "Über"
    assert read_captions("1\n0:00:01,0 --> 0:00:02,0\nÜber".encode("cp1252"))[0].text == "Über"


def test_what_is_served_holds_no_markup_style_or_second_cue():
    evil = b"1\n00:00:01,000 --> 00:00:02,000\n&lt;script&gt;alert(1)&lt;/script&gt; <b onclick=x>a</b> --&gt; &amp;\n"
    served = to_vtt(read_captions(evil))
    assert served == ("WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n&lt;script&gt;alert(1)&lt;/script&gt; a --&gt; &amp;\n")
    assert "url(" not in to_vtt(read_captions(VTT))
    assert read_captions(served.encode()) == read_captions(evil), "read again it is the same"


@pytest.mark.parametrize("raw", [b"", b"hello", b"1\n00:00:05,000 --> 00:00:01,000\nBackward", b"\x00\xff" * 50])
def test_what_holds_no_captions_is_refused_in_words(raw):
    with pytest.raises(StudioError) as refusal:
        read_captions(raw)
    assert (refusal.value.code, refusal.value.status) == ("captions_unreadable", 422)


def test_a_very_long_file_is_cut_and_a_huge_one_refused():
    many = b"".join(b"1\n00:00:01,000 --> 00:00:02,000\nA\n\n" for _ in range(MOST_CUES + 5))
    assert len(read_captions(many)) == MOST_CUES
    with pytest.raises(StudioError, match="larger than 2 MB"):
        read_captions(b"x" * 3_000_000)


@pytest.mark.django_db
def test_captions_of_a_take_are_added_served_and_removed(as_person, owner, viewer, outsider, workspace):
    result = AssetFactory(workspace=workspace, video=True)
    take = GenerationFactory(workspace=workspace, number=1, status=Status.COMPLETED, result=result, report={})
    address = reverse("generations:captions", args=["harbour", take.project_id, 1])
    served = reverse("assets:captions", args=["harbour", result.pk])
    client = as_person(owner)
    assert client.get(served).status_code == 404
    page = client.post(address, {"captions": SimpleUploadedFile("a.srt", SRT)}, follow=True).text
    assert "2 captions added" in page
    assert f'src="{served}"' in page
    answer = as_person(viewer).get(served)
    assert answer["Content-Type"] == "text/vtt; charset=utf-8"
    assert b"".join(answer.streaming_content).startswith(b"WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nGood evening.")
    assert as_person(outsider).get(served).status_code == 404
    refused = client.post(address, {"captions": SimpleUploadedFile("a.srt", b"nothing")}, follow=True).text
    assert "No captions with times were found in the file." in refused
    client.post(address, {"remove": "yes"})
    assert client.get(served).status_code == 404
