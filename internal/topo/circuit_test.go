package topo

import (
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

func TestCircuit(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	type call struct {
		began, ended int
		err          error
	}
	cases := map[string]struct {
		reason string
		calls  []call
		opened int
		open   bool
	}{
		"Untried": {
			reason: "A server that nobody asked should be asked.",
		},
		"Silent": {
			reason: "One call without an answer should be enough.",
			calls:  []call{{0, 5, ErrUnavailable}},
			opened: 1, open: true,
		},
		"Once": {
			reason: "Further failures should not open it again: one probe is enough.",
			calls:  []call{{0, 5, ErrUnavailable}, {1, 5, ErrUnavailable}, {6, 11, ErrUnavailable}},
			opened: 1, open: true,
		},
		"Answered": {
			reason: "Any answer should close it.",
			calls:  []call{{0, 5, ErrUnavailable}, {6, 7, nil}},
			opened: 1,
		},
		"Refused": {
			reason: "A refusal is an answer.",
			calls:  []call{{0, 5, ErrUnavailable}, {6, 7, errors.Wrap(ErrDenied, "x")}},
			opened: 1,
		},
		"Slow": {
			reason: "A server that has answered another call since is slow, not silent.",
			calls:  []call{{1, 3, nil}, {0, 5, ErrUnavailable}},
		},
		"Again": {
			reason: "An answer before the call began says nothing.",
			calls:  []call{{0, 1, nil}, {2, 7, ErrUnavailable}},
			opened: 1, open: true,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c, opened := circuit{}, 0
			for _, k := range tc.calls {
				if c.heard(at(k.began), at(k.ended), k.err) {
					opened++
				}
			}
			if opened != tc.opened {
				t.Errorf("%s\nheard(): want it opened %d times, got %d", tc.reason, tc.opened, opened)
			}
			if err := c.refuses(); (err != nil) != tc.open || err != nil && !errors.Is(err, ErrUnavailable) {
				t.Errorf("%s\nrefuses(): want open %t, got %v", tc.reason, tc.open, err)
			}
		})
	}
}
