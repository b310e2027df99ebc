"""The state table: only its steps happen, each once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from apps.generations.models import Event, Generation, Status
from apps.generations.states import FINAL, TRANSITIONS, advance
from tests.factories import GenerationFactory


def test_the_table_has_every_state_and_ends():
    assert set(TRANSITIONS) == set(Status)
    assert {Status.COMPLETED, Status.FAILED, Status.REJECTED, Status.CANCELLED} == FINAL
    assert all(following <= set(Status) for following in TRANSITIONS.values())


@pytest.mark.django_db
def test_a_step_writes_its_fields_and_one_event():
    take = GenerationFactory()
    assert advance(take.pk, Status.PENDING, Status.FAILED, error_code="generation_timeout")
    take.refresh_from_db()
    assert (take.status, take.error_code, take.finished_at is not None) == ("FAILED", "generation_timeout", True)
    event = Event.objects.get(generation=take)
    assert (event.what, event.detail) == ("FAILED", {"code": "generation_timeout"})


@pytest.mark.django_db
def test_of_two_tries_one_succeeds():
    take = GenerationFactory()
    assert [advance(take.pk, Status.PENDING, Status.PROCESSING) for _ in range(2)] == [True, False]
    assert Event.objects.filter(generation=take).count() == 1


class AnyWalk(TestCase):
    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(st.sampled_from(Status), st.sampled_from(Status)), max_size=12))
    def test_no_walk_leaves_the_table_or_an_end(self, walk):
        take = GenerationFactory()
        seen = [Status.PENDING]
        for frm, to in walk:
            if to not in TRANSITIONS[frm]:
                with self.assertRaises(ValueError):
                    advance(take.pk, frm, to)
                continue
            moved = advance(take.pk, frm, to)
            assert moved == (seen[-1] == frm)
            if moved:
                seen.append(to)
            assert Generation.objects.get(pk=take.pk).status == seen[-1]
        assert len([status for status in seen if status in FINAL]) <= 1
        assert Event.objects.filter(generation=take).count() == len(seen) - 1
