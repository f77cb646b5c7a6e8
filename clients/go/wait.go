// When is a job really done, and for how long is it waited for?

package main

import (
	"context"
	"fmt"
	"time"

	"creatify-from-go/creatify"
)

// A goal is what a job was made for: it takes the link to that out of the job. The status alone does not tell: a job whose video is being
// rendered may still say `done` from its preview.
type goal func(*creatify.CustomTemplateJob) string

func preview(job *creatify.CustomTemplateJob) string { return job.GetPreview() }

const (
	requestTimeout = 30 * time.Second
	firstPause     = 500 * time.Millisecond
	longestPause   = 15 * time.Second
)

// waitFor looks at the job until it has what it was made for, and returns the link to that. Looking is free. When the wait ends otherwise,
// the job may go on, and has been paid for: keep its id.
func waitFor(ctx context.Context, api *creatify.APIClient, id string, goal goal) (string, error) {
	last := "never seen"
	for pause := firstPause; ; pause = min(pause*3/2, longestPause) {
		job, err := look(ctx, api, id)
		if err != nil {
			return "", fmt.Errorf("job %s: %w", id, err)
		}
		if job != nil {
			if last != string(job.Status) {
				fmt.Println("status", job.Status)
			}
			last = string(job.Status)
			switch job.Status {
			case creatify.JOBSTATUS_DONE:
				if link := goal(job); link != "" {
					return link, nil
				} // done with something else
			case creatify.JOBSTATUS_FAILED, creatify.JOBSTATUS_REJECTED:
				return "", fmt.Errorf("job %s: %s: %s", id, job.Status, job.GetFailedReason())
			default: // still going, also when this client has never heard of the status
			}
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("job %s: still going at the deadline (%s): %w", id, last, ctx.Err())
		case <-time.After(pause):
		}
	}
}

// look is the job as it is now, or nothing when the question may be asked again.
func look(ctx context.Context, api *creatify.APIClient, id string) (*creatify.CustomTemplateJob, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	job, answer, err := api.CustomTemplateJobsAPI.GetCustomTemplateJob(ctx, id).Execute()
	switch {
	case err == nil:
		return job, nil
	case answer == nil, answer.StatusCode < 300, answer.StatusCode == 429, answer.StatusCode >= 500:
		return nil, nil // the network, a time-out, or a gateway's page instead of JSON
	default:
		return nil, fmt.Errorf("looking at it was refused with %d", answer.StatusCode)
	}
}

func min(a, b time.Duration) time.Duration {
	if a < b {
		return a
	}
	return b
}
