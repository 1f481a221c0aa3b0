package sim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// poolNames are those that a spec can have.
var poolNames = []string{"main", "side", "late"}

// somePool picks a pool of the spec.
func somePool(s *spec, n uint64) string {
	name, _ := pick(slices.Sorted(maps.Keys(s.pools)), n)
	return name
}

func (s *spec) edit(name string, f func(*pool)) {
	p := s.pools[name]
	f(&p)
	s.pools[name] = p
}

func scaleUp(_ *world, s *spec, a, _ uint64) bool {
	s.edit(somePool(s, a), func(p *pool) { p.replicas++ })
	return true
}

func scaleDown(_ *world, s *spec, a, _ uint64) bool {
	s.edit(somePool(s, a), func(p *pool) { p.replicas-- })
	return true
}

func addPool(_ *world, s *spec, a, b uint64) bool {
	for _, name := range poolNames {
		if _, ok := s.pools[name]; !ok {
			s.pools[name] = pool{cells: []string{cells[a%3]}, replicas: 1 + int(b%2), size: "1Gi", cpu: "100m"}
			return true
		}
	}
	return false
}

func removePool(_ *world, s *spec, a, _ uint64) bool {
	delete(s.pools, somePool(s, a))
	return len(s.pools) > 0
}

func movePool(_ *world, s *spec, a, b uint64) bool {
	s.edit(somePool(s, a), func(p *pool) {
		for i, c := range p.cells {
			p.cells[i] = cells[(slices.Index(cells, c)+1+int(b%2))%3]
		}
	})
	return true
}

func addCell(_ *world, s *spec, a, b uint64) bool {
	done := false
	s.edit(somePool(s, a), func(p *pool) {
		if c := cells[b%3]; !slices.Contains(p.cells, c) {
			p.cells, done = append(p.cells, c), true
		}
	})
	return done
}

// removeCell takes a cell away from all pools.
func removeCell(_ *world, s *spec, a, _ uint64) bool {
	c, _ := pick(s.cells(), a)
	for name := range s.pools {
		s.edit(name, func(p *pool) { p.cells = slices.DeleteFunc(p.cells, func(o string) bool { return o == c }) })
		if len(s.pools[name].cells) == 0 {
			delete(s.pools, name)
		}
	}
	return len(s.pools) > 0
}

func changeImage(_ *world, s *spec, a, _ uint64) bool {
	s.image = fmt.Sprintf("pgctld:v%d", 1+a%4)
	return true
}

func revertImage(w *world, s *spec, _, _ uint64) bool {
	for i := len(w.user.history) - 2; i >= 0; i-- {
		if o := w.user.history[i]; o.image != s.image && o.image != badImage {
			s.image = o.image
			return true
		}
	}
	return false
}

func badImageGiven(_ *world, s *spec, _, _ uint64) bool {
	s.image = badImage
	return true
}

func mend(_ *world, s *spec, a, _ uint64) bool {
	if !s.broken() {
		return false
	}
	if s.image == badImage {
		s.image = fmt.Sprintf("pgctld:v%d", 1+a%4)
	}
	delete(s.settings, "shared_preload_libraries")
	return true
}

func (s *spec) set(name, value string) {
	if s.settings == nil {
		s.settings = map[string]string{}
	}
	s.settings[name] = value
}

func changeRestartOnly(_ *world, s *spec, a, _ uint64) bool {
	s.set("max_files_per_process", strconv.Itoa(700+100*int(a%4)))
	return true
}

func badRestartOnly(_ *world, s *spec, _, _ uint64) bool {
	s.set("shared_preload_libraries", badLibrary)
	return true
}

func changeReloadSafe(_ *world, s *spec, a, _ uint64) bool {
	s.set("work_mem", strconv.Itoa(5+int(a%4))+"MB")
	return true
}

func changeResources(_ *world, s *spec, a, b uint64) bool {
	s.edit(somePool(s, a), func(p *pool) { p.cpu = fmt.Sprintf("%d00m", 1+b%4) })
	return true
}

func growStorage(_ *world, s *spec, a, _ uint64) bool {
	s.edit(somePool(s, a), func(p *pool) {
		n, _ := strconv.Atoi(p.size[:len(p.size)-2])
		p.size = strconv.Itoa(n+1) + "Gi"
	})
	return true
}

func changePolicies(_ *world, s *spec, a, b uint64) bool {
	both := []v1alpha1.PVCRetentionPolicy{v1alpha1.PVCRetain, v1alpha1.PVCDelete}
	s.scaled, s.deleted = both[a%2], both[b%2]
	s.edit(somePool(s, a/2), func(p *pool) { p.scaled = append(both, "")[b/2%3] })
	return true
}

// undo takes the last change back.
func undo(w *world, s *spec, _, _ uint64) bool {
	n := len(w.user.history)
	if n < 2 {
		return false
	}
	old := w.user.history[n-2].clone()
	for name, p := range old.pools {
		// Sizes never shrink.
		if now, ok := s.pools[name]; ok {
			p.size = max(p.size, now.size)
			old.pools[name] = p
		}
	}
	*s = *old
	return true
}

// override lets the rollout go on without knowing the roles, or without a quorum.
func override(_ *world, s *spec, a, _ uint64) bool {
	s.override = []string{"", "roles", "quorum"}[a%3]
	return true
}
