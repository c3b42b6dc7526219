package inspect

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// Snapshot is a survey to be kept: what can be told of a machine's BPF at another time, or on
// another machine. Counters aren't in it.
type Snapshot struct {
	Version int       `json:"version"` // SnapshotVersion
	Taken   time.Time `json:"taken"`
	Kernel  string    `json:"kernel"` // release
	// Boot is the random id of the machine's boot: with the same, ids and pids mean the same.
	Boot     string     `json:"boot"`
	Programs []SnapProg `json:"programs"`
	Maps     []SnapMap  `json:"maps"`
	Links    []SnapLink `json:"links"`
	Missing  []string   `json:"missing,omitempty"` // what wasn't to be had
}

// SnapshotVersion is that of the form.
const SnapshotVersion = 1

// SnapProg is a program of a snapshot. Sizes are bytes.
type SnapProg struct {
	ID       uint32    `json:"id"`
	Type     string    `json:"type"`
	Name     string    `json:"name"`
	Tag      string    `json:"tag"`
	State    State     `json:"state"`
	LoadedAt time.Time `json:"loaded_at"`
	UID      uint32    `json:"uid"`
	Xlated   uint32    `json:"bytes_xlated"`
	Jited    uint32    `json:"bytes_jited"`
	Maps     []uint32  `json:"map_ids"`
	Owners   []string  `json:"owners"` // "PID COMM"
	Pinned   []string  `json:"pinned"`
	Attached []string  `json:"attached"` // in words
}

// SnapMap is a map of a snapshot. Sizes are bytes.
type SnapMap struct {
	ID      uint32   `json:"id"`
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Key     uint32   `json:"bytes_key"`
	Value   uint32   `json:"bytes_value"`
	Max     uint32   `json:"max_entries"`
	Flags   uint32   `json:"flags"`
	Memlock int64    `json:"bytes_memlock"` // -1: not told
	Frozen  bool     `json:"frozen"`
	Owners  []string `json:"owners"`
	Pinned  []string `json:"pinned"`
}

// SnapLink is a link of a snapshot.
type SnapLink struct {
	ID       uint32   `json:"id"`
	Type     string   `json:"type"`
	Prog     uint32   `json:"prog_id"`
	Attached []string `json:"attached"`
	Owners   []string `json:"owners"`
	Pinned   []string `json:"pinned"`
}

// Snapshot makes a survey one to be kept.
func (r *Reader) Snapshot(s *Survey) (*Snapshot, error) {
	release, _, err := sys.Release()
	if err != nil {
		return nil, err
	}
	boot, err := fs.ReadFile(r.root, "proc/sys/kernel/random/boot_id")
	if err != nil {
		return nil, fmt.Errorf("read the boot's id: %w", err)
	}
	n := &Snapshot{
		Version: SnapshotVersion, Taken: s.Taken.UTC().Truncate(time.Millisecond), Kernel: release, Boot: strings.TrimSpace(string(boot)),
		Programs: []SnapProg{}, Maps: []SnapMap{}, Links: []SnapLink{},
	}
	for _, err := range s.Missing {
		n.Missing = append(n.Missing, err.Error())
	}
	for _, p := range s.Progs {
		n.Programs = append(n.Programs, s.snapProg(p))
	}
	for _, m := range s.Maps {
		n.Maps = append(n.Maps, SnapMap{
			ID: m.ID, Type: m.TypeName(), Name: m.Name, Key: m.KeySize, Value: m.ValueSize, Max: m.MaxEntries, Flags: m.Flags, Memlock: m.Memlock,
			Frozen: m.Frozen, Owners: ownerNames(s.Owners.Of(KindMap, m.ID)), Pinned: s.PinsOf(KindMap, m.ID),
		})
	}
	for _, l := range s.Links {
		k := SnapLink{ID: l.ID, Type: l.TypeName(), Prog: l.Prog, Owners: ownerNames(s.Owners.Of(KindLink, l.ID)), Pinned: s.PinsOf(KindLink, l.ID)}
		for _, q := range s.Points {
			if q.Link == l.ID {
				k.Attached = append(k.Attached, q.words())
			}
		}
		n.Links = append(n.Links, k)
	}
	return n, nil
}

