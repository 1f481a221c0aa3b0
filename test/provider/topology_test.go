package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/claims"
	"github.com/crossplane-multigres/crossplane-multigres/test/etcd"
	"github.com/crossplane-multigres/crossplane-multigres/test/history"
	"github.com/crossplane-multigres/crossplane-multigres/test/proxy"
)

// A store is a topology server as a scenario sees it: the server itself, past any proxy.
type store struct {
	*clientv3.Client

	s      *scenario
	server *etcd.Server
	// address that the provider is told.
	address string
}

// shared returns the topology server that scenarios share who leave it alone. Each has a root of its own.
func (s *scenario) shared() *store {
	s.Helper()
	return &store{Client: topology.Client(s), s: s, server: topology, address: topology.Address}
}

// own returns a topology server that only this scenario uses.
func (s *scenario) own() *store {
	s.Helper()
	e := etcd.Run(s)
	s.etcds = append(s.etcds, e)
	return &store{Client: e.Client(s), s: s, server: e, address: e.Address}
}

// behind puts a proxy before a topology server.
func (s *scenario) behind(st *store) *proxy.TCP {
	s.Helper()
	p := proxy.Run(s, st.server.Address)
	st.address = p.Address
	return p
}

// ordinary begins a scenario with a replica that works, and a configuration of the shared topology server with the root of the scenario,
// or one below it.
func ordinary(t testing.TB, sub string, options ...option) (*scenario, *store, *v1alpha1.ProviderConfig) {
	t.Helper()
	s := begin(t)
	st := s.shared()
	s.provider(options...)
	return s, st, s.config("pc", st, sub)
}

// config makes a ProviderConfig for a root below that of the scenario.
func (s *scenario) config(name string, st *store, sub string) *v1alpha1.ProviderConfig {
	s.Helper()
	pc := &v1alpha1.ProviderConfig{ObjectMeta: named(name), Spec: v1alpha1.ProviderConfigSpec{
		Topology: v1alpha1.Topology{Endpoints: []string{st.address}, Root: path.Join(s.root, sub)},
	}}
	s.create(pc)
	return pc
}

func spec(config string) xpv2.ManagedResourceSpec {
	return xpv2.ManagedResourceSpec{ProviderConfigReference: &xpv2.ProviderConfigReference{Kind: v1alpha1.ProviderConfigKind, Name: config}}
}

func cell(name, config string) *v1alpha1.CellRecord {
	return &v1alpha1.CellRecord{ObjectMeta: named(name), Spec: v1alpha1.CellRecordSpec{
		ManagedResourceSpec: spec(config),
		ForProvider:         v1alpha1.CellRecordParameters{Cell: name, ServerAddresses: []string{topology.Address}, Root: "/cells/" + name},
	}}
}

func database(name, config string, cells ...string) *v1alpha1.DatabaseRecord {
	return &v1alpha1.DatabaseRecord{ObjectMeta: named(name), Spec: v1alpha1.DatabaseRecordSpec{
		ManagedResourceSpec: spec(config),
		ForProvider: v1alpha1.DatabaseRecordParameters{Database: name, Cells: cells, BackupLocation: v1alpha1.BackupLocation{
			S3: &v1alpha1.S3Backup{Bucket: "backups", Region: "eu-1", KeyPrefix: name},
		}},
	}}
}

// Keys of records and of their owners below a root.
func cellKey(name string) string     { return "cells/" + name + "/Cell" }
func databaseKey(name string) string { return "databases/" + name + "/Database" }
func ownerKey(record string) string  { return "crossplane/owners/" + record }

// value of a key below the scenario's root, nil if there is none.
func (st *store) value(key ...string) []byte {
	st.s.Helper()
	resp, err := st.Get(st.s.Context(), path.Join(append([]string{st.s.root}, key...)...))
	st.s.must(err)
	if len(resp.Kvs) == 0 {
		return nil
	}
	return resp.Kvs[0].Value
}

