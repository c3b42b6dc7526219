package inspect

import (
	"encoding/binary"
	"fmt"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// maxTailCalls bounds how many slots of a prog_array are looked at.
const maxTailCalls = 4096

// tailCalls adds the programs of a prog_array, a point for each slot.
func (p *pointReader) tailCalls(m *Map) {
	fd, err := open(KindMap, m.ID)
	if err != nil {
		return
	}
	defer sys.Close(fd)
	slots := 0
	err = p.EachEntry(fd, m, func(key, value []byte, err error) bool {
		slots++
		if err == nil && len(key) >= 4 && len(value) >= 4 {
			p.add(Point{
				Prog: binary.NativeEndian.Uint32(value), Map: m.ID,
				Text: fmt.Sprintf("tail call %d of map %d", binary.NativeEndian.Uint32(key), m.ID),
			})
		}
		return slots < maxTailCalls
	})
	if err != nil {
		p.lack(err)
	}
}

// States of a struct_ops map's struct (enum bpf_struct_ops_state, include/linux/bpf.h).
const (
	structOpsInUse = 1
	structOpsReady = 3
)

// structOps adds the functions of a struct_ops map that is registered: the kernel writes
// the programs' ids where the struct's pointers to functions are.
func (p *pointReader) structOps(m *Map) {
	s, err := p.ReadStructOps(m)
	if err != nil {
		p.lack(err)
		return
	}
	var common, data kern.Member
	s.Type.Members(func(f kern.Member) bool {
		switch f.Name {
		case "common":
			common = f
		case "data":
			data = f
		}
		return true
	})
	var link uint32
	for _, l := range p.survey.Links {
		if l.Type == linkStructOps && l.Map == m.ID {
			link = l.ID
		}
	}
	state := word32(s.Value, common, "state")
	if state != structOpsInUse && (state != structOpsReady || link == 0) {
		return
	}
	data.Type.Unqualified().Members(func(f kern.Member) bool {
		at := int(data.Bit+f.Bit) / 8
		ptr := f.Type.Unqualified()
		if ptr.Kind() == kern.KindPtr && ptr.Ref().Unqualified().Kind() == kern.KindFuncProto && at+4 <= len(s.Value) {
			if id := binary.NativeEndian.Uint32(s.Value[at:]); p.progs[id] != nil {
				p.add(Point{Prog: id, Link: link, Map: m.ID, Text: "struct_ops " + s.Kind + "." + f.Name})
			}
		}
		return true
	})
}

// word32 is a member of 32 bits of a member that is a struct; 0: there's none.
func word32(b []byte, of kern.Member, name string) (v uint32) {
	of.Type.Unqualified().Members(func(f kern.Member) bool {
		if at := int(of.Bit+f.Bit) / 8; f.Name == name && at+4 <= len(b) {
			v = binary.NativeEndian.Uint32(b[at:])
		}
		return f.Name != name
	})
	return v
}