// words is a point's text, and that it's gone.
func (q Point) words() string {
	if q.Detached {
		return q.Text + " (detached)"
	}
	return q.Text
}

func (s *Survey) snapProg(p *Prog) SnapProg {
	k := s.Keeper(p.ID)
	n := SnapProg{
		ID: p.ID, Type: p.TypeName(), Name: p.Name, Tag: p.TagText(), State: s.State(p.ID, Runs{}), LoadedAt: p.LoadedAt.UTC().Truncate(time.Second), UID: p.UID,
		Xlated: p.XlatedLen, Jited: p.JitedLen, Maps: p.Maps, Owners: ownerNames(k.Processes), Pinned: k.Pins,
	}
	for _, q := range s.PointsOf(p.ID) {
		n.Attached = append(n.Attached, q.words())
	}
	slices.Sort(n.Attached)
	return n
}

func ownerNames(procs []*Process) (out []string) {
	for _, o := range procs {
		out = append(out, fmt.Sprintf("%d %s", o.PID, o.Comm))
	}
	return out
}

// maxSnapshot bounds how much is read as a snapshot.
const maxSnapshot = 1 << 30

// ReadSnapshot reads what Snapshot made, as JSON.
func ReadSnapshot(in io.Reader) (*Snapshot, error) {
	var n Snapshot
	d := json.NewDecoder(io.LimitReader(in, maxSnapshot))
	if err := d.Decode(&n); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("it ends too early")
		}
		return nil, fmt.Errorf("it's no snapshot: %w", err)
	}
	switch {
	case n.Version == 0:
		return nil, errors.New("it's no snapshot: it has no version")
	case n.Version > SnapshotVersion:
		return nil, fmt.Errorf("it's of version %d, made by a newer skep; this one reads up to %d", n.Version, SnapshotVersion)
	}
	return &n, nil
}

// Change is an object that two snapshots differ in.
type Change struct {
	Op    string // "added", "removed", "changed"
	Kind  string // "program", "map", "link"
	ID    uint32 // in the newer snapshot; of what was removed, in the older
	Title string // type and name for a person
	// Fields are what changed; of what was added or removed, what it is.
	Fields []FieldChange
}

// FieldChange is a field that changed; From is empty for what was added, To for what was removed.
type FieldChange struct{ Name, From, To string }

// snapObject is an object of any kind, to be compared.
type snapObject struct {
	kind, title string
	id          uint32
	like        string // what another of another boot must have to be the same
	fields      []snapField
}

type snapField struct{ name, value string }

// Diff tells what changed from a to b. Snapshots of the same boot are compared by ids. In
// those of different boots or machines, objects with the same type, name and shape are the
// same, and pids and ids aren't compared.
func Diff(a, b *Snapshot) (out []Change) {
	same := a.Boot == b.Boot && a.Boot != ""
	for _, objects := range []func(*Snapshot, bool) []snapObject{(*Snapshot).programs, (*Snapshot).mapObjects, (*Snapshot).linkObjects} {
		out = append(out, diffObjects(objects(a, same), objects(b, same), same)...)
	}
	return out
}

