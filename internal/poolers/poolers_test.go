package poolers

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	querypb "github.com/multigres/multigres/go/pb/query"
	"google.golang.org/grpc/codes"

	"github.com/crossplane-multigres/crossplane-multigres/internal/pgconf"
	"github.com/crossplane-multigres/crossplane-multigres/internal/shardstate"
	"github.com/crossplane-multigres/crossplane-multigres/test/pooler"
)

var (
	a = pooler.ID{Cell: "a", Name: "p-0"}
	b = pooler.ID{Cell: "b", Name: "p-1"}
	c = pooler.ID{Cell: "c", Name: "p-2"}
)

// shard starts a shard of three poolers that has a leader, the first.
func shard(t *testing.T, cfg *tls.Config) *pooler.Shard {
	t.Helper()
	s := pooler.NewShard(pooler.Config{TLS: cfg})
	t.Cleanup(s.Close)
	for _, id := range []pooler.ID{a, b, c} {
		if err := s.Start(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func records(s *pooler.Shard, ids ...pooler.ID) []*clustermetadatapb.MultiPooler {
	var out []*clustermetadatapb.MultiPooler
	for _, id := range ids {
		out = append(out, &clustermetadatapb.MultiPooler{
			Id:       &clustermetadatapb.ID{Component: clustermetadatapb.ID_MULTIPOOLER, Cell: id.Cell, Name: id.Name},
			Hostname: s.Host(id), PortMap: map[string]int32{"grpc": pooler.PortPooler},
		})
	}
	return out
}

func client(t *testing.T, p *Pool, cfg *TLS, all []*clustermetadatapb.MultiPooler) *Client {
	t.Helper()
	t.Cleanup(p.Close)
	cl, err := p.Client("user", cfg, all)
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

func fault(t *testing.T, s *pooler.Shard, id pooler.ID, f pooler.Fault) {
	t.Helper()
	if err := s.SetFault(id, f); err != nil {
		t.Fatal(err)
	}
}

func TestMarker(t *testing.T) {
	if Marker != pgconf.MarkerName {
		t.Errorf("The marker that is read back should be the one that is written: want %s, got %s", pgconf.MarkerName, Marker)
	}
}

func TestAsk(t *testing.T) {
	s := shard(t, nil)
	s.SetFile("new")
	all := records(s, a, b, c)
	cl := client(t, &Pool{}, nil, all)
	fault(t, s, b, pooler.Fault{Hang: true})
	fault(t, s, c, pooler.Fault{RestartPending: true})
	if err := Reload(t.Context(), s.Host(c), pooler.PortPgctld); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	got := cl.Ask(t.Context(), all)
	if took := time.Since(start); took > askTimeout+5*time.Second {
		t.Errorf("One that hangs should not keep the others for ever: %s", took)
	}
	if got[0].Err != nil || !got[0].Status.GetStatus().GetPrimaryStatus().GetReady() {
		t.Errorf("The leader should be known: %v, %v", got[0].Status, got[0].Err)
	}
	if !errors.Is(got[1].Err, ErrUnavailable) || got[1].Status != nil {
		t.Errorf("One that hangs should have no answer: %v, %v", got[1].Status, got[1].Err)
	}
	if diff := cmp.Diff(&shardstate.Settings{Hash: "new", RestartPending: true}, got[2].Settings); diff != "" {
		t.Errorf("What is in force should be read back.\n-want, +got:\n%s", diff)
	}
	fault(t, s, b, pooler.Fault{NotReady: true})
	fault(t, s, c, pooler.Fault{Code: codes.Internal})
	got = cl.Ask(t.Context(), all)
	if got[1].Err != nil || got[1].Settings != nil {
		t.Errorf("One whose PostgreSQL is not ready should not be asked for its settings: %v, %v", got[1].Settings, got[1].Err)
	}
	if !errors.Is(got[2].Err, ErrRefused) {
		t.Errorf("One that answers with an error refuses: %v", got[2].Err)
	}
}

// A pooler that comes back should be heard at the next call, however long it was away: gRPC alone would make it wait.
func TestAskReturned(t *testing.T) {
	s := shard(t, nil)
	all := records(s, a)
	cl := client(t, &Pool{}, nil, all)
	s.Kill(a)
	for range 5 {
		if r := cl.Ask(t.Context(), all); !errors.Is(r[0].Err, ErrUnavailable) {
			t.Fatalf("One that is gone should have no answer: %v", r[0].Err)
		}
	}
	if err := s.Start(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if r := cl.Ask(t.Context(), all); r[0].Err != nil {
		t.Errorf("One that is back should answer: %v", r[0].Err)
	}
}

func TestRemoveMember(t *testing.T) {
	s := shard(t, nil)
	all := records(s, a, b, c)
	cl := client(t, &Pool{}, nil, all)
	s.Kill(c)
	number := func(term, subterm int64) *clustermetadatapb.RuleNumber {
		return &clustermetadatapb.RuleNumber{CoordinatorTerm: term, LeaderSubterm: subterm}
	}
	steps := []struct {
		reason string
		at     int
		rule   *clustermetadatapb.RuleNumber
		member int
		err    error
		cohort []pooler.ID
	}{
		{reason: "A decision on an older rule should be refused.", rule: number(0, 9), member: 2, err: ErrRefused, cohort: []pooler.ID{a, b, c}},
		{reason: "Who does not lead should refuse.", at: 1, rule: number(1, 0), member: 2, err: ErrRefused, cohort: []pooler.ID{a, b, c}},
		{reason: "Who is gone should have no answer.", at: 2, rule: number(1, 0), member: 2, err: ErrUnavailable, cohort: []pooler.ID{a, b, c}},
		{reason: "A decision on the rule in force should be carried out.", rule: number(1, 0), member: 2, cohort: []pooler.ID{a, b}},
		{reason: "The policy should be kept.", rule: number(1, 1), member: 1, err: ErrRefused, cohort: []pooler.ID{a, b}},
	}
	for _, tc := range steps {
		err := cl.RemoveMember(t.Context(), all[tc.at], all[tc.member].GetId(), tc.rule)
		if diff := cmp.Diff(tc.err, err, cmpopts.EquateErrors()); diff != "" {
			t.Errorf("%s\nRemoveMember(): -want, +got:\n%s", tc.reason, diff)
		}
		if diff := cmp.Diff(tc.cohort, s.Cohort()); diff != "" {
			t.Errorf("%s\nCohort: -want, +got:\n%s", tc.reason, diff)
		}
	}
}

func TestLine(t *testing.T) {
	s := shard(t, nil)
	all := records(s, a, b)
	cl := client(t, &Pool{}, nil, all)
	line := func(p *clustermetadatapb.MultiPooler) *Line {
		l, err := cl.Line(p)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(l.Close)
		return l
	}
	leader, replica := line(all[0]), line(all[1])
	s.SetBackupTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	if err := leader.BackUp(t.Context(), "full"); !errors.Is(err, ErrRefused) {
		t.Errorf("A leader should not be forced: %v", err)
	}
	if err := replica.BackUp(t.Context(), "full"); err != nil {
		t.Error(err)
	}
	s.SetBackupTime(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))
	for _, kind := range []string{"differential", "incremental"} {
		if err := replica.BackUp(t.Context(), kind); err != nil {
			t.Error(err)
		}
	}
	check := func(reason string, want ...string) {
		t.Helper()
		var got []string
		list, err := replica.Backups(t.Context())
		for _, b := range list {
			got = append(got, b.GetBackupId())
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s\n%v, -want, +got:\n%s", reason, err, diff)
		}
	}
	check("Each type should have been taken.", "20260101-000000F", "20260301-120000F", "20260301-120000F_20260302-120000D", "20260301-120000F_20260302-120000I")
	// Connections to those that do not answer in time are ended, and must take no backup with them.
	cl.Forget(all[1])
	if err := replica.Expire(t.Context(), 1); err != nil {
		t.Error(err)
	}
	check("All but the last should be gone.", "20260301-120000F", "20260301-120000F_20260302-120000D", "20260301-120000F_20260302-120000I")
	fault(t, s, b, pooler.Fault{BackupFails: true})
	if err := replica.Expire(t.Context(), 1); !errors.Is(err, ErrRefused) {
		t.Errorf("Why it failed should be told: %v", err)
	}
	if err := replica.BackUp(t.Context(), "full"); !errors.Is(err, ErrRefused) {
		t.Errorf("Why it failed should be told: %v", err)
	}
	fault(t, s, b, pooler.Fault{BackupHangs: true})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := replica.BackUp(ctx, "full"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Whoever gives up does not know: %v", err)
	}
	replica.Close()
	if err := replica.BackUp(t.Context(), "full"); err == nil {
		t.Error("A line that is closed should be of no use")
	}
}

func TestRewind(t *testing.T) {
	s := shard(t, nil)
	all := records(s, a, b, c)
	cl := client(t, &Pool{}, nil, all)
	fault := func(f pooler.Fault) {
		t.Helper()
		if err := s.SetFault(c, f); err != nil {
			t.Fatal(err)
		}
	}
	ready := func() bool { return cl.Ask(t.Context(), all)[2].Status.GetStatus().GetPostgresReady() }
	fault(pooler.Fault{Diverged: true, RewindFails: true})
	if err := cl.Rewind(t.Context(), all[2], all[0]); !errors.Is(err, ErrRefused) || ready() {
		t.Errorf("Why a rewind failed should be told: %v", err)
	}
	fault(pooler.Fault{Diverged: true})
	if err := cl.Rewind(t.Context(), all[2], all[1]); !errors.Is(err, ErrRefused) || ready() {
		t.Errorf("Nobody should be rewound to one that does not lead: %v", err)
	}
	// Connections to those that do not answer in time are ended, and must take no rewind with them.
	cl.Forget(all[2])
	if err := cl.Rewind(t.Context(), all[2], all[0]); err != nil || !ready() {
		t.Errorf("A pooler should be rewound to the leader: %v", err)
	}
	s.Kill(c)
	if err := cl.Rewind(t.Context(), all[2], all[0]); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Who is gone should have no answer: %v", err)
	}
}

func TestBackups(t *testing.T) {
	s := shard(t, nil)
	s.AddBackup(b, "20260102-000000F", "full")
	all := records(s, b)
	got, err := client(t, &Pool{}, nil, all).Backups(t.Context(), all[0])
	if err != nil || len(got) != 2 || got[1].GetBackupId() != "20260102-000000F" {
		t.Errorf("All backups should be listed, the newest among them: %v, %v", got, err)
	}
}

func TestReload(t *testing.T) {
	s := shard(t, nil)
	s.SetFile("new")
	if err := Reload(t.Context(), s.Host(a), pooler.PortPgctld); err != nil || s.Config(a) != "new" || s.Config(b) != "" {
		t.Errorf("The one server should have read its file: %v, %q, %q", err, s.Config(a), s.Config(b))
	}
	s.Kill(a)
	if err := Reload(t.Context(), s.Host(a), pooler.PortPgctld); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Who is gone should have no answer: %v", err)
	}
}

// certificate makes an authority and a certificate of it for both ends.
func certificate(t *testing.T, name string) (TLS, *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	out := TLS{CA: cert, Cert: cert, Key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), ServerName: name}
	pair, err := tls.X509KeyPair(out.Cert, out.Key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	return out, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert}
}

func TestTLS(t *testing.T) {
	good, server := certificate(t, "poolers.example.org")
	other, _ := certificate(t, "poolers.example.org")
	s := shard(t, server)
	s.SetFile("new")
	if err := Reload(t.Context(), s.Host(a), pooler.PortPgctld); err != nil {
		t.Fatal(err)
	}
	all := records(s, a)
	mixed, nameless, wrongName := good, good, good
	mixed.CA = other.CA
	nameless.ServerName = ""
	wrongName.ServerName = "elsewhere.example.org"
	stranger := other
	stranger.CA = good.CA
	cases := map[string]struct {
		reason string
		tls    *TLS
		err    error
	}{
		"Good":       {reason: "Who trusts and is trusted is answered.", tls: &good},
		"PlainText":  {reason: "Plain text should not be understood.", err: ErrUnavailable},
		"OtherCA":    {reason: "A pooler of another authority should not be trusted.", tls: &mixed, err: ErrUnavailable},
		"Nameless":   {reason: "Without a name the host should be in the certificate.", tls: &nameless, err: ErrUnavailable},
		"WrongName":  {reason: "The name should be in the certificate.", tls: &wrongName, err: ErrUnavailable},
		"OtherOwner": {reason: "Who shows a certificate of another authority should not be trusted.", tls: &stranger, err: ErrUnavailable},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := client(t, &Pool{}, tc.tls, all).Ask(t.Context(), all)
			if diff := cmp.Diff(tc.err, got[0].Err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("%s\nAsk(): -want, +got:\n%s", tc.reason, diff)
			}
			if tc.err == nil && (got[0].Settings == nil || got[0].Settings.Hash != "new") {
				t.Errorf("%s\nSettings: %v", tc.reason, got[0].Settings)
			}
		})
	}
	for name, bad := range map[string]*TLS{"NoCA": {CA: []byte("none")}, "NoPair": {CA: good.CA, Cert: good.Cert, Key: other.Key}} {
		if _, err := (&Pool{}).Client("user", bad, all); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: TLS material that cannot be used should be an error: %v", name, err)
		}
	}
}

