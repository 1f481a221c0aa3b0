package provider

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
)

// A request that the API server has answered, or has begun to answer if it is a watch.
type request struct {
	Stage      string `json:"stage"`
	Verb       string `json:"verb"`
	RequestURI string `json:"requestURI"`
	User       struct {
		Username string `json:"username"`
	} `json:"user"`
	Object struct {
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
		Resource    string `json:"resource"`
		Group       string `json:"apiGroup"`
		Subresource string `json:"subresource"`
	} `json:"objectRef"`
	Response struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	Received string `json:"requestReceivedTimestamp"`
}

// resource with its subresource, as rules of roles name it.
func (r request) resource() string {
	if r.Object.Subresource != "" {
		return r.Object.Resource + "/" + r.Object.Subresource
	}
	return r.Object.Resource
}

// writes is true if a request changes something. Renewing a lease counts as nothing.
func (r request) writes() bool {
	return slices.Contains([]string{"create", "update", "patch", "delete", "deletecollection"}, r.Verb) && r.Object.Resource != "leases"
}

// requests returns all requests of users whose names begin so.
func (s *scenario) requests(user string) []request {
	s.Helper()
	f, err := os.Open(audit)
	s.must(err)
	defer f.Close()
	var out []request
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		// Most lines are of other scenarios.
		if !strings.Contains(lines.Text(), user) {
			continue
		}
		r := request{}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			continue // The last line may be half written.
		}
		// A watch is answered when it begins, and again when it ends.
		if strings.HasPrefix(r.User.Username, user) && (r.Verb == "watch") == (r.Stage == "ResponseStarted") {
			out = append(out, r)
		}
	}
	return out
}

// writes returns the requests of a replica that change something.
func (s *scenario) writes(r *replica) []request {
	s.Helper()
	return slices.DeleteFunc(s.requests(r.user), func(r request) bool { return !r.writes() })
}
