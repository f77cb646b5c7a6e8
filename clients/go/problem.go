// Messages of the service's errors, which come in several shapes.

package main

import (
	"encoding/json"
	"errors"
	"sort"
	"strings"

	"creatify-from-go/creatify"
)

// messages returns all messages of a refusal. Gateways send pages or nothing instead of JSON.
func messages(err error) string {
	var refused *creatify.GenericOpenAPIError
	var body any
	if !errors.As(err, &refused) || json.Unmarshal(refused.Body(), &body) != nil {
		return ""
	}
	return strings.Join(within(body, ""), "; ")
}

func within(body any, field string) (found []string) {
	switch body := body.(type) {
	case string:
		if field != "" {
			body = field + ": " + body
		}
		return []string{body}
	case []any:
		for _, inner := range body {
			found = append(found, within(inner, field)...)
		}
	case map[string]any:
		for name, inner := range body {
			shown := strings.TrimPrefix(field+"."+name, ".")
			if name == "detail" || name == "non_field_errors" {
				shown = field
			}
			found = append(found, within(inner, shown)...)
		}
		sort.Strings(found)
	}
	return found
}
