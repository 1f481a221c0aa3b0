package poolers

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"sync"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/multigres/multigres/go/common/rpcclient"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
)

// TLS is how to speak to poolers over TLS. All fields but the name hold PEM.
type TLS struct {
	// CA are certificates of authorities that sign the poolers' certificates.
	CA []byte

	// Cert and Key are shown to the poolers, if set.
	Cert []byte
	Key  []byte

	// ServerName that the poolers' certificates must carry. If empty it is the host that is spoken to.
	ServerName string
}

// A Pool keeps a client, with its connections, for each kind of TLS that is in use. The zero Pool is empty.
type Pool struct {
	mu sync.Mutex

	// clients by the hash of their TLS material, and who uses which.
	clients map[[sha256.Size]byte]*Client
	users   map[string]use
}

type use struct {
	key     [sha256.Size]byte
	poolers map[string]*clustermetadatapb.MultiPooler
}

// Client returns the client for a user, who speaks to these poolers and to no others from now on, with TLS if it is not nil.
// Connections that nobody uses any more end: those to poolers that are gone, and those that were made with older TLS material.
// The client is good until the user's next call.
func (p *Pool) Client(user string, t *TLS, all []*clustermetadatapb.MultiPooler) (*Client, error) {
	key, creds, err := t.credentials()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.clients == nil {
		p.clients, p.users = map[[sha256.Size]byte]*Client{}, map[string]use{}
	}
	c := p.clients[key]
	if c == nil {
		c = &Client{rpc: rpcclient.NewMultiPoolerClient(capacity, creds), conns: newConns(creds)}
		p.clients[key] = c
	}
	now := use{key: key, poolers: make(map[string]*clustermetadatapb.MultiPooler, len(all))}
	for _, m := range all {
		now.poolers[address(m)] = proto.CloneOf(m)
	}
	before, used := p.users[user]
	p.users[user] = now
	if used {
		p.release(before)
	}
	return c, nil
}

// Forget a user.
func (p *Pool) Forget(user string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, used := p.users[user]
	delete(p.users, user)
	if used {
		p.release(before)
	}
}

// Close ends all connections.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, c := range p.clients {
		c.close()
		delete(p.clients, key)
	}
	p.users = map[string]use{}
}

// release what a user used, as far as nobody else does.
func (p *Pool) release(before use) {
	shared := false
	for _, u := range p.users {
		shared = shared || u.key == before.key
	}
	c := p.clients[before.key]
	if !shared {
		c.close()
		delete(p.clients, before.key)
		return
	}
	for addr, m := range before.poolers {
		if !p.speaks(before.key, addr) {
			c.Forget(m)
		}
	}
}

// speaks is true if some user of a client speaks to an address.
func (p *Pool) speaks(key [sha256.Size]byte, addr string) bool {
	for _, u := range p.users {
		if u.key == key && u.poolers[addr] != nil {
			return true
		}
	}
	return false
}

// credentials are what connections are made with, and a hash of all that they depend on.
func (t *TLS) credentials() ([sha256.Size]byte, grpc.DialOption, error) {
	var key [sha256.Size]byte
	if t == nil {
		return key, grpc.WithTransportCredentials(insecure.NewCredentials()), nil
	}
	h := sha256.New()
	for _, b := range [][]byte{t.CA, t.Cert, t.Key, []byte(t.ServerName)} {
		sum := sha256.Sum256(b)
		_, _ = h.Write(sum[:])
	}
	copy(key[:], h.Sum(nil))
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName, RootCAs: x509.NewCertPool()}
	if !c.RootCAs.AppendCertsFromPEM(t.CA) {
		return key, nil, errors.Wrap(ErrInvalid, "no certificate in ca.crt")
	}
	if len(t.Cert)+len(t.Key) > 0 {
		pair, err := tls.X509KeyPair(t.Cert, t.Key)
		if err != nil {
			return key, nil, errors.Wrapf(ErrInvalid, "tls.crt and tls.key: %v", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return key, grpc.WithTransportCredentials(credentials.NewTLS(c)), nil
}
