package proxy

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
)

// An API is a proxy before a Kubernetes API server that can hold back what watches deliver, so that a client's cache goes stale
// while all of its other requests are answered.
type API struct {
	// URL that clients connect to, and the certificate in PEM that they trust it by. Their bearer tokens are passed on.
	URL string
	CA  []byte

	mu   sync.Mutex
	held map[string]chan struct{}
}

// RunAPI starts a proxy before an API server that ends with the test.
func RunAPI(t testing.TB, cfg *rest.Config) *API {
	t.Helper()
	// Only what it takes to trust the server: who clients are is theirs to say.
	transport, err := rest.TransportFor(&rest.Config{Host: cfg.Host, TLSClientConfig: rest.TLSClientConfig{CAData: cfg.CAData, CAFile: cfg.CAFile}})
	if err != nil {
		t.Fatalf("cannot make transport: %v", err)
	}
	target, err := url.Parse(cfg.Host)
	if err != nil {
		t.Fatalf("cannot parse host of API server: %v", err)
	}
	p := &API{held: map[string]chan struct{}{}}
	reverse := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1,
		ModifyResponse: func(r *http.Response) error {
			if r.Request.URL.Query().Get("watch") != "" {
				r.Body = &gated{ReadCloser: r.Body, api: p, resource: path.Base(r.Request.URL.Path)}
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	// Clients send tokens over TLS only.
	s := httptest.NewUnstartedServer(reverse)
	// Clients that are killed break off.
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	p.URL, p.CA = s.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	t.Cleanup(func() {
		p.mu.Lock()
		for r := range p.held {
			p.release(r)
		}
		p.mu.Unlock()
		s.CloseClientConnections()
		s.Close()
	})
	return p
}

// Hold back what watches of a resource, as in databaserecords, deliver from now on.
func (p *API) Hold(resource string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held[resource] == nil {
		p.held[resource] = make(chan struct{})
	}
}

// Release delivers what was held back.
func (p *API) Release(resource string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release(resource)
}

func (p *API) release(resource string) {
	if c := p.held[resource]; c != nil {
		close(c)
		delete(p.held, resource)
	}
}

// gated is the body of a watch.
type gated struct {
	io.ReadCloser

	api      *API
	resource string
}

// Read what came, and keep it while it is held back.
func (g *gated) Read(b []byte) (int, error) {
	n, err := g.ReadCloser.Read(b)
	g.api.mu.Lock()
	hold := g.api.held[strings.ToLower(g.resource)]
	g.api.mu.Unlock()
	if hold != nil && n > 0 {
		<-hold
	}
	return n, err
}
