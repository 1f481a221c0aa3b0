package poolers

import (
	"sync"

	"google.golang.org/grpc"
)

// conns are connections to the servers of poolers for what Multigres' client does not offer, by address.
type conns struct {
	creds grpc.DialOption

	mu  sync.Mutex
	all map[string]*grpc.ClientConn
}

func newConns(creds grpc.DialOption) *conns {
	return &conns{creds: creds, all: map[string]*grpc.ClientConn{}}
}

// get a connection, new or not. It is made in the background.
func (c *conns) get(addr string) (*grpc.ClientConn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn, ok := c.all[addr]; ok {
		return conn, nil
	}
	conn, err := grpc.NewClient("passthrough:///"+addr, c.creds)
	if err != nil {
		return nil, err
	}
	c.all[addr] = conn
	return conn, nil
}

func (c *conns) forget(addr string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn, ok := c.all[addr]; ok {
		_ = conn.Close()
		delete(c.all, addr)
	}
}

func (c *conns) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for addr, conn := range c.all {
		_ = conn.Close()
		delete(c.all, addr)
	}
}
