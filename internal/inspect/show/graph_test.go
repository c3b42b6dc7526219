package show

import (
	"io"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/inspect"
)

// TestTree: maps below the first program that uses them, circles once, nothing left out.
func TestTree(t *testing.T) {
	s := &inspect.Survey{
		Progs: []*inspect.Prog{
			{ID: 1, Name: "pinned", Type: 6, XlatedLen: 16, Maps: []uint32{7}}, {ID: 2, Name: "called", Type: 6, XlatedLen: 2048, Maps: []uint32{8}},
			{ID: 3, Name: "shar\x1bing", Type: 6, Maps: []uint32{7}},
		},
		Maps: []*inspect.Map{
			{ID: 7, Name: "both", Type: 1, KeySize: 4, ValueSize: 8, MaxEntries: 10, Memlock: 4096}, {ID: 8, Name: "calls", Type: 3, KeySize: 4, ValueSize: 4, MaxEntries: 2},
			{ID: 9, Name: "ring", Type: 27, MaxEntries: 4096, Memlock: 8192},
		},
		Pins: []inspect.Pin{{Path: "/bpf/one", Kind: inspect.KindProg, ID: 1}},
		Points: []inspect.Point{
			{Prog: 1, Link: 5, Text: "perf event clock"}, {Prog: 1, Link: 6, Text: "perf event clock"}, {Prog: 2, Map: 8, Text: "tail call 0 of map 8"},
			{Prog: 3, Text: "xdp on lo"},
		},
	}
	const want = `pin /bpf/one
└─ program 1 pinned  xdp, 16, 0000000000000000
   ├─ → perf event clock (links 5, 6)
   └─ map 7 both  hash, 10 × (4 + 8), 4.0K
kept by nobody, or by attachments alone
├─ program 3 shar?ing  xdp, 0, 0000000000000000
│  ├─ → xdp on lo
│  └─ map 7 both  (see above)
├─ map 9 ring  ringbuf, 8.0K
└─ program 2 called  xdp, 2.0K, 0000000000000000
   └─ map 8 calls  prog_array, 2 × (4 + 4), 0
      └─ program 2 called  (see above)
`
	g := NewGraph(s, s.Progs, true)
	var b strings.Builder
	if err := g.tree(&b, 0); err != nil || b.String() != want {
		t.Errorf("%v\n%s", err, b.String())
	}
	// A circle is no trouble for the layout.
	if err := g.Drawing().SVG(io.Discard); err != nil {
		t.Error(err)
	}
}

func TestLinkLabels(t *testing.T) {
	label := ""
	for _, c := range []struct{ add, want string }{
		{"link 1", "link 1"}, {"link 2", "links 1, 2"}, {"link 3", "links 1, 2, 3"}, {"link 4", "links 1, 2, 3 …"}, {"link 5", "links 1, 2, 3 …"},
	} {
		if label = moreLinks(label, c.add); label != c.want {
			t.Errorf("with %s: %q, want %q", c.add, label, c.want)
		}
	}
}
