"""Waiting for a job, until it has the output it was made for or a deadline."""

import time
from typing import Literal, assert_never
from uuid import UUID

import httpx

from creatify_client import AuthenticatedClient
from creatify_client.api.custom_template_jobs import get_custom_template_job
from creatify_client.models import CustomTemplateJob, JobStatus

# The output a job is waited for. Its status alone is not enough: while its video is rendered, a job
# may still say `done` from its preview.
Goal = Literal["preview", "video_output"]

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 15.0
# A job that is rendered again may show for this long how it had ended before.
LEFTOVER = 120.0


class WaitEnded(Exception):
    """The wait ended; the job may go on, and has been paid for. Keep its id."""

    def __init__(self, job_id: UUID, reason: str) -> None:
        super().__init__(f"job {job_id}: {reason}")
        self.job_id = job_id


class JobEnded(WaitEnded):
    """The job ended without its output."""

    def __init__(self, job_id: UUID, status: JobStatus, reason: str) -> None:
        super().__init__(job_id, f"{status}: {reason}")
        self.status = status


def wait_for(
    client: AuthenticatedClient,
    job_id: UUID,
    goal: Goal,
    seconds: float,
    before: JobStatus | None = None,
) -> str:
    """Poll the job until it has its output, and return the link to it. Polling is free.

    `before` is the status that the job had before it was rendered just now: `failed` or `rejected`
    may be left over from then.
    """
    started = time.monotonic()
    deadline, leftover = started + seconds, before
    pause, last = FIRST_PAUSE, "never seen"
    while (left := deadline - time.monotonic()) > 0:
        if job := read(client, job_id, left):
            if job.status != last:
                print(f"status {job.status}")
            last = str(job.status)
            if job.status != leftover:
                leftover = None
            if job.status == JobStatus.DONE:
                if link := output(job, goal):
                    return link  # otherwise it is done with something else
            elif job.status in (JobStatus.FAILED, JobStatus.REJECTED):
                if job.status != leftover or time.monotonic() - started >= LEFTOVER:
                    raise JobEnded(job_id, job.status, job.failed_reason or "no reason given")
            # Still going, also when this client has never heard of the status.
        time.sleep(max(min(pause, deadline - time.monotonic()), 0))
        pause = min(pause * 1.5, LONGEST_PAUSE)
    raise WaitEnded(job_id, f"still going at the deadline ({last})")


def output(job: CustomTemplateJob, goal: Goal) -> str | None:
    match goal:
        case "preview":
            return job.preview or None
        case "video_output":
            return job.video_output or None
        case _:
            assert_never(goal)


def read(client: AuthenticatedClient, job_id: UUID, left: float) -> CustomTemplateJob | None:
    """Return the job as it is now, or None when it may be read again."""
    try:
        bounded = client.with_timeout(httpx.Timeout(min(left, 30)))
        response = get_custom_template_job.sync_detailed(job_id, client=bounded)
    except (httpx.HTTPError, ValueError):
        return None  # the network, a time-out, or a gateway's page instead of JSON
    if isinstance(response.parsed, CustomTemplateJob):
        return response.parsed
    if response.status_code == 429 or response.status_code >= 500:
        return None
    raise WaitEnded(job_id, f"its status was refused with {response.status_code:d}")
