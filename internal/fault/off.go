//go:build !fault

package fault

// Hit does nothing.
func Hit(Point) {}
