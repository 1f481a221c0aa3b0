package platform

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// BenchmarkStart starts a control plane with Crossplane and stops it, cold and from data that is kept; the goals are 25 s and 8 s.
func BenchmarkStart(b *testing.B) {
	log.SetLogger(logr.Discard())

	for _, bc := range []struct {
		name string
		cold bool
	}{{"Cold", true}, {"Kept", false}} {
		b.Run(bc.name, func(b *testing.B) {
			if bc.cold && testing.Short() {
				b.Skip("the other one shows that it works")
			}

			start := time.Duration(0)

			for range b.N {
				if bc.cold {
					kept, err := filepath.Glob("../../.cache/controlplane/kept/crossplane-*")
					if err != nil {
						b.Fatal(err)
					}

					for _, dir := range kept {
						if err := os.RemoveAll(dir); err != nil {
							b.Fatal(err)
						}
					}
				}

				begin := time.Now()

				p, err := Start(b.Context(), Options{Nodes: ExampleNodes()})
				if err != nil {
					b.Fatal(err)
				}

				start += time.Since(begin)
				p.Stop()
			}

			b.ReportMetric(start.Seconds()/float64(b.N), "s/start")
		})
	}
}
