package sample_test

import "testing"

var common = map[string]int{"Far": 1}

func TestOutside(t *testing.T) {
	for name := range common {
		t.Run(name, func(*testing.T) {})
	}
}
