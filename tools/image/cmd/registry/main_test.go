package main

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// TestRun starts the registry twice with the same folders: it serves what archives hold under their names without registries,
// and keeps layers.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	img, err := random.Image(100, 2)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag("gcr.example.org/a/b:v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := tarball.WriteToFile(filepath.Join(dir, "a.tar"), tag, img); err != nil {
		t.Fatal(err)
	}
	want, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	blobs := filepath.Join(dir, "blobs")
	for range 2 {
		addr := free(t)
		go func() { _ = run(addr, blobs, dir) }()
		if got := digest(t, addr+"/a/b:v1"); got != want {
			t.Errorf("want %s, got %s", want, got)
		}
		if es, err := os.ReadDir(filepath.Join(blobs, "sha256")); err != nil || len(es) != 3 {
			t.Errorf("want two layers and a configuration on disk, got %d, %v", len(es), err)
		}
	}
	write := filepath.Join(dir, "broken.tar")
	if err := os.WriteFile(write, []byte("no archive"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(free(t), blobs, dir); err == nil {
		t.Error("an archive that is none should be an error")
	}
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// digest returns what a reference stands for, as soon as the registry knows.
func digest(t *testing.T, ref string) v1.Hash {
	t.Helper()
	r, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		d, err := remote.Head(r)
		if err == nil {
			return d.Digest
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
