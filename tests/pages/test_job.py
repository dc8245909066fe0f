"""Work beside a page: progress, result, failure, and stopping on request or when forgotten."""

import threading

import pytest

from pages.shared import job as jobs
from pages.shared.job import Job
from xray_models.explain.progress import Stopped, Work

PATIENCE = 20


def test_a_job_gives_its_result_and_says_how_far_it_is():
    halfway, go_on = threading.Event(), threading.Event()

    def work(progress, _stop):
        progress(3, 4)
        halfway.set()
        assert go_on.wait(PATIENCE)
        return "map"

    job = Job(work)
    assert halfway.wait(PATIENCE)
    assert job.running and job.share == 0.75 and job.seconds_left is not None
    assert job.result() is None
    go_on.set()
    job.wait(PATIENCE)
    assert not job.running and job.result() == "map" and job.failure is None and not job.stopped


def test_a_job_ends_before_the_next_batch_when_it_is_stopped():
    first, go_on = threading.Event(), threading.Event()
    batches = []

    def work(progress, stop):
        for part in Work(progress, stop).batches(64, 16):
            batches.append(part)
            first.set()
            assert go_on.wait(PATIENCE)

    job = Job(work)
    assert first.wait(PATIENCE)
    job.stop()
    go_on.set()
    job.wait(PATIENCE)
    assert job.stopped and not job.running and len(batches) == 1 and job.failure is None


def test_a_job_that_nobody_looks_at_ends_by_itself(monkeypatch):
    monkeypatch.setattr(jobs, "FORGOTTEN", -1.0)

    def work(_progress, stop):
        if stop():
            raise Stopped("Stopped.")

    job = Job(work)
    job.wait(PATIENCE)
    assert job.stopped


def test_a_failure_is_kept_for_the_page_that_waits():
    def work(_progress, _stop):
        raise ValueError("That does not fit.")

    job = Job(work)
    job.wait(PATIENCE)
    assert not job.running and job.result() is None
    assert str(job.failure) == "That does not fit."


def test_how_long_is_not_known_before_it_has_begun():
    go_on = threading.Event()
    job = Job(lambda _progress, _stop: go_on.wait(PATIENCE))
    assert job.seconds_left is None and job.share == pytest.approx(0)
    go_on.set()
    job.wait(PATIENCE)
