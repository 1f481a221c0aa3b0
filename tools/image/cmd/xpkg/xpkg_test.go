package main

import (
	"archive/tar"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/xpkg"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// source is the root of the sources, seen from here.
const source = "../../../.."

// programs makes a folder of programs that differ by name and architecture.
func programs(t *testing.T, arches ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, a := range arches {
		for _, p := range []string{"function", "provider"} {
			write(t, filepath.Join(dir, a, p), []byte(p+" for "+a))
		}
	}
	return dir
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, data, 0o600)); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// xpkgs runs the command and returns what it prints.
func xpkgs(t *testing.T, args ...string) (string, error) {
	t.Helper()
	b := &bytes.Buffer{}
	err := run(t.Context(), b, args...)
	return b.String(), err
}

// build builds packages of the real sources into a new folder.
func build(t *testing.T, reg, version string, arches ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	args := []string{"build", "--source=" + source, "--registry=" + reg, "--version=" + version, "--programs=" + programs(t, arches...), "--out=" + dir}
	for _, a := range arches {
		args = append(args, "--arch="+a)
	}
	if _, err := xpkgs(t, args...); err != nil {
		t.Fatal(err)
	}
	return dir
}

// packageYAML returns the objects of a package as Crossplane reads them.
func packageYAML(t *testing.T, img v1.Image) string {
	t.Helper()
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range m.Layers {
		if d.Annotations[xpkg.AnnotationKey] != xpkg.PackageAnnotation {
			continue
		}
		l, err := img.LayerByDigest(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		rc, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rc.Close() }()
		r := tar.NewReader(rc)
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	t.Fatal("no layer of the image is a package")
	return ""
}

func TestBuildIsReproducible(t *testing.T) {
	a := build(t, "127.0.0.1:5000/demo", "v1.2.3", "amd64", "arm64")
	b := build(t, "127.0.0.1:5000/demo", "v1.2.3", "amd64", "arm64")
	if diff := cmp.Diff(read(t, filepath.Join(a, sumsFile)), read(t, filepath.Join(b, sumsFile))); diff != "" {
		t.Errorf("two builds of one source: -first, +second:\n%s", diff)
	}
	var names []string
	for l := range strings.Lines(read(t, filepath.Join(a, sumsFile))) {
		sum, file, _ := strings.Cut(strings.TrimSpace(l), "  ")
		h := sha256.Sum256([]byte(read(t, filepath.Join(a, file))))
		if got := hex.EncodeToString(h[:]); got != sum {
			t.Errorf("%s: want sum %s, got %s", file, got, sum)
		}
		names = append(names, file)
	}
	want := []string{
		"configuration-multigres.manifest.json", "configuration-multigres.xpkg",
		"function-multigres-amd64.xpkg", "function-multigres-arm64.xpkg", "function-multigres.manifest.json", "install.yaml",
		"provider-multigres-amd64.xpkg", "provider-multigres-arm64.xpkg", "provider-multigres.manifest.json",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("files: -want, +got:\n%s", diff)
	}
}

func TestBuildNamesTheTarget(t *testing.T) {
	cases := map[string]struct {
		reason   string
		registry string
		function string
	}{
		"Default": {
			reason:   "The sources are written for the default registry.",
			registry: sourceRegistry,
			function: "crossplane-multigres-function-multigres",
		},
		"Path": {
			reason:   "Crossplane names a dependency after the path of its repository.",
			registry: "127.0.0.1:5000/a/b",
			function: "a-b-function-multigres",
		},
		"NoPath": {
			reason:   "Without a path the package's own name is left.",
			registry: "127.0.0.1:5000",
			function: "function-multigres",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			dir := build(t, tc.registry, "v1.2.3-rc.1", "amd64")
			img, err := built(filepath.Join(dir, configuration+".xpkg"))
			if err != nil {
				t.Fatal(err)
			}
			pkg, manifest := packageYAML(t, img), read(t, filepath.Join(dir, install))
			got := map[string]int{
				"compositions":  strings.Count(pkg, "functionRef:\n      name: "+tc.function+"\n"),
				"dependencies":  strings.Count(pkg, "package: "+tc.registry+"/"),
				"versions":      strings.Count(pkg, "version: v1.2.3-rc.1\n"),
				"installed":     strings.Count(manifest, "package: "+tc.registry+"/") - strings.Count(manifest, ":v0."),
				"with versions": strings.Count(manifest, "-multigres:v1.2.3-rc.1\n"),
				"Function":      strings.Count(manifest, "  name: "+tc.function+"\n"),
			}
			compositions, err := filepath.Glob(filepath.Join(source, "package", "configuration", "composition-*.yaml"))
			if err != nil || len(compositions) == 0 {
				t.Fatalf("there are no Compositions: %v", err)
			}
			// The Function is named where it is installed and where its use is declared.
			want := map[string]int{"compositions": len(compositions), "dependencies": 2, "versions": 2, "installed": 3, "with versions": 3, "Function": 2}
			if tc.function == function {
				// Its ServiceAccount, runtime configuration and ClusterUsage have that name anyway.
				delete(want, "Function")
				delete(got, "Function")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestPush(t *testing.T) {
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer srv.Close()
	reg := strings.TrimPrefix(srv.URL, "http://") + "/demo"
	dir := build(t, reg, "v1.0.0", "amd64", "arm64")
	push := func(dir string, more ...string) (string, error) {
		return xpkgs(t, append([]string{"push", "--dir=" + dir, "--registry=" + reg, "--version=v1.0.0"}, more...)...)
	}
	if _, err := push(dir); err != nil {
		t.Fatal(err)
	}
	for _, pkg := range []string{function, provider, configuration} {
		ref, err := name.NewTag(reg + "/" + pkg + ":v1.0.0")
		if err != nil {
			t.Fatal(err)
		}
		d, err := remote.Get(ref)
		if err != nil {
			t.Fatal(err)
		}
		// Its sum is in SHA256SUMS, so that is where the digest can be looked up.
		if diff := cmp.Diff(read(t, filepath.Join(dir, pkg+manifestExtension)), string(d.Manifest)); diff != "" {
			t.Errorf("%s: -built, +pushed:\n%s", pkg, diff)
		}
		for _, arch := range []string{"amd64", "arm64"} {
			img, err := remote.Image(ref, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: arch}))
			if err != nil {
				t.Fatal(err)
			}
			if y := packageYAML(t, img); !strings.Contains(y, "name: "+pkg+"\n") {
				t.Errorf("%s for %s: not that package:\n%s", pkg, arch, y)
			}
			cf, err := img.ConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			if pkg != configuration && cf.Architecture != arch {
				t.Errorf("%s for %s: got an image for %s", pkg, arch, cf.Architecture)
			}
		}
	}
	if out, err := push(dir); err != nil || strings.Count(out, "is there") != 3 {
		t.Errorf("a second push should change nothing, got %v:\n%s", err, out)
	}
	other := build(t, reg, "v1.0.0", "amd64")
	if _, err := push(other); !errors.Is(err, errPublished) {
		t.Errorf("another build should not replace a version, got %v", err)
	}
	if _, err := push(other, "--force"); err != nil {
		t.Errorf("a version should be replaced by force, got %v", err)
	}
	write(t, filepath.Join(dir, install), nil)
	if _, err := push(dir); !errors.Is(err, errSum) {
		t.Errorf("a build that was changed should not be pushed, got %v", err)
	}
	srv.Close()
	if _, err := push(other); err == nil {
		t.Error("a registry that does not answer should be an error")
	}
}

func TestSign(t *testing.T) {
	dir := build(t, sourceRegistry, "v1.0.0", "amd64")
	keys := t.TempDir()
	pair := func(name string, c elliptic.Curve, sec1 bool) {
		k, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		typ, der := "PRIVATE KEY", []byte(nil)
		if sec1 {
			typ = "EC PRIVATE KEY"
			der, err = x509.MarshalECPrivateKey(k)
		} else {
			der, err = x509.MarshalPKCS8PrivateKey(k)
		}
		pub, perr := x509.MarshalPKIXPublicKey(k.Public())
		if err := errors.Join(err, perr); err != nil {
			t.Fatal(err)
		}
		b := pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der})
		if sec1 {
			// As openssl writes it.
			b = append(pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}}), b...)
		}
		write(t, filepath.Join(keys, name+".key"), b)
		write(t, filepath.Join(keys, name+".pub"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pub}))
	}
	pair("pkcs8", elliptic.P256(), false)
	pair("sec1", elliptic.P256(), true)
	pair("p384", elliptic.P384(), false)
	write(t, filepath.Join(keys, "none.key"), []byte("no key"))
	sign := func(key string) error {
		_, err := xpkgs(t, "sign", "--dir="+dir, "--key="+filepath.Join(keys, key))
		return err
	}
	verify := func(args ...string) error {
		_, err := xpkgs(t, append([]string{"verify", "--dir=" + dir}, args...)...)
		return err
	}
	key := func(name string) string { return "--key=" + filepath.Join(keys, name) }

	if err := verify(key("pkcs8.pub")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a build that is not signed should not verify, got %v", err)
	}
	for _, k := range []string{"pkcs8", "sec1"} {
		if err := errors.Join(sign(k+".key"), verify(key(k+".pub")), verify()); err != nil {
			t.Errorf("%s: what was signed should verify, got %v", k, err)
		}
	}
	if err := verify(key("pkcs8.pub")); !errors.Is(err, errSignature) {
		t.Errorf("the signature of another key should not verify, got %v", err)
	}
	for _, k := range []string{"p384.key", "none.key", "pkcs8.pub"} {
		if err := sign(k); !errors.Is(err, errKey) {
			t.Errorf("%s: want %v, got %v", k, errKey, err)
		}
	}
	for _, k := range []string{"p384.pub", "none.key", "pkcs8.key"} {
		if err := verify(key(k)); !errors.Is(err, errKey) {
			t.Errorf("%s: want %v, got %v", k, errKey, err)
		}
	}
	write(t, filepath.Join(dir, "added"), nil)
	if err := verify(key("sec1.pub")); !errors.Is(err, errSum) {
		t.Errorf("a file that was added should not verify, got %v", err)
	}
	if err := sign("sec1.key"); !errors.Is(err, errSum) {
		t.Errorf("a build that was changed should not be signed, got %v", err)
	}
	write(t, filepath.Join(dir, sumsFile), nil)
	if err := verify(key("sec1.pub")); !errors.Is(err, errSignature) {
		t.Errorf("sums that were changed should not verify, got %v", err)
	}
	write(t, filepath.Join(dir, signatureFile), []byte("?"))
	if err := verify(key("sec1.pub")); !errors.Is(err, errSignature) {
		t.Errorf("a signature that is none should not verify, got %v", err)
	}
}

