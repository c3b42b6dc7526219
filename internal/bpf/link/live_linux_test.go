package link

import (
	"bytes"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/skep-bpf/skep/internal/testkit"
)

// TestRun loads what's linked and runs it: programs call, read and update what was another
// object's.
func TestRun(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Feature("btf"))
	for _, order := range []string{"main lib", "lib main", "core main lib"} {
		spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(mustLink(t, order)))
		if err != nil {
			t.Fatalf("%s: %v", order, err)
		}
		coll, err := ebpf.NewCollection(spec)
		if err != nil {
			t.Fatalf("%s: %v", order, err)
		}
		t.Cleanup(coll.Close)
		for _, c := range []struct {
			prog string
			want uint32
			why  string
		}{
			{"entry", 207, "round_up(5*7 + 1+40) + 100 + 20 + 2*3+1"},
			{"second", 32, "10*3 + 2"},
			{"third", 44, "3 + 41"},
		} {
			got, _, err := coll.Programs[c.prog].Test(make([]byte, 64))
			if err != nil || got != c.want {
				t.Errorf("%s: %s returned %d, %v; want %d, %s", order, c.prog, got, err, c.want, c.why)
			}
		}
	}
}
