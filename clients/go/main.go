// The asynchronous preview from Go, with a client generated from openapi.yaml, and refusals.
//
//	go run . preview TEMPLATE_ID CREDIT_RATES
//	go run . check-estimates CREDIT_RATES ESTIMATES
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"creatify-from-go/creatify"
)

func main() {
	if len(os.Args) != 4 {
		exit("usage: preview TEMPLATE_ID CREDIT_RATES | check-estimates CREDIT_RATES ESTIMATES")
	}
	switch os.Args[1] {
	case "preview":
		showPreview(os.Args[2], os.Args[3])
	case "check-estimates":
		checkEstimates(os.Args[2], os.Args[3])
	}
}

// connect sets the credentials, which act as a password: they come from the environment, and are
// never logged.
func connect(apiKey string) *creatify.APIClient {
	config := creatify.NewConfiguration()
	if url := os.Getenv("CREATIFY_BASE_URL"); url != "" {
		config.Servers = creatify.ServerConfigurations{{URL: url}}
	}
	config.AddDefaultHeader("X-API-ID", os.Getenv("CREATIFY_API_ID"))
	config.AddDefaultHeader("X-API-KEY", apiKey)
	refuse := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	config.HTTPClient = &http.Client{CheckRedirect: refuse} // credentials go nowhere else
	return creatify.NewAPIClient(config)
}

func showPreview(template, ratesFile string) {
	api := connect(os.Getenv("CREATIFY_API_KEY"))

	// The cost. The template decides the video's length; 20 to 45 s are assumed here.
	var rates rateCards
	read(ratesFile, &rates)
	if cost := rates.Cards[rates.Default].estimate("preview", "standard", seconds{"20", "45"}, 1); cost != nil {
		fmt.Printf("a preview will cost %s to %s credits\n", cost.Min, cost.Max)
	}

	// This is charged. When no answer comes, the outcome is unknown: search for the job in the list,
	// and do not send it again.
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	request := creatify.NewCustomTemplateJobRequest(template, map[string]creatify.Variable{
		"headline": creatify.NewTextVariable("text", creatify.TextProperties{Content: creatify.PtrString("Summer sale")}),
		"hero":     creatify.NewImageVariable("image", *creatify.NewMediaProperties("https://cdn.example.com/shoes/hero.png")),
	})
	request.SetName("From Go")
	job, _, err := api.CustomTemplateJobsAPI.PreviewCustomTemplateJobAsync(ctx).CustomTemplateJobRequest(*request).Execute()
	if err != nil {
		exit(err.Error(), messages(err))
	}
	fmt.Printf("job %s was accepted\n", job.Id) // write it down: any process can wait for it

	link, err := waitFor(ctx, api, job.Id, preview, "")
	if err != nil {
		exit(err.Error())
	}
	fmt.Println("preview", link) // for an iframe

	// The video, which is charged too. One that failed is rendered once more.
	before := creatify.JOBSTATUS_DONE
	for attempt := 1; ; attempt++ {
		body := *creatify.NewRenderCustomTemplateJobRequest()
		render := api.CustomTemplateJobsAPI.RenderCustomTemplateJob(ctx, job.Id)
		if _, _, err := render.RenderCustomTemplateJobRequest(body).Execute(); err != nil {
			exit(err.Error(), messages(err))
		}
		link, err := waitFor(ctx, api, job.Id, video, before)
		var ended *jobEnded
		if err == nil {
			fmt.Println("video", link)
			break
		} else if attempt > 1 || !errors.As(err, &ended) {
			exit(err.Error())
		}
		before = ended.status
	}

	// Wrong credentials.
	_, nobody, err := connect("wrong").AccountAPI.GetRemainingCredits(ctx).Execute()
	refused(nobody, err, http.StatusUnauthorized)

	// A wrong request: every field that is wrong is named. Nothing is charged.
	request = creatify.NewCustomTemplateJobRequest("not-a-uuid", map[string]creatify.Variable{
		"hero": creatify.NewImageVariable("image", *creatify.NewMediaProperties("nowhere")),
	})
	_, wrong, err := api.CustomTemplateJobsAPI.PreviewCustomTemplateJobAsync(ctx).CustomTemplateJobRequest(*request).Execute()
	refused(wrong, err, http.StatusBadRequest)
}

func refused(answer *http.Response, err error, status int) {
	if answer == nil || answer.StatusCode != status {
		exit("expected", http.StatusText(status))
	}
	fmt.Printf("refused with %d: %s\n", answer.StatusCode, messages(err))
}

// checkEstimates compares the estimates with those of the Rust crate.
func checkEstimates(ratesFile, vectorsFile string) {
	var rates rateCards
	read(ratesFile, &rates)
	var vectors []struct {
		RateCard     string `json:"rate_card"`
		Operation    string
		ModelVersion string `json:"model_version"`
		Seconds      seconds
		Count        int64
		Credits      *creditRange
	}
	read(vectorsFile, &vectors)
	equal := 0
	for _, vector := range vectors {
		here := rates.Cards[vector.RateCard].estimate(vector.Operation, vector.ModelVersion, vector.Seconds, vector.Count)
		if (here == nil) == (vector.Credits == nil) && (here == nil || *here == *vector.Credits) {
			equal++
		} else {
			fmt.Fprintf(os.Stderr, "%+v but here %+v\n", vector, here)
		}
	}
	fmt.Printf("%d of %d estimates are equal\n", equal, len(vectors))
	if equal != len(vectors) || equal == 0 {
		os.Exit(1)
	}
}

func read(file string, into any) {
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		exit(file, err.Error())
	}
}

func exit(words ...any) {
	fmt.Fprintln(os.Stderr, words...)
	os.Exit(1)
}
