package sim

import "testing"

// BenchmarkSimulate plays one schedule after the other on one processor and reports how long a step takes.
func BenchmarkSimulate(b *testing.B) {
	b.ReportAllocs()
	steps, passes, seed := 0, 0, uint64(0)
	for b.Loop() {
		seed++
		out := draw(seed, 12).play(false)
		steps += out.steps
		passes += out.passes
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(steps), "ns/step")
	b.ReportMetric(float64(steps)/float64(passes), "steps/pass")
}
