package kubelet

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// headerTimeout bounds how long a client of the proxy takes to say where it wants to.
const headerTimeout = 10 * time.Second

// errUnreachable means that no program is behind a name.
var errUnreachable = errors.New("no program that is ready listens there")

// Network is an HTTP proxy that knows the names of Services and of pods behind
// headless ones, as the cluster's DNS does: <service>.<namespace>, with or
// without .svc and what follows, and <pod>.<service>.<namespace>. gRPC clients
// use it when HTTPS_PROXY is set to URL, others when HTTP_PROXY is; addresses on loopback they dial
// themselves.
type Network struct {
	// URL of the proxy.
	URL string

	kubelet *Kubelet

	mu    sync.Mutex
	hosts map[string]string
	delay func(host string) time.Duration
}

// listen serves the network until the context ends.
func listen(ctx context.Context, k *Kubelet) (*Network, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Wrap(err, "cannot listen")
	}

	n := &Network{URL: "http://" + l.Addr().String(), kubelet: k, hosts: map[string]string{}}
	s := &http.Server{Handler: n, ReadHeaderTimeout: headerTimeout}

	context.AfterFunc(ctx, func() { _ = s.Close() })
	// Its only error is that it was closed.
	go func() { _ = s.Serve(l) }()

	return n, nil
}

// Env is the environment of a program that is to use the proxy.
func (n *Network) Env() []string { return []string{"HTTPS_PROXY=" + n.URL, "HTTP_PROXY=" + n.URL} }

// Host gives a host that is no Service an address, host:port, for all its ports.
func (n *Network) Host(host, address string) {
	n.mu.Lock()
	defer n.mu.Unlock()

	n.hosts[host] = address
}

// Delay makes connections to names wait before they are made, and before each
// piece that comes back, on those that there are, too, from now on until the next
// call. Nil delays none.
func (n *Network) Delay(f func(host string) time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()

	n.delay = f
}

func (n *Network) delayOf(host string) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()

	if n.delay == nil {
		return 0
	}

	return n.delay(host)
}

// Resolve returns where a program listens that is behind a name and port.
func (n *Network) Resolve(ctx context.Context, hostport string) (string, error) {
	host, p, err := net.SplitHostPort(hostport)
	if err != nil {
		return "", errors.Wrap(err, "cannot read address")
	}

	n.mu.Lock()
	address, ok := n.hosts[host]
	n.mu.Unlock()

	if ok {
		return address, nil
	}

	port, err := strconv.ParseInt(p, 10, 32)
	if err != nil {
		return "", errors.Wrap(err, "cannot read port")
	}

	name := strings.Split(host, ".")
	if len(name) < 2 {
		return "", errors.Wrap(errUnreachable, hostport)
	}

	svc, pod, err := n.service(ctx, name)
	if err != nil {
		return "", err
	}

	backends, err := n.backends(ctx, svc, pod, int32(port))
	if err != nil {
		return "", err
	}

	if len(backends) == 0 {
		return "", errors.Wrap(errUnreachable, hostport)
	}

	return backends[rand.IntN(len(backends))], nil
}

// Dial connects to the program that is behind a name and port; to an address of loopback itself.
func (n *Network) Dial(ctx context.Context, hostport string) (net.Conn, error) {
	address := hostport

	if host, _, err := net.SplitHostPort(hostport); err == nil && net.ParseIP(host) == nil {
		if address, err = n.Resolve(ctx, hostport); err != nil {
			return nil, err
		}
	}

	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)

	return c, errors.Wrap(err, "cannot dial")
}

// service returns the Service that a name means, and the pod if it means one.
func (n *Network) service(ctx context.Context, name []string) (*corev1.Service, string, error) {
	svc := &corev1.Service{}

	err := n.kubelet.client.Get(ctx, client.ObjectKey{Namespace: name[1], Name: name[0]}, svc)
	if err == nil || len(name) == 2 {
		return svc, "", errors.Wrap(err, "cannot get service")
	}

	err = n.kubelet.client.Get(ctx, client.ObjectKey{Namespace: name[2], Name: name[1]}, svc)

	return svc, name[0], errors.Wrap(err, "cannot get service")
}

// backends are the addresses behind a Service's port.
func (n *Network) backends(ctx context.Context, svc *corev1.Service, pod string, port int32) ([]string, error) {
	list := &corev1.PodList{}
	if err := n.kubelet.client.List(ctx, list, client.InNamespace(svc.GetNamespace()), client.MatchingLabelsSelector{Selector: labels.SelectorFromSet(svc.Spec.Selector)}); err != nil {
		return nil, errors.Wrap(err, "cannot list pods")
	}

	var addresses []string

	for i := range list.Items {
		p := &list.Items[i]
		if pod != "" && p.GetName() != pod || !isReady(p) && !svc.Spec.PublishNotReadyAddresses {
			continue
		}

		if c := n.kubelet.Container(p.GetUID()); c != nil && c.Address != nil {
			if a := c.Address(targetPort(svc, p, port)); a != "" {
				addresses = append(addresses, a)
			}
		}
	}

	return addresses, nil
}

func isReady(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}

	return false
}

// targetPort is the pod's port behind a Service's.
func targetPort(svc *corev1.Service, pod *corev1.Pod, port int32) int32 {
	for _, sp := range svc.Spec.Ports {
		if sp.Port != port || svc.Spec.ClusterIP == corev1.ClusterIPNone {
			continue
		}

		if sp.TargetPort.StrVal == "" && sp.TargetPort.IntVal != 0 {
			return sp.TargetPort.IntVal
		}

		for _, c := range pod.Spec.Containers {
			for _, cp := range c.Ports {
				if cp.Name != "" && cp.Name == sp.TargetPort.StrVal {
					return cp.ContainerPort
				}
			}
		}
	}

	return port
}

// ServeHTTP connects a client with what it wants.
func (n *Network) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	delay := func() time.Duration { return n.delayOf(r.Host) }

	time.Sleep(delay())

	if r.Method != http.MethodConnect {
		n.forward(w, r)
		return
	}

	server, err := n.Dial(r.Context(), r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}

	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = server.Close()
		return
	}

	// A client that is gone ends what is joined.
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")

	join(conn, server, buffered, delay)
}

// forward asks the server for a client that does not speak TLS.
func (n *Network) forward(w http.ResponseWriter, r *http.Request) {
	hostport := r.Host
	if _, _, err := net.SplitHostPort(hostport); err != nil {
		hostport = net.JoinHostPort(r.Host, "80")
	}

	address, err := n.Resolve(r.Context(), hostport)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}

	(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = "http", address, r.Host
	}}).ServeHTTP(w, r)
}

// join copies both ways until one side has ended.
func join(conn, server net.Conn, fromClient io.Reader, delay func() time.Duration) {
	var once sync.Once

	end := func() { once.Do(func() { _, _ = conn.Close(), server.Close() }) }

	go func() {
		defer end()
		_, _ = io.Copy(server, fromClient)
	}()

	go func() {
		defer end()
		_, _ = io.Copy(slow{conn, delay}, server)
	}()
}

// slow writes after a delay.
type slow struct {
	io.Writer

	delay func() time.Duration
}

// Write implements io.Writer.
func (s slow) Write(p []byte) (int, error) {
	time.Sleep(s.delay())

	return s.Writer.Write(p)
}
