// Package creatify is generated from openapi.yaml, except for this file.
package creatify

import "encoding/json"

// Unions as plain JSON. The generator's own models of them refuse values that match two members,
// and need another module.
type (
	// Progress is a number or a text.
	Progress = any
	// Variable is one of the typed variables, such as a TextVariable, or any other value.
	Variable = any
	// CustomTemplateJobList is an array or a page.
	CustomTemplateJobList = json.RawMessage
	// CustomTemplateList is an array or a page.
	CustomTemplateList = json.RawMessage
)
