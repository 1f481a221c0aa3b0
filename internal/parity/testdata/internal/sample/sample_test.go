package sample

import "testing"

var common = map[string]int{"Common": 1}

func TestThing(t *testing.T) {
	t.Run("Small", func(*testing.T) {})
}

func TestShared(t *testing.T) {
	for name := range common {
		t.Run(name, func(*testing.T) {})
	}
}

func FuzzThing(*testing.F) {}
