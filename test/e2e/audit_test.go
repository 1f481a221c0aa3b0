package e2e

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// policy makes the API server write one line for each request that writes.
const policy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
- level: None
`

// audit is where the API server writes.
var audit string

// auditArgs writes the policy into a folder and returns the API server's arguments.
func auditArgs(dir string) ([]string, error) {
	file := filepath.Join(dir, "audit-policy.yaml")
	audit = filepath.Join(dir, "audit.log")

	return []string{"--audit-policy-file=" + file, "--audit-log-path=" + audit}, os.WriteFile(file, []byte(policy), 0o600)
}

// request is one that wrote, or tried to.
type request struct {
	User struct {
		Username string `json:"username"`
	} `json:"user"`
	Verb      string `json:"verb"`
	ObjectRef struct {
		Resource    string `json:"resource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
		APIGroup    string `json:"apiGroup"`
		Subresource string `json:"subresource"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	StageTimestamp time.Time `json:"stageTimestamp"`
}

// writes are the requests of a time that wrote, or tried to, in some namespaces;
// without leases and events.
func writes(t *testing.T, from, to time.Time, namespaces ...string) []request {
	t.Helper()

	f, err := os.Open(audit)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()

	var all []request

	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)

	for lines.Scan() {
		r := request{}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			// The last line may be on its way.
			continue
		}

		if r.StageTimestamp.Before(from) || r.StageTimestamp.After(to) || r.ObjectRef.Resource == "leases" || r.ObjectRef.Resource == "events" {
			continue
		}

		for _, ns := range namespaces {
			if r.ObjectRef.Namespace == ns {
				all = append(all, r)
			}
		}
	}

	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}

	return all
}

// who shortens a user's name.
func who(user string) string { return user[strings.LastIndexByte(user, ':')+1:] }
