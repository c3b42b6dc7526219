package cdecl

import "github.com/skep-bpf/skep/internal/lang/types"

// member is a struct's or union's member before it has its place.
type member struct {
	name  string
	typ   *types.Type
	bits  int    // width of a bit-field, -1: none
	align uint32 // of __attribute__((aligned)), 0: the type's own
	pack  bool
}

// attributes are those of a definition that change its layout.
type attributes struct {
	packed bool
	align  uint32
}

// layout gives the members their places as the System V ABIs of amd64 and arm64 do, and
// returns the size and alignment of the whole.
func (p *parser) layout(members []member, union bool, attr attributes) (fields []types.Field, size, align uint32) {
	var end uint64 // bits used so far
	align = max(attr.align, 1)
	for _, m := range members {
		if union {
			end = 0
		}
		own := p.alignOf(m.typ)
		if attr.packed || m.pack {
			own = 1
		}
		own = max(own, m.align)
		var f types.Field
		switch {
		case m.bits >= 0:
			f, end = placeBits(m, end, own)
			if m.name == "" { // only pads
				if m.bits == 0 {
					end = roundUp(end, uint64(m.typ.Size)*8)
				}
				size = max(size, uint32((end+7)/8))
				continue
			}
		default:
			end = roundUp(end, uint64(own)*8)
			f = types.Field{Offset: uint32(end / 8)}
			end += uint64(m.typ.Size) * 8
		}
		f.Name, f.Type = m.name, m.typ
		fields = append(fields, f)
		align = max(align, own)
		size = max(size, uint32((end+7)/8))
	}
	return fields, uint32(roundUp(uint64(size), uint64(align))), align
}

// placeBits places a bit-field behind the bit end. With its type's alignment it doesn't
// cross a boundary of its type; packed, it follows right behind.
func placeBits(m member, end uint64, own uint32) (types.Field, uint64) {
	unit := uint64(m.typ.Size) * 8
	width := uint64(m.bits)
	if m.align > 0 {
		end = roundUp(end, uint64(m.align)*8)
	}
	if uint64(own)*8 >= unit && width > 0 && end/unit != (end+width-1)/unit {
		end = roundUp(end, unit)
	}
	base := end / unit * unit
	if end+width > base+unit { // crosses: read from the byte it begins in
		base = end / 8 * 8
	}
	f := types.Field{Offset: uint32(base / 8), BitOff: uint8(end - base), BitLen: uint8(width)}
	return f, end + width
}

// alignOf is the C alignment of a type.
func (p *parser) alignOf(t *types.Type) uint32 {
	switch t.Kind {
	case types.Array:
		if t.Name != "" { // a float: an array only since the language has none
			return t.Size
		}
		return p.alignOf(t.Elem)
	case types.Struct:
		if a, ok := p.aligns[t.S]; ok {
			return a
		}
		a := uint32(1)
		for _, f := range t.S.Fields() {
			a = max(a, p.alignOf(f.Type))
		}
		for t.Size%a != 0 { // packed
			a /= 2
		}
		return a
	case types.Void, types.Func:
		return 1
	}
	return max(t.Size, 1)
}

func roundUp(n, to uint64) uint64 { return (n + to - 1) / to * to }
