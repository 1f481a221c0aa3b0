package pgconf

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

const (
	mebibyte = int64(1) << 20
	gibibyte = int64(1) << 30
)

func TestSize(t *testing.T) {
	memory := func(shared, cache, maintenance, wal, work string) []Setting {
		return []Setting{
			{Name: "shared_buffers", Value: shared},
			{Name: "effective_cache_size", Value: cache},
			{Name: "maintenance_work_mem", Value: maintenance},
			{Name: "wal_buffers", Value: wal},
			{Name: "work_mem", Value: work},
		}
	}
	cpu := func(workers, perGather, maintenance string) []Setting {
		return []Setting{
			{Name: "max_worker_processes", Value: workers},
			{Name: "max_parallel_workers", Value: workers},
			{Name: "max_parallel_workers_per_gather", Value: perGather},
			{Name: "max_parallel_maintenance_workers", Value: maintenance},
		}
	}
	disk := func(maximum, minimum, keep string) []Setting {
		return []Setting{
			{Name: "max_wal_size", Value: maximum},
			{Name: "min_wal_size", Value: minimum},
			{Name: "wal_keep_size", Value: keep},
			{Name: "max_slot_wal_keep_size", Value: maximum},
		}
	}

	cases := map[string]struct {
		reason         string
		resources      Resources
		maxConnections int64
		want           []Setting
	}{
		"Unknown":          {"What is unknown is left out.", Resources{}, 60, nil},
		"Negative":         {"Less than nothing is unknown.", Resources{-1, -1, -1}, 60, nil},
		"Memory512Mi":      {"A quarter of the memory is shared.", Resources{MemoryBytes: 512 * mebibyte}, 60, memory("128MB", "384MB", "32MB", "3932kB", "2184kB")},
		"Memory1Gi":        {"Sizes print in the largest even unit.", Resources{MemoryBytes: gibibyte}, 60, memory("256MB", "768MB", "64MB", "7864kB", "4369kB")},
		"Memory8Gi":        {"The buffer of the log has an upper limit.", Resources{MemoryBytes: 8 * gibibyte}, 60, memory("2GB", "6GB", "512MB", "16MB", "34952kB")},
		"Memory64Gi":       {"Maintenance memory has an upper limit.", Resources{MemoryBytes: 64 * gibibyte}, 60, memory("16GB", "48GB", "2GB", "16MB", "279620kB")},
		"MemoryOdd":        {"Memory that is no whole number of kilobytes is rounded down.", Resources{MemoryBytes: 1000000000}, 60, memory("244140kB", "732421kB", "61035kB", "7324kB", "4069kB")},
		"MoreConnections":  {"More connections leave less to each.", Resources{MemoryBytes: gibibyte}, 600, memory("256MB", "768MB", "64MB", "7864kB", "436kB")},
		"FewestForWork":    {"Working memory has a lower limit.", Resources{MemoryBytes: gibibyte}, 10000, memory("256MB", "768MB", "64MB", "7864kB", "64kB")},
		"NoConnections":    {"A number of connections no server accepts does no harm.", Resources{MemoryBytes: gibibyte}, 0, memory("256MB", "768MB", "64MB", "7864kB", "256MB")},
		"TinyMemory":       {"Nothing is sized below what PostgreSQL accepts.", Resources{MemoryBytes: 1024}, 60, memory("128kB", "8kB", "64kB", "32kB", "64kB")},
		"CPUBelowFour":     {"A small server keeps the baseline.", Resources{CPUMillis: 3999}, 60, nil},
		"CPUFour":          {"From four cores on parallel query is sized.", Resources{CPUMillis: 4000}, 60, cpu("4", "2", "2")},
		"CPUFraction":      {"Only whole cores count.", Resources{CPUMillis: 7900}, 60, cpu("7", "3", "3")},
		"CPUSixteen":       {"Maintenance has an upper limit.", Resources{CPUMillis: 16000}, 60, cpu("16", "8", "4")},
		"CPUHuge":          {"Nothing is sized above what PostgreSQL accepts.", Resources{CPUMillis: math.MaxInt64}, 60, cpu("1024", "512", "4")},
		"CPUAndMemory":     {"Parallel workers share the working memory.", Resources{MemoryBytes: 8 * gibibyte, CPUMillis: 4000}, 60, append(cpu("4", "2", "2"), memory("2GB", "6GB", "512MB", "16MB", "17476kB")...)},
		"Disk128Mi":        {"Everything has a lower limit.", Resources{DiskBytes: 128 * mebibyte}, 60, disk("64MB", "32MB", "32MB")},
		"Disk1Gi":          {"A quarter of the disk is for the log.", Resources{DiskBytes: gibibyte}, 60, disk("256MB", "64MB", "128MB")},
		"Disk10Gi":         {"Segments that are kept have an upper limit.", Resources{DiskBytes: 10 * gibibyte}, 60, disk("2560MB", "640MB", "1000MB")},
		"Disk1Ti":          {"Everything has an upper limit.", Resources{DiskBytes: 1024 * gibibyte}, 60, disk("4GB", "1GB", "1000MB")},
		"DiskBelowOneMega": {"Less than a megabyte is unknown.", Resources{DiskBytes: 1024}, 60, nil},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := Size(tc.resources, tc.maxConnections)
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("\n%s\nSize(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestSizeIsAccepted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Resources{
			MemoryBytes: rapid.Int64().Draw(t, "memory"),
			CPUMillis:   rapid.Int64().Draw(t, "cpu"),
			DiskBytes:   rapid.Int64().Draw(t, "disk"),
		}
		for _, s := range Size(r, rapid.Int64Range(1, 262143).Draw(t, "connections")) {
			if p := check(s.Name, s.Value); p.detail != "" {
				t.Errorf("Size(%+v): %s = %s %s", r, s.Name, s.Value, p.detail)
			}
		}
	})
}