func TestBuildFails(t *testing.T) {
	amd64 := programs(t, "amd64")
	kept := build(t, sourceRegistry, "v1.0.0", "amd64")
	before := read(t, filepath.Join(kept, sumsFile))
	good := map[string]string{"source": source, "registry": sourceRegistry, "version": "v1.0.0", "programs": amd64, "arch": "amd64", "out": kept}
	cases := map[string]struct {
		reason    string
		flag, val string
		err       error
	}{
		"NoV":       {reason: "Versions of packages begin with a v.", flag: "version", val: "1.0.0", err: errVersion},
		"NoSemver":  {reason: "Crossplane compares versions.", flag: "version", val: "v1", err: errVersion},
		"Metadata":  {reason: "Build metadata cannot be part of a tag.", flag: "version", val: "v1.0.0+x", err: errVersion},
		"Registry":  {reason: "A repository has a lower-case name.", flag: "registry", val: "ghcr.io/Team", err: nil},
		"NoProgram": {reason: "A program that was not built should be an error.", flag: "arch", val: "arm64", err: os.ErrNotExist},
		"NoSource":  {reason: "A folder that does not hold the sources should be an error.", flag: "source", val: amd64, err: nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			args := []string{"build"}
			for k, v := range good {
				if k == tc.flag {
					v = tc.val
				}
				args = append(args, "--"+k+"="+v)
			}
			_, err := xpkgs(t, args...)
			if err == nil || tc.err != nil && !errors.Is(err, tc.err) {
				t.Errorf("\n%s\nwant an error (%v), got %v", tc.reason, tc.err, err)
			}
			if got := read(t, filepath.Join(kept, sumsFile)); got != before {
				t.Errorf("\n%s\na build that fails should leave the last one alone", tc.reason)
			}
		})
	}
	if _, err := taggables(t.TempDir()); !errors.Is(err, errNoPackage) {
		t.Errorf("an empty folder should hold no packages, got %v", err)
	}
}
