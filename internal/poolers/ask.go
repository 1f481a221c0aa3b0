package poolers

import (
	"context"
	"sync"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"

	"github.com/crossplane-multigres/crossplane-multigres/internal/shardstate"
)

// A Reply is what a pooler says of itself, or why it says nothing.
type Reply struct {
	shardstate.Answer

	Err error
}

// Ask all poolers of a shard at the same time how they are, and which settings they have in force if their PostgreSQL is ready.
// One that does not answer delays no other. The replies are in the order of the poolers.
func (c *Client) Ask(ctx context.Context, all []*clustermetadatapb.MultiPooler) []Reply {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	out := make([]Reply, len(all))
	slots := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	for i, p := range all {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			out[i] = c.ask(ctx, p)
		})
	}
	wg.Wait()
	return out
}

func (c *Client) ask(ctx context.Context, p *clustermetadatapb.MultiPooler) Reply {
	st, err := c.Status(ctx, p)
	if err != nil {
		// A connection that failed waits longer and longer before it is tried again, and would not notice who is back.
		if errors.Is(err, ErrUnavailable) {
			c.Forget(p)
		}
		return Reply{Err: err}
	}
	r := Reply{Answer: shardstate.Answer{Status: st}}
	if !st.GetStatus().GetPostgresReady() {
		return r
	}
	// What is not known is left open.
	if s, err := c.Settings(ctx, p); err == nil {
		r.Settings = s
	}
	return r
}