// revision of a key below the scenario's root, and how many times it was written since it was created. Zero if it is absent.
func (st *store) revision(key ...string) (revision, version int64) {
	st.s.Helper()
	resp, err := st.Get(st.s.Context(), path.Join(append([]string{st.s.root}, key...)...))
	st.s.must(err)
	if len(resp.Kvs) == 0 {
		return 0, 0
	}
	return resp.Kvs[0].ModRevision, resp.Kvs[0].Version
}

// now is the present revision of the server.
func (st *store) now() int64 {
	st.s.Helper()
	resp, err := st.Get(st.s.Context(), "now")
	st.s.must(err)
	return resp.Header.GetRevision()
}

// put a value, as a person does by hand.
func (st *store) put(value []byte, key ...string) {
	st.s.Helper()
	_, err := st.Put(st.s.Context(), path.Join(append([]string{st.s.root}, key...)...), string(value))
	st.s.must(err)
}

// drop a key, as a person does by hand.
func (st *store) drop(key ...string) {
	st.s.Helper()
	_, err := st.Delete(st.s.Context(), path.Join(append([]string{st.s.root}, key...)...))
	st.s.must(err)
}

// database reads a record, nil if there is none.
func (st *store) database(key ...string) *clustermetadatapb.Database {
	st.s.Helper()
	b := st.value(key...)
	if b == nil {
		return nil
	}
	db := &clustermetadatapb.Database{}
	st.s.must(proto.Unmarshal(b, db))
	return db
}

// cell reads a record, nil if there is none.
func (st *store) cell(key ...string) *clustermetadatapb.Cell {
	st.s.Helper()
	b := st.value(key...)
	if b == nil {
		return nil
	}
	c := &clustermetadatapb.Cell{}
	st.s.must(proto.Unmarshal(b, c))
	return c
}

// edit a database record by hand.
func (st *store) edit(change func(*clustermetadatapb.Database), key ...string) {
	st.s.Helper()
	db := st.database(key...)
	change(db)
	b, err := proto.Marshal(db)
	st.s.must(err)
	st.put(b, key...)
}

// history of the scenario's root.
func (st *store) history() history.History {
	st.s.Helper()
	h, err := history.Read(st.s.Context(), st.Client, st.s.root)
	st.s.must(err)
	return h
}

// records are the keys of all records below a root, without owners and fences.
func records(state map[string]string) []string {
	var out []string
	for k := range state {
		if !strings.Contains(k, "crossplane/") {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// absent waits until a key is gone.
func (st *store) absent(key ...string) {
	st.s.Helper()
	st.s.until(path.Join(key...)+" is gone", func(context.Context) error {
		if st.value(key...) != nil {
			return errors.New("it is there")
		}
		return nil
	})
}

// cells waits until a database has these cells.
func (st *store) cells(want []string, key ...string) {
	st.s.Helper()
	st.s.until(fmt.Sprint(path.Join(key...), " has cells ", want), func(context.Context) error {
		db := st.database(key...)
		if db == nil {
			return errors.New("no record")
		}
		if !slices.Equal(slices.Sorted(slices.Values(db.GetCells())), want) {
			return errors.Errorf("%v", db.GetCells())
		}
		return nil
	})
}

// claims checks the roots of the places that a managed resource claims, below that of the scenario.
func (s *scenario) claims(mg resource.Managed, want ...string) {
	s.Helper()
	s.get(mg)
	var c struct {
		Claims []struct {
			Context struct {
				Root string `json:"root"`
			} `json:"ctx"`
		} `json:"claims"`
	}
	s.must(json.Unmarshal([]byte(mg.GetAnnotations()[claims.Annotation]), &c))
	var got []string
	for _, claim := range c.Claims {
		got = append(got, strings.TrimPrefix(claim.Context.Root, s.root+"/"))
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("claims of %s: -want, +got:\n%s", mg.GetName(), diff)
	}
}

// settled waits until the topology holds what managed resources say.
func (s *scenario) settled(mgs ...resource.Managed) {
	s.Helper()
	s.ready(mgs...)
	for _, mg := range mgs {
		s.condition(mg, "Settled", "True", "")
	}
}
