"""Work beside one's own: what it makes, what it raises, and that it stops."""

import time

import pytest

from apps.inference.engine.beside import beside
from apps.inference.engine.errors import EngineError, audio_invalid
from apps.inference.engine.progress import Cancelled, checkpoint, stoppable


def endless():
    while True:
        checkpoint()
        time.sleep(0.001)


def test_what_is_made_beside_is_handed_over():
    with beside(lambda: 3) as made:
        assert made() == 3


def test_an_error_is_raised_where_its_result_is_asked_for():
    def fails():
        raise audio_invalid("No sound.")

    with beside(fails) as made, pytest.raises(EngineError, match=r"No sound\."):
        made()


def test_work_ends_with_the_block_that_no_longer_waits_for_it():
    with pytest.raises(ValueError, match="no face"), beside(endless):
        raise ValueError("no face")


def test_a_run_that_is_cancelled_stops_the_work_beside_it():
    with stoppable(lambda: True), beside(endless) as made, pytest.raises(Cancelled):
        made()


def test_inner_and_outer_caller_may_both_stop():
    with stoppable(lambda: True), stoppable(lambda: False), pytest.raises(Cancelled):
        checkpoint()
    with stoppable(None), stoppable(None):
        checkpoint()
