// Waiting for a job, until it has the output it was made for or a deadline.

package main

import (
	"context"
	"fmt"
	"time"

	"creatify-from-go/creatify"
)

// A goal returns the output that a job is waited for. The status alone is not enough: while its
// video is rendered, a job may still say `done` from its preview.
type goal func(*creatify.CustomTemplateJob) string

func preview(job *creatify.CustomTemplateJob) string { return job.GetPreview() }

func video(job *creatify.CustomTemplateJob) string { return job.GetVideoOutput() }

// A jobEnded is the error of a job that ended without its output.
type jobEnded struct {
	id     string
	status creatify.JobStatus
	reason string
}

func (ended *jobEnded) Error() string {
	return fmt.Sprintf("job %s: %s: %s", ended.id, ended.status, ended.reason)
}

const (
	requestTimeout = 30 * time.Second
	firstPause     = 500 * time.Millisecond
	longestPause   = 15 * time.Second
	// A job that is rendered again may show for this long how it had ended before.
	leftoverGrace = 120 * time.Second
)

// waitFor polls the job until it has its output, and returns the link to it. Polling is free. When
// the wait ends otherwise, the job may go on, and has been paid for: keep its id.
//
// before is the status that the job had before it was rendered just now: "failed" or "rejected" may
// be left over from then.
func waitFor(
	ctx context.Context, api *creatify.APIClient, id string, goal goal, before creatify.JobStatus,
) (string, error) {
	started, leftover, last := time.Now(), before, "never seen"
	for pause := firstPause; ; pause = min(pause*3/2, longestPause) {
		job, err := readJob(ctx, api, id)
		if err != nil {
			return "", fmt.Errorf("job %s: %w", id, err)
		}
		if job != nil {
			if last != string(job.Status) {
				fmt.Println("status", job.Status)
			}
			last = string(job.Status)
			if job.Status != leftover {
				leftover = ""
			}
			switch job.Status {
			case creatify.JOBSTATUS_DONE:
				if link := goal(job); link != "" {
					return link, nil
				} // done with something else
			case creatify.JOBSTATUS_FAILED, creatify.JOBSTATUS_REJECTED:
				if job.Status != leftover || time.Since(started) >= leftoverGrace {
					return "", &jobEnded{id, job.Status, job.GetFailedReason()}
				}
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

// readJob returns the job as it is now, or nil when it may be read again.
func readJob(ctx context.Context, api *creatify.APIClient, id string) (*creatify.CustomTemplateJob, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	job, answer, err := api.CustomTemplateJobsAPI.GetCustomTemplateJob(ctx, id).Execute()
	switch {
	case err == nil:
		return job, nil
	case answer == nil, answer.StatusCode < 300, answer.StatusCode == 429, answer.StatusCode >= 500:
		return nil, nil // the network, a time-out, or a gateway's page instead of JSON
	default:
		return nil, fmt.Errorf("its status was refused with %d", answer.StatusCode)
	}
}

func min(a, b time.Duration) time.Duration {
	if a < b {
		return a
	}
	return b
}
