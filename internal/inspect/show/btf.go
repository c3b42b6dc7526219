package show

import "github.com/skep-bpf/skep/internal/inspect"

// BTFUsers are the programs and maps that use BTF objects, by the objects' ids.
type BTFUsers struct{ Progs, Maps map[uint32][]uint32 }

// BTF prints a BTF object's description.
func (p *Printer) BTF(b *inspect.BTF, users *BTFUsers) {
	if j := p.JSON; j != nil {
		j.Open("{")
		j.Member("id", b.ID)
		j.Member("size", b.Size)
		j.Member("prog_ids", users.Progs[b.ID])
		j.Member("map_ids", users.Maps[b.ID])
		p.references(inspect.KindBTF, b.ID, true)
		j.Member("kernel", b.Kernel)
		if b.Name != "" {
			j.Member("name", b.Name)
		}
		j.End("}")
		return
	}
	name := b.Name
	switch {
	case b.Kernel:
		name = "[" + name + "]"
	case name == "":
		name = "<anon>"
	}
	p.printf("%d: name %s  size %dB", b.ID, name, b.Size)
	if list := users.Progs[b.ID]; len(list) > 0 {
		p.printf("  prog_ids %s", ids(list))
	}
	if list := users.Maps[b.ID]; len(list) > 0 {
		p.printf("  map_ids %s", ids(list))
	}
	p.owners(inspect.KindBTF, b.ID)
	p.printf("\n")
}
