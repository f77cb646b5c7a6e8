"""When is a job really done, and for how long is it waited for?"""

import time
from typing import Literal, assert_never
from uuid import UUID

import httpx

from creatify_client import AuthenticatedClient
from creatify_client.api.custom_template_jobs import get_custom_template_job
from creatify_client.models import CustomTemplateJob, JobStatus

# What a job was made for. Its status alone does not tell: while its video is rendered, a job may still say `done` from its preview.
Goal = Literal["preview", "video_output"]

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 15.0


class WaitEnded(Exception):
    """The wait ended; the job may go on, and has been paid for. Keep its id."""

    def __init__(self, job_id: UUID, reason: str) -> None:
        super().__init__(f"job {job_id}: {reason}")
        self.job_id = job_id


def wait_for(client: AuthenticatedClient, job_id: UUID, goal: Goal, seconds: float) -> str:
    """Look at the job until it has what it was made for, and return the link to that. Looking is free."""
    deadline = time.monotonic() + seconds
    pause, last = FIRST_PAUSE, "never seen"
    while (left := deadline - time.monotonic()) > 0:
        if job := look(client, job_id, left):
            if job.status != last:
                print(f"status {job.status}")
            last = str(job.status)
            if job.status == JobStatus.DONE:
                if link := output(job, goal):
                    return link  # otherwise it is done with something else
            elif job.status in (JobStatus.FAILED, JobStatus.REJECTED):
                raise WaitEnded(job_id, f"{job.status}: {job.failed_reason or 'no reason given'}")
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


def look(client: AuthenticatedClient, job_id: UUID, left: float) -> CustomTemplateJob | None:
    """The job as it is now, or nothing when the question may be asked again."""
    try:
        response = get_custom_template_job.sync_detailed(job_id, client=client.with_timeout(httpx.Timeout(min(left, 30))))
    except (httpx.HTTPError, ValueError):  # the network, a time-out, or a gateway's page instead of JSON
        return None
    if isinstance(response.parsed, CustomTemplateJob):
        return response.parsed
    if response.status_code == 429 or response.status_code >= 500:
        return None
    raise WaitEnded(job_id, f"looking at it was refused with {response.status_code:d}")
