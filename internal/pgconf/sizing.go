package pgconf

import (
	"fmt"
	"math"
	"strconv"
)

// Sizes of memory, in kB.
const (
	kB int64 = 1
	mB       = 1024 * kB
	gB       = 1024 * mB
)

// Limits PostgreSQL 17 puts on the settings that are sized, in kB. They matter
// for amounts of memory no one runs a database with.
const (
	minSharedBuffers = 128 * kB
	maxSharedBuffers = math.MaxInt32 / 2 * 8 * kB
	minCacheSize     = 8 * kB
	maxCacheSize     = math.MaxInt32 * 8 * kB
	minWorkMem       = 64 * kB
	maxWorkMem       = math.MaxInt32 * kB
)

// parallelCores is the number of cores from which parallel query is sized. A
// smaller server keeps the baseline.
const parallelCores = 4

// Resources are what one PostgreSQL server may use. Zero means unknown.
type Resources struct {
	// MemoryBytes of the postgres container: its limit, or else its request.
	MemoryBytes int64

	// CPUMillis of the postgres container, in thousandths of a core.
	CPUMillis int64

	// DiskBytes of the data volume.
	DiskBytes int64
}

// Size returns the settings that follow from the resources of a server and the
// number of connections it accepts, as PostgreSQL's and pgtune's rules of thumb
// for a mixed load have them. What is unknown is left out.
func Size(r Resources, maxConnections int64) []Setting {
	perGather := int64(baselineParallelPerGather)
	var settings []Setting

	if cores := r.CPUMillis / 1000; cores >= parallelCores {
		cores = min(cores, maxParallelWorkers)
		perGather = cores / 2
		settings = append(settings,
			Setting{Name: "max_worker_processes", Value: strconv.FormatInt(cores, 10)},
			Setting{Name: "max_parallel_workers", Value: strconv.FormatInt(cores, 10)},
			Setting{Name: "max_parallel_workers_per_gather", Value: strconv.FormatInt(perGather, 10)},
			Setting{Name: "max_parallel_maintenance_workers", Value: strconv.FormatInt(min(cores/2, 4), 10)},
		)
	}
	settings = append(settings, sizeMemory(r.MemoryBytes/1024, maxConnections, perGather)...)
	return append(settings, sizeDisk(r.DiskBytes/1024/1024)...)
}

// maxParallelWorkers is PostgreSQL's own limit on parallel workers.
const maxParallelWorkers = 1024

// sizeMemory sizes buffers and working memory from the memory in kB.
func sizeMemory(memory, maxConnections, perGather int64) []Setting {
	if memory <= 0 {
		return nil
	}

	shared := memory / 4
	// Sorts and hashes of all connections share what the buffers leave, three
	// to a connection and one more for each parallel worker.
	work := (memory - shared) / (max(maxConnections, 1) * 3) / max(perGather, 1)

	return []Setting{
		{Name: "shared_buffers", Value: size(clamp(shared, minSharedBuffers, maxSharedBuffers))},
		{Name: "effective_cache_size", Value: size(clamp(memory*3/4, minCacheSize, maxCacheSize))},
		{Name: "maintenance_work_mem", Value: size(clamp(memory/16, minWorkMem, 2*gB))},
		{Name: "wal_buffers", Value: size(clamp(shared*3/100, 32*kB, 16*mB))},
		{Name: "work_mem", Value: size(clamp(work, minWorkMem, maxWorkMem))},
	}
}

// sizeDisk sizes the write-ahead log from the disk in MB. The lower limits are
// multiples of a segment of 16 MB.
func sizeDisk(disk int64) []Setting {
	if disk <= 0 {
		return nil
	}

	maxWAL := clamp(disk/4, 64, 4096)
	return []Setting{
		{Name: "max_wal_size", Value: size(maxWAL * mB)},
		{Name: "min_wal_size", Value: size(clamp(maxWAL/4, 32, 1024) * mB)},
		{Name: "wal_keep_size", Value: size(clamp(disk/8, 32, 1000) * mB)},
		{Name: "max_slot_wal_keep_size", Value: size(maxWAL * mB)},
	}
}

// size prints an amount of kB in the largest unit that divides it.
func size(amount int64) string {
	switch {
	case amount%gB == 0:
		return fmt.Sprintf("%dGB", amount/gB)
	case amount%mB == 0:
		return fmt.Sprintf("%dMB", amount/mB)
	}
	return fmt.Sprintf("%dkB", amount)
}

func clamp(v, low, high int64) int64 {
	return min(max(v, low), high)
}
