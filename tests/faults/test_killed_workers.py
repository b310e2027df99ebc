"""Workers are killed at every stage: the take is finished all the same, and what was done is not done again."""

import pytest

from apps.assets.models import Asset
from apps.assets.models import Status as AssetStatus
from apps.assets.services import import_file
from apps.generations.models import Status
from tests.factories import write_audio
from tests.faults import engine
from tests.faults.stack import Workers, check_the_books, ended, lost_for_long, started, until
from tests.inference import fake

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = ["footage-a", "speech", "join", "plan", "render-0", "assemble", "proof"]


@pytest.mark.parametrize("step", STEPS)
def test_a_child_that_is_killed_in_a_step(workers: Workers, make_take, step):
    """Out of memory, or a crash in a codec: Celery hands the message out again at once."""
    fake.tell(fail_in=step, how="kill", times=1)
    take = ended(started(make_take()))
    assert take.status == Status.COMPLETED
    again = {"assemble": {"assemble"}, "proof": {"assemble", "proof"}}.get(step, {step})
    twice = {name for name in set(fake.calls()) if fake.calls().count(name) > 1}
    assert twice - {"assemble-with-sound"} == again  # which says whether a worker was free to make the sound in time
    check_the_books(take)


@pytest.mark.parametrize("step", ["footage-b", "render-10", "assemble"])
def test_all_workers_lose_power_in_a_step(workers: Workers, make_take, step):
    engine.hold_in(step)
    take = started(make_take())
    until(engine.is_held, f"{step} is at work")
    before = fake.calls()
    workers.kill()
    workers.start()
    lost_for_long(take)
    assert ended(take, sweeps=True).status == Status.COMPLETED
    finished = {name for name in before if not name.startswith(step)} - {"footage-a", "speech", "render-0"}
    assert all(fake.calls().count(name) == 1 for name in finished)
    assert take.attempts == 2
    check_the_books(take)


def test_a_step_that_always_kills_its_worker_is_given_up(workers: Workers, make_take):
    fake.tell(fail_in="render-10", how="kill")
    take = started(make_take())
    other = started(make_take(options={"temperature": 0.9}, model="lipsync-2"))
    take, other = ended(take), ended(other)
    for one in (take, other):
        assert (one.status, one.error_code) == (Status.FAILED, "generation_pipeline_failed")
        assert "broke its worker" in one.error_message
    assert fake.calls().count("render-10") == 6
    assert fake.calls().count("render-0") == 2
    check_the_books(take, other)
    fake.tell()
    again = ended(started(make_take()))
    assert again.status == Status.COMPLETED
    assert "render-0" not in fake.calls()
    check_the_books(take, other, again)


def test_a_file_that_always_kills_its_probe_is_refused(workers: Workers, workspace, owner, tmp_path):
    path = write_audio(tmp_path / engine.POISON_NAME)
    poison = import_file(workspace=workspace, user=owner, path=path, name=path.name)
    until(lambda: Asset.objects.get(pk=poison.pk).status != AssetStatus.CHECKING, "the file is refused")
    poison.refresh_from_db()
    assert (poison.status, poison.error_code) == (AssetStatus.REJECTED, "generation_input_file_breaks_worker")
    assert fake.calls().count("poison") == 3
