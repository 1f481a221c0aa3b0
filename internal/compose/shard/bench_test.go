package shard

import (
	"strings"
	"testing"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// nine is a shard of nine members in three cells, and ninetySix one of 96 in three.
func nine() string {
	return strings.Replace(minimal, "cells: [z1]\n      replicasPerCell: 3", "cells: [z1, z2, z3]\n      replicasPerCell: 3", 1)
}

func ninetySix() string {
	return strings.Replace(minimal, "cells: [z1]\n      replicasPerCell: 3", "cells: [z1, z2, z3]\n      replicasPerCell: 32", 1)
}

func benchmark(b *testing.B, xr string) {
	b.Helper()
	w := newWorld(b, xr, nil)
	w.settle()
	run := func(b *testing.B, encode bool) {
		b.Helper()
		b.ReportAllocs()
		for b.Loop() {
			out, err := Compose(w.in)
			if err != nil {
				b.Fatal(err)
			}
			if encode {
				encodeAll(b, out)
			}
		}
	}
	b.Run("Compose", func(b *testing.B) { run(b, false) })
	b.Run("ComposeAndEncode", func(b *testing.B) { run(b, true) })
}

func encodeAll(b *testing.B, out compose.Output) {
	b.Helper()
	enc := object.NewEncoder()
	for _, r := range out.Resources {
		if r.Object == nil {
			continue
		}
		if _, err := enc.Encode(r.Object); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkComposeShard9(b *testing.B)  { benchmark(b, nine()) }
func BenchmarkComposeShard96(b *testing.B) { benchmark(b, ninetySix()) }

// BenchmarkComposeShard96Outdated composes 96 pods that are all frozen.
func BenchmarkComposeShard96Outdated(b *testing.B) {
	w := newWorld(b, ninetySix(), nil)
	w.settle()
	w.set(strings.Replace(ninetySix(), "postgres: pgctld:v0.1.0", "postgres: pgctld:v9", 1))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compose(w.in); err != nil {
			b.Fatal(err)
		}
	}
}
