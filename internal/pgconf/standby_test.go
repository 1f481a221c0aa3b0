package pgconf

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRead holds that what is rendered says by itself what servers with it have, whatever the user wrote.
func TestRead(t *testing.T) {
	for name, in := range map[string]Input{
		"Baseline": {},
		"Named":    {ClusterName: "a/b c"},
		"Ref":      {RefBody: "max_connections 120 # many\nshared_preload_libraries = 'a, ''b'''\n"},
		"Inline":   {RefBody: "max_connections 120\n", Inline: map[string]string{"MAX_connections": "+300", "search_path": `"$user", public`}},
		"Floor":    {Inline: map[string]string{"max_connections": "30"}, Floor: Floor{"max_connections": 90, "max_prepared_transactions": 7}},
		"Sized":    {Resources: Resources{MemoryBytes: 8 << 30, CPUMillis: 4000, DiskBytes: 50 << 30}},
	} {
		t.Run(name, func(t *testing.T) {
			c := Render(in)
			floor, hash := Read(c.Text)
			if diff := cmp.Diff(c.Floor(), floor); diff != "" {
				t.Errorf("floor: -rendered, +read:\n%s", diff)
			}
			if hash != c.RestartHash {
				t.Errorf("want hash %s, got %s", c.RestartHash, hash)
			}
			if diff := cmp.Diff(floor, ParseFloor(floor.String())); diff != "" {
				t.Errorf("ParseFloor(String()): -want, +got:\n%s", diff)
			}
		})
	}
}

func TestRenderFloor(t *testing.T) {
	cases := map[string]struct {
		reason string
		in     Input
		want   []Held
	}{
		"None":     {"Without a floor anything goes.", Input{Inline: map[string]string{"max_connections": "5"}}, nil},
		"Lowered":  {"What is lowered stays.", Input{Inline: map[string]string{"max_connections": "5"}, Floor: Floor{"max_connections": 60}}, []Held{{"max_connections", 5, 60}}},
		"Raised":   {"What is raised is raised.", Input{Inline: map[string]string{"max_connections": "70"}, Floor: Floor{"max_connections": 60}}, nil},
		"Ref":      {"It does not matter where a value comes from.", Input{RefBody: "max_wal_senders = 3\n", Floor: Floor{"max_wal_senders": 25}}, []Held{{"max_wal_senders", 3, 25}}},
		"LeftOut":  {"What is not said any more falls back to the server's default.", Input{Floor: Floor{"max_prepared_transactions": 10, "max_locks_per_transaction": 64}}, []Held{{"max_prepared_transactions", 0, 10}}},
		"FewerCPU": {"So does what is sized by CPUs.", Input{Resources: Resources{MemoryBytes: 1 << 30, CPUMillis: 1000, DiskBytes: 1 << 30}, Floor: Floor{"max_worker_processes": 64}}, []Held{{"max_worker_processes", workersOf(1000), 64}}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := Render(tc.in)
			if diff := cmp.Diff(tc.want, c.Held); diff != "" {
				t.Errorf("\n%s\nHeld: -want, +got:\n%s", tc.reason, diff)
			}
			for _, h := range tc.want {
				if got := c.Floor()[h.Name]; got != h.Kept {
					t.Errorf("\n%s\n%s: want %d in effect, got %d", tc.reason, h.Name, h.Kept, got)
				}
			}
		})
	}
}

// workersOf is what a server with so many thousandths of a CPU gets without a floor.
func workersOf(millis int64) int64 {
	return Render(Input{Resources: Resources{MemoryBytes: 1 << 30, CPUMillis: millis, DiskBytes: 1 << 30}}).Floor()["max_worker_processes"]
}

func TestParseFloor(t *testing.T) {
	got := ParseFloor("max_connections=5,work_mem=3,max_wal_senders=x,,max_worker_processes=9")
	if diff := cmp.Diff(Floor{"max_connections": 5, "max_worker_processes": 9}, got); diff != "" {
		t.Errorf("what is none of it is passed over: -want, +got:\n%s", diff)
	}
	if got := ParseFloor(""); got != nil {
		t.Errorf("want nothing from nothing, got %v", got)
	}
	if diff := cmp.Diff(Floor{"max_connections": 7, "max_wal_senders": 3}, Floor{"max_connections": 7}.Max(Floor{"max_connections": 5, "max_wal_senders": 3})); diff != "" {
		t.Errorf("Max: -want, +got:\n%s", diff)
	}
}
