package load

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/jackc/pgx/v5"
)

const (
	// pace is the time between two statements.
	pace = 20 * time.Millisecond

	// statementTimeout is how long the client waits for an answer. It is more than a leader's turn takes while a gateway holds statements back,
	// and much less than TCP takes to give up a dead peer.
	statementTimeout = 6 * time.Second

	// connectTimeout is how long the client waits for a connection.
	connectTimeout = 2 * time.Second

	// again is the time from an error to the next attempt.
	again = 100 * time.Millisecond
)

// A Target is a database.
type Target struct {
	// URI of the database, as in the connection Secret.
	URI string

	// Dial connects to an IP address.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Lookup finds the IP addresses of a host.
	Lookup func(ctx context.Context, host string) ([]string, error)
}

// Connect opens one connection.
func (t Target) Connect(ctx context.Context) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(t.URI)
	if err != nil {
		return nil, errors.Wrap(err, "cannot read address of the database")
	}
	cfg.ConnectTimeout = connectTimeout
	cfg.DialFunc = t.Dial
	if t.Lookup != nil {
		cfg.LookupFunc = t.Lookup
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	return conn, errors.Wrap(err, "cannot connect")
}

// A Writer writes numbered rows into a table of its own until it is stopped.
type Writer struct {
	target Target
	table  string
	cancel context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	ledger Ledger
	last   error
	errs   int
}

// Start makes the table, unless it is there, and begins to write. It returns when the first row was acknowledged, or the context has ended.
// What it does later does not end with the context.
func Start(ctx context.Context, t Target, table string) (*Writer, error) {
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w := &Writer{target: t, table: pgx.Identifier{table}.Sanitize(), cancel: cancel, done: make(chan struct{})}
	go w.run(running)
	for w.Rows() == 0 {
		select {
		case <-ctx.Done():
			w.Stop()
			return nil, errors.Wrapf(w.last, "cannot write a first row")
		case <-time.After(again):
		}
	}
	return w, nil
}

// Stop ends the writing.
func (w *Writer) Stop() {
	w.cancel()
	<-w.done
}

// Rows is the number of rows that were acknowledged so far.
func (w *Writer) Rows() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ledger.Rows()
}

// Since is the number of rows that were acknowledged after a time.
func (w *Writer) Since(t time.Time) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ledger.Since(t)
}

// Outage is the longest time without an acknowledged row around the span from one time to another, and when it began: see Ledger.
func (w *Writer) Outage(from, to time.Time) (longest time.Duration, began time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ledger.Outage(from, to)
}

// Errors is how many there were, and the last one, for people.
func (w *Writer) Errors() (count int, last error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.errs, w.last
}

// Lost reads all rows back and returns those that were acknowledged and are not there.
func (w *Writer) Lost(ctx context.Context) ([]int64, error) {
	conn, err := w.target.Connect(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := conn.Query(ctx, "select id from "+w.table)
	if err != nil {
		return nil, errors.Wrap(err, "cannot read rows back")
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, errors.Wrap(err, "cannot read rows back")
	}
	read := make(map[int64]bool, len(ids))
	for _, id := range ids {
		read[id] = true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ledger.Lost(read), nil
}

// run connects, writes until an error, and connects again.
func (w *Writer) run(ctx context.Context) {
	defer close(w.done)
	var next int64
	for ctx.Err() == nil {
		err := w.session(ctx, &next)
		if ctx.Err() != nil {
			return
		}
		w.mu.Lock()
		w.last = err
		w.errs++
		w.mu.Unlock()
		pause(ctx, again)
	}
}

// session writes over one connection until something fails.
func (w *Writer) session(ctx context.Context, next *int64) error {
	conn, err := w.target.Connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTimeout)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	if w.Rows() == 0 {
		if err := w.prepare(ctx, conn); err != nil {
			return err
		}
		// Another writer may have been here before.
		if err := conn.QueryRow(ctx, fmt.Sprintf("select coalesce(max(id), 0) from %s", w.table)).Scan(next); err != nil {
			return errors.Wrap(err, "cannot read the last row")
		}
	}
	insert := fmt.Sprintf("insert into %s (id) values ($1)", w.table)
	for ctx.Err() == nil {
		// Counted before it is tried: a number whose fate is unknown is not used again.
		*next++
		if err := w.write(ctx, conn, insert, *next); err != nil {
			return err
		}
		pause(ctx, pace)
	}
	return nil
}

func (w *Writer) prepare(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	_, err := conn.Exec(ctx, fmt.Sprintf("create table if not exists %s (id bigint primary key, at timestamptz not null default clock_timestamp())", w.table))
	return errors.Wrap(err, "cannot make table")
}

func (w *Writer) write(ctx context.Context, conn *pgx.Conn, insert string, row int64) error {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	if _, err := conn.Exec(ctx, insert, row); err != nil {
		return errors.Wrap(err, "cannot write")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ledger.Acknowledge(row, time.Now())
	return nil
}

// pause waits, unless the context ends before.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
