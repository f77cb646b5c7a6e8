"""Make an asynchronous preview and its video, and show refusals.

python preview.py TEMPLATE_ID CREDIT_RATES
"""

import json
import os
import sys
from fractions import Fraction
from pathlib import Path
from uuid import UUID

import httpx

from creatify_client import AuthenticatedClient
from creatify_client.api.account import get_remaining_credits
from creatify_client.api.custom_template_jobs import (
    preview_custom_template_job_async,
    render_custom_template_job,
)
from creatify_client.models import (
    CustomTemplateJob,
    CustomTemplateJobRequest,
    JobStatus,
    RenderCustomTemplateJobRequest,
    Variables,
)
from estimate import estimate
from problem import messages
from wait import JobEnded, wait_for


def connect(api_key: str) -> AuthenticatedClient:
    """The credentials act as a password: they come from the environment, and are never logged."""
    return AuthenticatedClient(
        os.environ.get("CREATIFY_BASE_URL", "https://api.creatify.ai"),
        token=api_key,
        prefix="",
        auth_header_name="X-API-KEY",
        headers={"X-API-ID": os.environ["CREATIFY_API_ID"]},
        timeout=httpx.Timeout(30),
    )


template_id, rates_file = UUID(sys.argv[1]), Path(sys.argv[2])
client = connect(os.environ["CREATIFY_API_KEY"])

# The cost. The template decides the video's length; 20 to 45 s are assumed here.
rates = json.loads(rates_file.read_text())
card = rates["cards"][rates["default"]]
cost = estimate(card, "preview", "standard", (Fraction(20), Fraction(45)))
if cost:
    print(f"a preview will cost {cost.least} to {cost.most} credits")

# This is charged. When no answer comes, the outcome is unknown: search for the job in the list, and
# do not send it again.
variables = Variables.from_dict(
    {
        "headline": {"type": "text", "properties": {"content": "Summer sale"}},
        "hero": {"type": "image", "properties": {"url": "https://cdn.example.com/shoes/hero.png"}},
    }
)
request = CustomTemplateJobRequest(template_id=template_id, variables=variables, name="From Python")
submitted = preview_custom_template_job_async.sync_detailed(client=client, body=request)
if not isinstance(submitted.parsed, CustomTemplateJob):
    sys.exit(f"{submitted.status_code:d}: {messages(submitted.content)}")
print(f"job {submitted.parsed.id} was accepted")  # write it down: any process can wait for it

link = wait_for(client, submitted.parsed.id, "preview", seconds=20 * 60)
print(f"preview {link}")  # for an iframe

# The video, which is charged too. One that failed is rendered once more.
job_id, before = submitted.parsed.id, JobStatus.DONE
for attempt in (1, 2):
    rendering = render_custom_template_job.sync_detailed(
        job_id, client=client, body=RenderCustomTemplateJobRequest()
    )
    if not isinstance(rendering.parsed, CustomTemplateJob):
        sys.exit(f"{rendering.status_code:d}: {messages(rendering.content)}")
    try:
        video = wait_for(client, job_id, "video_output", seconds=20 * 60, before=before)
        print(f"video {video}")
        break
    except JobEnded as ended:
        if attempt == 2:
            raise
        before = ended.status

# Wrong credentials.
nobody = get_remaining_credits.sync_detailed(client=connect("wrong"))
print(f"refused with {nobody.status_code:d}: {messages(nobody.content)}")

# A wrong request: every field that is wrong is named. Nothing is charged.
no_image = Variables.from_dict({"hero": {"type": "image", "properties": {"url": "nowhere"}}})
no_template = UUID(int=0)
wrong = preview_custom_template_job_async.sync_detailed(
    client=client, body=CustomTemplateJobRequest(template_id=no_template, variables=no_image)
)
print(f"refused with {wrong.status_code:d}: {messages(wrong.content)}")

if (nobody.status_code, wrong.status_code) != (401, 400):
    sys.exit(1)
