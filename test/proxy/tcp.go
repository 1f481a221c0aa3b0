// Package proxy stands between a client and a server and does to their connections what networks do.
package proxy

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// graceAfterLoss is how long a server has to do what the request asks for whose reply is lost.
const graceAfterLoss = 300 * time.Millisecond

// A TCP proxy. It passes everything on until it is told otherwise.
type TCP struct {
	// Address that clients connect to, host:port.
	Address string

	target string

	mu       sync.Mutex
	listener net.Listener
	conns    map[*conn]bool
	hole     chan struct{}
	delay    time.Duration
	match    func([]byte) bool
	lost     chan struct{}
	accepted int
}

// A conn is a connection of a client with one to the server.
type conn struct {
	client, server net.Conn
}

func (c *conn) close() {
	// Without lingering the peers notice at once.
	for _, n := range []net.Conn{c.client, c.server} {
		if t, ok := n.(*net.TCPConn); ok {
			_ = t.SetLinger(0)
		}
		_ = n.Close()
	}
}

// Run starts a proxy before a server that ends with the test.
func Run(t testing.TB, target string) *TCP {
	t.Helper()
	p := &TCP{target: target, conns: map[*conn]bool{}}
	l, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatalf("cannot listen: %v", err)
	}
	p.Address = l.Addr().String()
	p.serve(l)
	t.Cleanup(func() {
		p.Refuse()
		p.fill()
	})
	return p
}

// Accepted returns how many connections were made.
func (p *TCP) Accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// Refuse ends all connections and refuses new ones.
func (p *TCP) Refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	p.cut()
}

// Cut ends all connections. New ones are accepted.
func (p *TCP) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut()
}

// BlackHole keeps connections, accepts new ones, and passes nothing on until Pass.
func (p *TCP) BlackHole() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hole == nil {
		p.hole = make(chan struct{})
	}
}

// Delay holds each piece of what the server says back for a while.
func (p *TCP) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// LoseReply passes the first request on that matches, and ends its connection before the reply comes back. The channel is closed
// when that has happened. What is matched is a piece of a stream, so that the text to look for must be short.
func (p *TCP) LoseReply(match func(sent []byte) bool) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.match, p.lost = match, make(chan struct{})
	return p.lost
}

// Pass ends all faults.
func (p *TCP) Pass() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = 0
	p.release()
	if p.listener != nil {
		return nil
	}
	l, err := listen(p.Address)
	if err != nil {
		return errors.Wrap(err, "cannot listen again")
	}
	p.serve(l)
	return nil
}

// fill ends the black hole.
func (p *TCP) fill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release()
}

func (p *TCP) release() {
	if p.hole != nil {
		close(p.hole)
		p.hole = nil
	}
}

func (p *TCP) cut() {
	for c := range p.conns {
		c.close()
	}
	clear(p.conns)
}

// serve accepts connections until the listener ends.
func (p *TCP) serve(l net.Listener) {
	p.listener = l
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.connect(client)
		}
	}()
}

func (p *TCP) connect(client net.Conn) {
	p.pause()
	server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		_ = client.Close()
		return
	}
	c := &conn{client: client, server: server}
	p.mu.Lock()
	p.accepted++
	refused := p.listener == nil
	if !refused {
		p.conns[c] = true
	}
	p.mu.Unlock()
	if refused {
		c.close()
		return
	}
	go p.pump(c, client, server, p.lose(c))
	slow := p.line(client)
	defer close(slow)
	p.pump(c, server, io.Discard, func(piece []byte) bool {
		p.mu.Lock()
		due := time.Now().Add(p.delay)
		p.mu.Unlock()
		slow <- late{due: due, piece: bytes.Clone(piece)}
		return true
	})
}

// late is a piece of an answer that is delivered when it is due.
type late struct {
	due   time.Time
	piece []byte
}

// line returns a channel whose pieces reach the client in their order, each when it is due, so that a slow answer does not hold
// up those that come with it.
func (p *TCP) line(client io.Writer) chan<- late {
	out := make(chan late, 1024)
	go func() {
		for l := range out {
			time.Sleep(time.Until(l.due))
			_, _ = client.Write(l.piece)
		}
	}()
	return out
}

// pump copies from one side to the other. The function before is called with each piece before it is passed on, and ends the
// connection by returning false.
func (p *TCP) pump(c *conn, from io.Reader, to io.Writer, before func(piece []byte) bool) {
	defer func() {
		c.close()
		p.mu.Lock()
		delete(p.conns, c)
		p.mu.Unlock()
	}()
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if n > 0 {
			p.pause()
			if !before(b[:n]) {
				return
			}
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// pause waits while nothing passes.
func (p *TCP) pause() {
	p.mu.Lock()
	hole := p.hole
	p.mu.Unlock()
	if hole != nil {
		<-hole
	}
}

// lose returns a function that looks for the request whose reply is lost, sends it, and ends the connection.
func (p *TCP) lose(c *conn) func([]byte) bool {
	return func(piece []byte) bool {
		p.mu.Lock()
		hit := p.match != nil && p.match(piece)
		lost := p.lost
		if hit {
			p.match = nil
		}
		p.mu.Unlock()
		if !hit {
			return true
		}
		// The client hears nothing from here on, whatever the server says.
		_ = c.client.Close()
		_, _ = c.server.Write(piece)
		time.Sleep(graceAfterLoss)
		close(lost)
		return false
	}
}

func listen(address string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	return l, errors.Wrap(err, "cannot listen")
}
