package e2e

import "testing"

func TestInstall(t *testing.T) {
}
