package resolve

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// Effective returns the compact view of what applies that goes into the status. It depends on nothing that moves by itself.
func (c *Cluster) Effective() *v1alpha1.EffectiveConfig {
	out := &v1alpha1.EffectiveConfig{
		Templates:        c.Templates,
		GlobalTopoServer: c.GlobalTopo.effective(),
		DurabilityPolicy: string(c.Durability),
		Backup:           effectiveBackup(c.Backup),
		PVCDeletionPolicy: &v1alpha1.EffectivePVCDeletionPolicy{
			WhenDeleted: string(c.PVCDeletionPolicy.WhenDeleted),
			WhenScaled:  string(c.PVCDeletionPolicy.WhenScaled),
		},
		Superuser: c.Superuser,
		Images:    make(map[string]string, len(components)),
	}
	for _, comp := range components {
		out.Images[comp.name] = *comp.get(&c.Images.Set)
	}
	for _, cell := range c.Cells {
		out.Cells = append(out.Cells, cell.effective())
	}
	for _, db := range c.Databases {
		for _, tg := range db.TableGroups {
			for _, sh := range tg.Shards {
				out.Shards = append(out.Shards, sh.effective(db.Name, tg.Name))
			}
		}
	}
	return out
}

func (g GlobalTopo) effective() *v1alpha1.EffectiveTopoServer {
	out := &v1alpha1.EffectiveTopoServer{
		Implementation: g.Ref.Implementation,
		Address:        g.Ref.Address,
		RootPath:       string(g.Ref.RootPath),
	}
	if g.Managed != nil && g.Managed.Etcd != nil {
		out.Replicas = ptr.To(ptr.Deref(g.Managed.Etcd.Replicas, 0))
		out.Image = string(g.Managed.Etcd.Image)
		out.Size = g.Managed.Etcd.Storage.Size
	}
	return out
}

func effectiveBackup(b v1alpha1.BackupConfig) *v1alpha1.EffectiveBackup {
	out := &v1alpha1.EffectiveBackup{Type: string(b.Type)}
	switch {
	case b.S3 != nil:
		out.Location = "s3://" + b.S3.Bucket
		if prefix := strings.Trim(b.S3.KeyPrefix, "/"); prefix != "" {
			out.Location += "/" + prefix
		}
	case b.Filesystem != nil:
		out.Location = b.Filesystem.Path
	}
	out.Schedule = compactSchedule(b.Schedule)
	if b.Retention != nil {
		out.RetainedFull = ptr.Deref(b.Retention.Full, 0)
	}
	return out
}

// compactSchedule writes a schedule in one line, for example full=24h incremental=1h30m.
func compactSchedule(s *v1alpha1.BackupSchedule) string {
	if s == nil {
		return ""
	}
	var out []string
	for _, t := range []struct {
		name  string
		every *metav1.Duration
	}{{"full", s.Full}, {"differential", s.Differential}, {"incremental", s.Incremental}} {
		if t.every == nil {
			continue
		}
		d := t.every.Duration.String()
		if strings.HasSuffix(d, "m0s") {
			d = strings.TrimSuffix(d, "0s")
		}
		if strings.HasSuffix(d, "h0m") {
			d = strings.TrimSuffix(d, "0m")
		}
		out = append(out, t.name+"="+d)
	}
	return strings.Join(out, " ")
}

func (c Cell) effective() v1alpha1.EffectiveCell {
	out := v1alpha1.EffectiveCell{
		Name:            c.Name,
		GatewayReplicas: ptr.Deref(c.Gateway.Replicas, 0),
		Template:        c.Template,
		NodeSelector:    maps.Clone(c.TopologyLabels),
	}
	if c.LocalTopo != nil {
		out.LocalTopo = "external"
	}
	if c.LocalTopo != nil && c.LocalTopo.Etcd != nil {
		out.LocalTopo = "etcd"
	}
	return out
}

func (s Shard) effective(database, tableGroup string) v1alpha1.EffectiveShard {
	out := v1alpha1.EffectiveShard{
		Database:       database,
		TableGroup:     tableGroup,
		Name:           s.Name,
		Template:       s.Template,
		MultiorchCells: cellStrings(s.Multiorch.Cells),
		TotalPoolers:   s.TotalPoolers,
	}
	for _, name := range slices.Sorted(maps.Keys(s.Pools)) {
		p := s.Pools[name]
		out.Pools = append(out.Pools, v1alpha1.EffectivePool{
			Name:            string(name),
			Cells:           cellStrings(p.Cells),
			ReplicasPerCell: ptr.Deref(p.ReplicasPerCell, 0),
			Size:            p.Storage.Size,
			Postgres:        compactResources(p.Postgres.Resources),
		})
	}
	return out
}

func cellStrings(cells []v1alpha1.CellName) []string {
	out := make([]string, 0, len(cells))
	for _, c := range cells {
		out = append(out, string(c))
	}
	return out
}

// compactResources writes resources in one line, for example cpu=100m memory=256Mi/512Mi.
func compactResources(r corev1.ResourceRequirements) string {
	names := make(map[corev1.ResourceName]bool, len(r.Requests)+len(r.Limits))
	for name := range r.Requests {
		names[name] = true
	}
	for name := range r.Limits {
		names[name] = true
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		s := string(name) + "="
		if q, ok := r.Requests[name]; ok {
			s += q.String()
		}
		if q, ok := r.Limits[name]; ok {
			s += "/" + q.String()
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}