func TestPool(t *testing.T) {
	good, _ := certificate(t, "poolers.example.org")
	s := shard(t, nil)
	all := records(s, a, b)
	p := &Pool{}
	t.Cleanup(p.Close)
	one, err := p.Client("one", nil, all)
	if err != nil {
		t.Fatal(err)
	}
	two, err := p.Client("two", nil, all[:1])
	if err != nil {
		t.Fatal(err)
	}
	if one != two {
		t.Error("Users that speak alike should share connections")
	}
	one.Ask(t.Context(), all)
	if _, err := p.Client("one", nil, nil); err != nil {
		t.Fatal(err)
	}
	if n := len(one.conns.all); n != 1 {
		t.Errorf("A connection that nobody uses should end, and one that somebody uses should stay: %d", n)
	}
	if _, err := p.Client("one", &good, all); err != nil {
		t.Fatal(err)
	}
	p.Forget("two")
	p.Forget("nobody")
	if n := len(p.clients); n != 1 || len(one.conns.all) != 0 {
		t.Errorf("A client that nobody uses should end: %d, %d", n, len(one.conns.all))
	}
}

func TestColumns(t *testing.T) {
	cases := map[string]struct {
		reason string
		row    *querypb.Row
		want   []string
		ok     bool
	}{
		"Two":   {reason: "Values are cut by their lengths.", row: &querypb.Row{Lengths: []int64{2, 1}, Values: []byte("abt")}, want: []string{"ab", "t"}, ok: true},
		"Null":  {reason: "NULL has a length of its own.", row: &querypb.Row{Lengths: []int64{-1, 1}, Values: []byte("t")}, want: []string{"", "t"}, ok: true},
		"Short": {reason: "A length beyond the end is no answer.", row: &querypb.Row{Lengths: []int64{5}, Values: []byte("abt")}},
		"None":  {reason: "No row has no values.", want: []string{}, ok: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, ok := columns(tc.row)
			if diff := cmp.Diff(tc.want, got); diff != "" || ok != tc.ok {
				t.Errorf("%s\ncolumns(): want %t, got %t, -want, +got:\n%s", tc.reason, tc.ok, ok, diff)
			}
		})
	}
}

func TestCanceled(t *testing.T) {
	s := shard(t, nil)
	all := records(s, a)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := client(t, &Pool{}, nil, all).Ask(ctx, all); !errors.Is(r[0].Err, ErrUnavailable) {
		t.Errorf("A caller that gave up has no answer: %v", r[0].Err)
	}
}
