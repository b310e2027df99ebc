"""Work of the projects room that runs on a worker."""

from celery import shared_task

from apps.projects.sample import sample_files


@shared_task(name="projects.draw_sample", ignore_result=True)
def draw_sample() -> None:
    """Draw the sample, once for the whole studio."""
    sample_files()