func diffObjects(from, to []snapObject, same bool) (out []Change) {
	key := func(o snapObject) string {
		if same {
			return strconv.FormatUint(uint64(o.id), 10)
		}
		return o.like
	}
	old := map[string][]snapObject{}
	for _, o := range from {
		old[key(o)] = append(old[key(o)], o)
	}
	for _, o := range to {
		was := old[key(o)]
		if len(was) == 0 {
			c := Change{Op: "added", Kind: o.kind, ID: o.id, Title: o.title}
			for _, f := range o.fields {
				if f.value != "" {
					c.Fields = append(c.Fields, FieldChange{Name: f.name, To: f.value})
				}
			}
			out = append(out, c)
			continue
		}
		old[key(o)] = was[1:]
		if c := changed(was[0], o); len(c.Fields) > 0 {
			out = append(out, c)
		}
	}
	for _, o := range from {
		if was := old[key(o)]; len(was) == 0 || !slices.ContainsFunc(was, func(w snapObject) bool { return w.id == o.id }) {
			continue
		}
		c := Change{Op: "removed", Kind: o.kind, ID: o.id, Title: o.title}
		for _, f := range o.fields {
			if f.value != "" {
				c.Fields = append(c.Fields, FieldChange{Name: f.name, From: f.value})
			}
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b Change) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func changed(a, b snapObject) Change {
	c := Change{Op: "changed", Kind: b.kind, ID: b.id, Title: b.title}
	for i, f := range b.fields {
		if was := a.fields[i].value; was != f.value {
			c.Fields = append(c.Fields, FieldChange{f.name, was, f.value})
		}
	}
	return c
}

// programs, mapObjects and linkObjects are a snapshot's objects with their fields; with same
// those too that mean nothing in another boot.
func (n *Snapshot) programs(same bool) (out []snapObject) {
	for _, p := range n.Programs {
		out = append(out, snapObject{
			kind: "program", id: p.ID, title: p.Type + " " + p.Name, like: p.Type + "\x00" + p.Name,
			fields: []snapField{
				{"type", p.Type}, {"name", p.Name}, {"tag", p.Tag}, {"state", string(p.State)},
				{"attached to", strings.Join(p.Attached, ", ")},
				{"owners", owners(p.Owners, same)}, {"pinned", strings.Join(p.Pinned, ", ")},
				{"maps", ids(p.Maps, same)}, {"uid", strconv.FormatUint(uint64(p.UID), 10)},
				{"bytes xlated", strconv.FormatUint(uint64(p.Xlated), 10)},
			},
		})
	}
	return out
}

func (n *Snapshot) mapObjects(same bool) (out []snapObject) {
	for _, m := range n.Maps {
		out = append(out, snapObject{
			kind: "map", id: m.ID, title: m.Type + " " + m.Name, like: fmt.Sprint(m.Type, "\x00", m.Name),
			fields: []snapField{
				{"type", m.Type}, {"name", m.Name}, {"key", fmt.Sprintf("%d bytes", m.Key)}, {"value", fmt.Sprintf("%d bytes", m.Value)},
				{"max entries", strconv.FormatUint(uint64(m.Max), 10)}, {"flags", fmt.Sprintf("0x%x", m.Flags)},
				{"owners", owners(m.Owners, same)}, {"pinned", strings.Join(m.Pinned, ", ")},
				{"frozen", strconv.FormatBool(m.Frozen)},
			},
		})
	}
	return out
}

func (n *Snapshot) linkObjects(same bool) (out []snapObject) {
	for _, l := range n.Links {
		to := strings.Join(l.Attached, ", ")
		out = append(out, snapObject{
			kind: "link", id: l.ID, title: l.Type, like: l.Type + "\x00" + to,
			fields: []snapField{
				{"type", l.Type}, {"program", ids([]uint32{l.Prog}, same)}, {"attached to", to},
				{"owners", owners(l.Owners, same)}, {"pinned", strings.Join(l.Pinned, ", ")},
			},
		})
	}
	return out
}

// owners are processes; of another boot their names without pids, sorted.
func owners(list []string, same bool) string {
	if same {
		return strings.Join(list, ", ")
	}
	var out []string
	for _, o := range list {
		_, comm, _ := strings.Cut(o, " ")
		out = append(out, comm)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// ids are objects' numbers; of another boot nothing.
func ids(list []uint32, same bool) string {
	if !same {
		return ""
	}
	var out []string
	for _, id := range list {
		out = append(out, strconv.FormatUint(uint64(id), 10))
	}
	return strings.Join(out, ", ")
}
