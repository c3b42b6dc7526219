package show

import "github.com/skep-bpf/skep/internal/inspect"

// Map prints a map's description.
func (p *Printer) Map(m *inspect.Map) {
	if p.JSON != nil {
		p.mapJSON(m)
		return
	}
	p.MapHeader(m)
	p.printf("\tkey %dB  value %dB  max_entries %d", m.KeySize, m.ValueSize, m.MaxEntries)
	if m.Memlock >= 0 {
		p.printf("  memlock %dB", m.Memlock)
	}
	if m.OwnerType >= 0 || m.OwnerJited >= 0 {
		p.printf("\n\t")
	}
	if m.OwnerType >= 0 {
		p.printf("owner_prog_type %s  ", typeWord(inspect.ProgTypes, uint32(m.OwnerType)))
	}
	switch m.OwnerJited {
	case 0:
		p.printf("owner not jited")
	case 1:
		p.printf("owner jited")
	}
	p.references(inspect.KindMap, m.ID, false)
	if m.BTF != 0 || m.Frozen {
		p.printf("\n\t")
	}
	if m.BTF != 0 {
		p.printf("btf_id %d", m.BTF)
	}
	if m.Frozen {
		if m.BTF != 0 {
			p.printf("  ")
		}
		p.printf("frozen")
	}
	p.owners(inspect.KindMap, m.ID)
	p.printf("\n")
}

// MapHeader prints a map's first line.
func (p *Printer) MapHeader(m *inspect.Map) {
	p.printf("%d: %s  ", m.ID, typeWord(inspect.MapTypes, m.Type))
	if m.Name != "" {
		p.printf("name %s  ", m.Name)
	}
	p.printf("flags 0x%x", m.Flags)
	p.offload(m.Ifindex, m.NetnsDev, m.NetnsIno)
	p.printf("\n")
}

// MapHeaderJSON writes a map's first members.
func (p *Printer) MapHeaderJSON(m *inspect.Map) {
	j := p.JSON
	j.Member("id", m.ID)
	typeMember(j, "type", inspect.MapTypes, m.Type)
	if m.Name != "" {
		j.Member("name", m.Name)
	}
	j.Member("flags", m.Flags)
}

func (p *Printer) mapJSON(m *inspect.Map) {
	j := p.JSON
	j.Open("{")
	p.MapHeaderJSON(m)
	p.offload(m.Ifindex, m.NetnsDev, m.NetnsIno)
	j.Member("bytes_key", m.KeySize)
	j.Member("bytes_value", m.ValueSize)
	j.Member("max_entries", m.MaxEntries)
	if m.Memlock >= 0 {
		j.Member("bytes_memlock", m.Memlock)
	}
	if m.OwnerType >= 0 {
		typeMember(j, "owner_prog_type", inspect.ProgTypes, uint32(m.OwnerType))
	}
	if m.OwnerJited >= 0 {
		j.Member("owner_jited", m.OwnerJited == 1)
	}
	frozen := 0
	if m.Frozen {
		frozen = 1
	}
	j.Member("frozen", frozen)
	if m.BTF != 0 {
		j.Member("btf_id", m.BTF)
	}
	p.references(inspect.KindMap, m.ID, true)
	j.End("}")
}
