package inspect

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// text is changes in lines.
func text(changes []Change) string {
	var b strings.Builder
	for _, c := range changes {
		fmt.Fprintf(&b, "%s %s %d %s:", c.Op, c.Kind, c.ID, c.Title)
		if c.Op == "changed" {
			for _, f := range c.Fields {
				fmt.Fprintf(&b, " %s %q→%q", f.Name, f.From, f.To)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestDiff(t *testing.T) {
	prog := func(id uint32, name, tag, state string, owners ...string) SnapProg {
		return SnapProg{ID: id, Type: "xdp", Name: name, Tag: tag, State: State(state), Owners: owners, Attached: []string{"xdp on lo"}, Maps: []uint32{id + 50}}
	}
	before := &Snapshot{
		Version: 1, Boot: "one",
		Programs: []SnapProg{prog(1, "stays", "aa", "attached", "7 bee"), prog(2, "goes", "bb", "loaded"), prog(3, "moves", "cc", "attached", "7 bee")},
		Maps:     []SnapMap{{ID: 51, Type: "hash", Name: "m", Key: 4, Value: 8, Max: 10}},
		Links:    []SnapLink{{ID: 9, Type: "xdp", Prog: 1, Attached: []string{"xdp on lo"}}},
	}
	after := &Snapshot{
		Version: 1, Boot: "one",
		Programs: []SnapProg{prog(1, "stays", "aa", "attached", "7 bee"), prog(3, "moves", "cc", "detached", "8 wasp"), prog(4, "comes", "dd", "loaded")},
		Maps:     []SnapMap{{ID: 51, Type: "hash", Name: "m", Key: 4, Value: 8, Max: 10, Pinned: []string{"/bpf/m"}}},
		Links:    []SnapLink{{ID: 10, Type: "xdp", Prog: 4, Attached: []string{"xdp on eth0"}}, {ID: 9, Type: "xdp", Prog: 3, Attached: []string{"xdp on lo"}}},
	}
	const same = `removed program 2 xdp goes:
changed program 3 xdp moves: state "attached"→"detached" owners "7 bee"→"8 wasp"
added program 4 xdp comes:
changed map 51 hash m: pinned ""→"/bpf/m"
changed link 9 xdp: program "1"→"3"
added link 10 xdp:
`
	if got := text(Diff(before, after)); got != same {
		t.Errorf("of one boot:\n%s", got)
	}
	if got := Diff(after, after); len(got) != 0 {
		t.Errorf("of the same snapshot:\n%s", text(got))
	}
	// After a boot all ids and pids are others.
	rebooted := &Snapshot{
		Version: 1, Boot: "two", Programs: []SnapProg{prog(101, "moves", "cc", "attached", "99 bee"), prog(102, "stays", "ee", "attached", "99 bee")},
		Maps: []SnapMap{{ID: 91, Type: "hash", Name: "m", Key: 4, Value: 16, Max: 10}},
	}
	const other = `removed program 2 xdp goes:
changed program 102 xdp stays: tag "aa"→"ee"
changed map 91 hash m: value "8 bytes"→"16 bytes"
removed link 9 xdp:
`
	if got := text(Diff(before, rebooted)); got != other {
		t.Errorf("of two boots:\n%s", got)
	}
}

func TestReadSnapshot(t *testing.T) {
	full, err := json.Marshal(&Snapshot{Version: SnapshotVersion, Boot: "x", Programs: []SnapProg{{ID: 4, Name: "p"}}})
	if err != nil {
		t.Fatal(err)
	}
	n, err := ReadSnapshot(strings.NewReader(string(full)))
	if err != nil || len(n.Programs) != 1 || n.Programs[0].Name != "p" {
		t.Errorf("%+v, %v", n, err)
	}
	for in, want := range map[string]string{
		"": "ends too early", string(full[:len(full)/2]): "ends too early", "[1]": "no snapshot", "{}": "no version", `{"version":99}`: "version 99",
		`{"version":1,"programs":[{"id":-1}]}`: "no snapshot", "\x00\x01": "no snapshot",
	} {
		if _, err := ReadSnapshot(strings.NewReader(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", in, err, want)
		}
	}
}
