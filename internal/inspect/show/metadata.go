package show

import (
	"strings"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/inspect"
)

// metadataPrefix begins the names of variables that describe a program.
const metadataPrefix = "bpf_metadata_"

// metadatum is such a variable.
type metadatum struct {
	name string
	typ  kern.Type
	data []byte
}

// metadata prints the variables that describe a program: those of its read-only data.
func (p *Printer) metadata(g *inspect.Prog) {
	if g.NoData {
		return
	}
	for _, id := range g.Maps {
		found, ok := p.meta[id]
		if !ok {
			found = p.readMetadata(id)
			if p.meta == nil {
				p.meta = map[uint32][]metadatum{}
			}
			p.meta[id] = found
		}
		if len(found) > 0 {
			p.printMetadata(found)
			return
		}
	}
}

func (p *Printer) printMetadata(found []metadatum) {
	if j := p.JSON; j != nil {
		j.Name("metadata")
		j.Open("{")
		for _, m := range found {
			j.Name(m.name)
			(&values{JSON: j}).write(m.typ, m.data, 0)
		}
		j.End("}")
		return
	}
	p.printf("\tmetadata:")
	for _, m := range found {
		var b strings.Builder
		j := NewJSON(&b, false)
		(&values{JSON: j, plain: true}).write(m.typ, m.data, 0)
		if j.Close() == nil {
			p.printf("\n\t\t%s = %s", m.name, strings.TrimSuffix(b.String(), "\n"))
		}
	}
	p.printf("\n")
}

// readMetadata reads the variables of a map; none for other maps than read-only data.
func (p *Printer) readMetadata(id uint32) []metadatum {
	m, data, err := p.Reader.ReadOnlyData(id)
	if err != nil || m == nil {
		return nil
	}
	types, err := p.Reader.MapTypes(m)
	if err != nil || types == nil {
		return nil
	}
	var found []metadatum
	for _, v := range types.Value.Vars() {
		if name, ok := strings.CutPrefix(v.Var.Name(), metadataPrefix); ok {
			found = append(found, metadatum{name, v.Var.Ref(), tail(data, v.Offset)})
		}
	}
	return found
}
