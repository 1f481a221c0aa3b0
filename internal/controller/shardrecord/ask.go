package shardrecord

import (
	"context"
	"sync"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/topology"
	"github.com/crossplane-multigres/crossplane-multigres/internal/poolers"
	"github.com/crossplane-multigres/crossplane-multigres/internal/shardstate"
)

// backupsInterval is how long a list of backups is good. Listing them keeps a pooler from everything else meanwhile.
const backupsInterval = time.Minute

// ask the poolers of the shard that are listed and registered. One that nobody lists may be another cluster's, which has no say.
func (e *external) ask(ctx context.Context, mg *v1alpha1.ShardRecord, in *shardstate.Input) error {
	t, err := e.tls(ctx, mg)
	if err != nil {
		return err
	}
	var all []*clustermetadatapb.MultiPooler
	for _, p := range e.view.listed() {
		if r, ok := e.view.poolers[shardstate.ID{Cell: p.Cell, Name: p.ServiceID}]; ok {
			all = append(all, r.Message)
		}
	}
	e.rpc, err = e.pool.Client(string(mg.GetUID()), t, all)
	if err != nil {
		return topology.Because(topology.ReasonConfigInvalid, errors.Wrap(err, "cannot use the Secrets of spec.forProvider.tls"))
	}
	in.Answers = map[shardstate.ID]shardstate.Answer{}
	for i, r := range e.rpc.Ask(ctx, all) {
		if r.Err == nil {
			in.Answers[shardstate.IDOf(all[i].GetId())] = r.Answer
		}
	}
	if in.BackupLeased, err = e.leased(ctx, mg.Spec.ForProvider); err != nil {
		return err
	}
	in.Jobs, in.Now = e.jobs.of(mg.GetUID()), e.jobs.now()
	in.Backups, in.BackupsKnown = e.backups.list(mg.GetUID(), func() ([]*managerpb.BackupMetadata, error) {
		// Who takes a backup answers when it is done, and the others would not show it.
		if e.jobs.busy(mg.GetUID()) {
			return nil, errNobody
		}
		return e.listBackups(ctx, all, in.Answers)
	})
	return nil
}

// errNobody means that no pooler can be asked for the backups.
var errNobody = errors.New("no pooler is ready")

// listBackups asks a replica, or the leader if there is no other, as it has the most to do.
func (e *external) listBackups(ctx context.Context, all []*clustermetadatapb.MultiPooler, answers map[shardstate.ID]shardstate.Answer) ([]*managerpb.BackupMetadata, error) {
	var ask *clustermetadatapb.MultiPooler
	for _, p := range all {
		s := answers[shardstate.IDOf(p.GetId())].Status.GetStatus()
		if !s.GetIsInitialized() || !s.GetPostgresReady() || s.GetPostgresAction() != managerpb.PostgresAction_POSTGRES_ACTION_UNSPECIFIED {
			continue
		}
		if s.GetPrimaryStatus() == nil {
			return e.rpc.Backups(ctx, p)
		}
		ask = p
	}
	if ask == nil {
		return nil, errNobody
	}
	return e.rpc.Backups(ctx, ask)
}

// Fields of a ShardRecord that name Secrets.
const (
	fieldCA   = "spec.forProvider.tls.caSecretName"
	fieldCert = "spec.forProvider.tls.certSecretName"
)

// tls returns how to speak to the poolers, nil for plain text.
func (e *external) tls(ctx context.Context, mg *v1alpha1.ShardRecord) (*poolers.TLS, error) {
	t := mg.Spec.ForProvider.TLS
	if t == nil {
		return nil, nil //nolint:nilnil // Plain text needs nothing.
	}
	ca, err := e.secret(ctx, mg, fieldCA, t.CASecretName, v1alpha1.SecretKeyCA)
	if err != nil {
		return nil, err
	}
	out := &poolers.TLS{CA: ca[v1alpha1.SecretKeyCA], ServerName: t.ServerName}
	if t.CertSecretName == "" {
		return out, nil
	}
	cert, err := e.secret(ctx, mg, fieldCert, t.CertSecretName, v1alpha1.SecretKeyCertificate, v1alpha1.SecretKeyPrivateKey)
	if err != nil {
		return nil, err
	}
	out.Cert, out.Key = cert[v1alpha1.SecretKeyCertificate], cert[v1alpha1.SecretKeyPrivateKey]
	return out, nil
}

// secret returns the data of a Secret that a field names, all of whose keys must be there.
func (e *external) secret(ctx context.Context, mg *v1alpha1.ShardRecord, field, name string, keys ...string) (map[string][]byte, error) {
	s := &corev1.Secret{}
	err := e.kube.Get(ctx, client.ObjectKey{Namespace: mg.GetNamespace(), Name: name}, s)
	if kerrors.IsNotFound(err) {
		return nil, topology.Because(topology.ReasonSecretMissing, errors.Wrapf(err, "cannot use %s", field))
	}
	if err != nil {
		return nil, errors.Wrapf(err, "cannot get Secret %s", name)
	}
	for _, k := range keys {
		if len(s.Data[k]) == 0 {
			return nil, topology.Because(topology.ReasonSecretMissing, errors.Wrapf(poolers.ErrInvalid, "cannot use %s: Secret %s lacks %s", field, name, k))
		}
	}
	return s.Data, nil
}

// backups are the lists of backups of all shards, for as long as they are good.
type backups struct {
	now func() time.Time

	mu  sync.Mutex
	all map[types.UID]listed
}

type listed struct {
	at    time.Time
	list  []*managerpb.BackupMetadata
	known bool
}

func newBackups(now func() time.Time) *backups {
	return &backups{now: now, all: map[types.UID]listed{}}
}

// list returns the backups of a shard, read anew if the list is too old, and whether they are known. An attempt that failed
// counts as one: the next is as far away, and a list that was there stays.
func (b *backups) list(uid types.UID, read func() ([]*managerpb.BackupMetadata, error)) ([]*managerpb.BackupMetadata, bool) {
	b.mu.Lock()
	l := b.all[uid]
	b.mu.Unlock()
	if !l.at.IsZero() && b.now().Sub(l.at) < backupsInterval {
		return l.list, l.known
	}
	got, err := read()
	switch {
	case err == nil:
		l = listed{at: b.now(), list: got, known: true}
	case errors.Is(err, errNobody):
		// Nobody was disturbed.
		return l.list, l.known
	default:
		l.at = b.now()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all[uid] = l
	return l.list, l.known
}

// put a list that was read elsewhere.
func (b *backups) put(uid types.UID, list []*managerpb.BackupMetadata) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all[uid] = listed{at: b.now(), list: list, known: true}
}

// outdate a list, so that it is read again.
func (b *backups) outdate(uid types.UID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.all[uid]
	l.at = time.Time{}
	b.all[uid] = l
}

func (b *backups) forget(uid types.UID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.all, uid)
}
