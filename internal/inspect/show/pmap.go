package show

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/inspect"
)

// MapUse is a map of a program, as `skep pmap` prints it.
type MapUse struct {
	*inspect.Map
	Entries inspect.Entries
	Shared  []*inspect.Prog // other programs that use it
	Pins    []string
}

// PMap is a program and the maps that it uses.
type PMap struct {
	*inspect.Prog
	Maps []MapUse
}

// total is the bytes of the program and its maps, and those of maps that others use too; -1:
// not told of each.
func (m *PMap) total() (all, shared int64) {
	all = m.Memlock
	for _, u := range m.Maps {
		if u.Memlock < 0 || all < 0 {
			return -1, 0
		}
		all += u.Memlock
		if len(u.Shared) > 0 {
			shared += u.Memlock
		}
	}
	return all, shared
}

// PMap prints a program's memory and that of its maps.
func (p *Printer) PMap(m *PMap, width int) error {
	if p.JSON != nil {
		p.pmapJSON(m)
		return nil
	}
	all, shared := m.total()
	head := fmt.Sprintf("%d %s  %s  xlated %s  jited %s  mem %s  with maps %s", m.ID, plain(m.Name), typeWord(inspect.ProgTypes, m.Type),
		Bytes(int64(m.XlatedLen)), Bytes(int64(m.JitedLen)), Bytes(m.Memlock), Bytes(all))
	if shared > 0 {
		head += fmt.Sprintf(", shared %s", Bytes(shared))
	}
	if width > 0 {
		head = cut(head, width)
	}
	p.printf("%s\n", head)
	if len(m.Maps) == 0 {
		return nil
	}
	t := &Table{Columns: []Column{
		{Title: "MAP", Right: true}, {Title: "NAME", Least: 10}, {Title: "TYPE"}, {Title: "KEY", Right: true, Rank: 2}, {Title: "VALUE", Right: true, Rank: 2},
		{Title: "USED", Right: true}, {Title: "MAX", Right: true}, {Title: "%USED", Right: true, Rank: 1}, {Title: "MEM", Right: true},
		{Title: "SHARED WITH", Least: 22},
	}}
	for _, u := range m.Maps {
		used, percent, limit := EntriesText(u.Entries)
		t.Rows = append(t.Rows, []string{
			strconv.Itoa(int(u.ID)), u.Name, typeWord(inspect.MapTypes, u.Type), strconv.Itoa(int(u.KeySize)), strconv.Itoa(int(u.ValueSize)),
			used, limit, percent, Bytes(u.Memlock), sharedText(u.Shared),
		})
	}
	return t.Write(p.Text, width)
}

// EntriesText is how much of a map is used, in percent, and its room. ≥ stands for "at
// least".
func EntriesText(e inspect.Entries) (used, percent, limit string) {
	limit = strconv.FormatUint(e.Max, 10)
	if e.Bytes {
		limit = Bytes(int64(e.Max))
	}
	if !e.Known {
		return "?", "?", limit
	}
	used = strconv.FormatUint(e.Used, 10)
	if e.Bytes {
		used = Bytes(int64(e.Used))
	}
	percent = "-"
	if e.Max > 0 {
		percent = fmt.Sprintf("%.0f", 100*float64(e.Used)/float64(e.Max))
	}
	if e.AtLeast {
		return "≥" + used, "≥" + percent, limit
	}
	return used, percent, limit
}

func sharedText(progs []*inspect.Prog) string {
	if len(progs) == 0 {
		return "-"
	}
	var words []string
	for _, g := range progs {
		words = append(words, fmt.Sprintf("%d %s", g.ID, g.Name))
	}
	return strings.Join(words, ", ")
}

// MapUses are a program's maps with the programs that share them. entries may be shorter
// than all maps: what isn't in it isn't known.
func MapUses(s *inspect.Survey, g *inspect.Prog, entries map[uint32]inspect.Entries) (out []MapUse) {
	for _, id := range g.Maps {
		m := s.Map(id)
		if m == nil {
			continue // it went meanwhile
		}
		u := MapUse{Map: m, Entries: entries[id], Pins: s.PinsOf(inspect.KindMap, id)}
		u.Shared = slices.DeleteFunc(s.MapUsers(id), func(o *inspect.Prog) bool { return o.ID == g.ID })
		out = append(out, u)
	}
	return out
}

func (p *Printer) pmapJSON(m *PMap) {
	j := p.JSON
	all, shared := m.total()
	j.Open("{")
	j.Member("id", m.ID)
	typeMember(j, "type", inspect.ProgTypes, m.Type)
	j.Member("name", m.Name)
	j.Member("tag", m.TagText())
	j.Member("bytes_xlated", m.XlatedLen)
	j.Member("bytes_jited", m.JitedLen)
	if m.Memlock >= 0 {
		j.Member("bytes_memlock", m.Memlock)
	}
	if all >= 0 {
		j.Member("bytes_total", all)
		j.Member("bytes_shared", shared)
	}
	j.Name("maps")
	j.Open("[")
	for _, u := range m.Maps {
		j.Open("{")
		j.Member("id", u.ID)
		typeMember(j, "type", inspect.MapTypes, u.Type)
		j.Member("name", u.Name)
		j.Member("bytes_key", u.KeySize)
		j.Member("bytes_value", u.ValueSize)
		j.Member("max_entries", u.MaxEntries)
		usedJSON(j, u.Entries)
		if u.Memlock >= 0 {
			j.Member("bytes_memlock", u.Memlock)
		}
		ids := []uint32{}
		for _, g := range u.Shared {
			ids = append(ids, g.ID)
		}
		j.Member("shared_with", ids)
		j.Member("pinned", u.Pins)
		j.End("}")
	}
	j.End("]")
	j.End("}")
}

// usedJSON writes what is known of a map's elements.
func usedJSON(j *JSON, e inspect.Entries) {
	switch {
	case !e.Known:
	case e.Bytes:
		j.Member("bytes_used", e.Used)
	default:
		j.Member("entries", e.Used)
		j.Member("at_least", e.AtLeast)
	}
}
