package load

import (
	"slices"
	"time"
)

// A Ledger notes which rows were acknowledged, and when. The zero value is empty.
type Ledger struct {
	acks []ack
}

type ack struct {
	row int64
	at  time.Time
}

// Acknowledge notes that a row was acknowledged. Times must not go back.
func (l *Ledger) Acknowledge(row int64, at time.Time) {
	l.acks = append(l.acks, ack{row: row, at: at})
}

// Rows is the number of acknowledged rows.
func (l *Ledger) Rows() int { return len(l.acks) }

// Since reports how many rows were acknowledged after a time.
func (l *Ledger) Since(t time.Time) int {
	n := 0
	for _, a := range slices.Backward(l.acks) {
		if !a.at.After(t) {
			break
		}
		n++
	}
	return n
}

// Outage is the longest time without an acknowledgement that touches the span from one time to another, and when it began. The last
// acknowledgement before the span and the first one after it count, so that a gap is not cut short; where there is none, the span's own ends do.
func (l *Ledger) Outage(from, to time.Time) (longest time.Duration, began time.Time) {
	last := from
	for _, a := range l.acks {
		if !a.at.After(from) {
			last = a.at
			continue
		}
		if last.After(to) {
			break
		}
		if gap := a.at.Sub(last); gap > longest {
			longest, began = gap, last
		}
		last = a.at
	}
	if gap := to.Sub(last); gap > longest {
		longest, began = gap, last
	}
	return longest, began
}

// Lost returns the rows that were acknowledged and are not among those that were read back.
func (l *Ledger) Lost(read map[int64]bool) []int64 {
	var lost []int64
	for _, a := range l.acks {
		if !read[a.row] {
			lost = append(lost, a.row)
		}
	}
	return lost
}
