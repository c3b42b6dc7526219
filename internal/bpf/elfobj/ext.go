package elfobj

import (
	"github.com/skep-bpf/skep/internal/bpf/btf"
)

// Layout of .BTF.ext (struct btf_ext_header, tools/lib/bpf/libbpf_internal.h): a header that
// tells where the functions, the lines and, from its second form on, the CO-RE relocations
// are; each begins with the size of its records, which stand by section.
const (
	extHeaderLen     = 24
	extHeaderCORELen = 32
	extVersion       = 1
	funcInfoLen      = 8
	lineInfoLen      = 16
	coreRelocLen     = 16
)

// extReader reads a .BTF.ext.
type extReader struct {
	obj     *Object
	table   *btf.StringTable
	byName  map[string]*Section
	hdrLen  uint32
	data    []byte
	records string // what's being read
}

func (o *Object) readExt(data []byte, table *btf.StringTable) error {
	if len(data) < extHeaderLen || o.Order.Uint16(data) != btf.Magic {
		return badf("section .BTF.ext has no header")
	}
	r := &extReader{obj: o, table: table, byName: map[string]*Section{}, data: data, hdrLen: o.Order.Uint32(data[4:])}
	if r.hdrLen < extHeaderLen || uint64(r.hdrLen) > uint64(len(data)) {
		return badf("section .BTF.ext has a header of %d bytes", r.hdrLen)
	}
	for _, s := range o.Sections {
		if r.byName[s.Name] == nil {
			r.byName[s.Name] = s
		}
	}
	if err := r.each("func_info", 8, funcInfoLen, r.funcInfo); err != nil {
		return err
	}
	if err := r.each("line_info", 16, lineInfoLen, r.lineInfo); err != nil {
		return err
	}
	if r.hdrLen < extHeaderCORELen {
		return nil
	}
	return r.each("core_relo", 24, coreRelocLen, r.coreReloc)
}

// each reads the records whose place is at hdr in the header.
func (r *extReader) each(what string, hdr int, recLen uint32, add func(*Section, []uint32) error) error {
	r.records = what
	off, size := uint64(r.hdrLen)+uint64(r.obj.Order.Uint32(r.data[hdr:])), uint64(r.obj.Order.Uint32(r.data[hdr+4:]))
	if off+size > uint64(len(r.data)) {
		return badf("%s of .BTF.ext exceeds its %d bytes", what, len(r.data))
	}
	data := r.data[off : off+size]
	word := func() uint32 {
		w := r.obj.Order.Uint32(data)
		data = data[4:]
		return w
	}
	if len(data) == 0 {
		return nil
	}
	if len(data) < 4 {
		return badf("%s of .BTF.ext is cut off", what)
	}
	if n := word(); n != recLen {
		return badf("%s of .BTF.ext has records of %d bytes; %d are known", what, n, recLen)
	}
	rec := make([]uint32, recLen/4)
	for len(data) > 0 {
		if len(data) < 8 {
			return badf("%s of .BTF.ext is cut off", what)
		}
		sec, err := r.section(word())
		if err != nil {
			return err
		}
		n := word()
		if uint64(n)*uint64(recLen) > uint64(len(data)) {
			return badf("%s of .BTF.ext for section %s is cut off", what, sec.Name)
		}
		for range n {
			for i := range rec {
				rec[i] = word()
			}
			if uint64(rec[0]) >= sec.Size {
				return badf("%s of .BTF.ext tells of byte %d in section %s of %d", what, rec[0], sec.Name, sec.Size)
			}
			if err := add(sec, rec); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *extReader) section(name uint32) (*Section, error) {
	n, err := r.table.Name(name)
	if err != nil {
		return nil, err
	}
	s, ok := r.byName[r.obj.Types.Strings.At(n)]
	if !ok {
		return nil, badf("%s of .BTF.ext is about section %q, which there isn't", r.records, r.obj.Types.Strings.At(n))
	}
	return s, nil
}

func (r *extReader) typ(id uint32) (btf.ID, error) {
	if btf.ID(id) >= r.obj.Types.End() {
		return 0, badf("%s of .BTF.ext refers to type %d of %d", r.records, id, r.obj.Types.End()-1)
	}
	return btf.ID(id), nil
}

func (r *extReader) funcInfo(s *Section, w []uint32) error {
	id, err := r.typ(w[1])
	s.Funcs = append(s.Funcs, FuncInfo{w[0], id})
	return err
}

func (r *extReader) lineInfo(s *Section, w []uint32) error {
	file, err := r.table.Name(w[1])
	if err != nil {
		return err
	}
	line, err := r.table.Name(w[2])
	s.Lines = append(s.Lines, LineInfo{w[0], file, line, w[3]})
	return err
}

func (r *extReader) coreReloc(s *Section, w []uint32) error {
	id, err := r.typ(w[1])
	if err != nil {
		return err
	}
	access, err := r.table.Name(w[2])
	s.CORE = append(s.CORE, CoreReloc{w[0], id, access, w[3]})
	return err
}

// encodeExt puts .BTF.ext together, nil when it would tell nothing.
func (o *Object) encodeExt(l *btf.Layout) []byte {
	var parts [3][]byte
	for _, s := range o.Sections {
		begin := func(part, n int, recLen uint32) {
			if n == 0 {
				return
			}
			if parts[part] == nil {
				parts[part] = o.Order.AppendUint32(nil, recLen)
			}
			parts[part] = o.words(parts[part], l.Offset(o.Types.Strings.Name(s.Name)), uint32(n))
		}
		begin(0, len(s.Funcs), funcInfoLen)
		for _, f := range s.Funcs {
			parts[0] = o.words(parts[0], f.Offset, uint32(f.Type))
		}
		begin(1, len(s.Lines), lineInfoLen)
		for _, i := range s.Lines {
			parts[1] = o.words(parts[1], i.Offset, l.Offset(i.File), l.Offset(i.Line), i.Col)
		}
		begin(2, len(s.CORE), coreRelocLen)
		for _, c := range s.CORE {
			parts[2] = o.words(parts[2], c.Offset, uint32(c.Type), l.Offset(c.Access), c.Kind)
		}
	}
	if parts[0] == nil && parts[1] == nil && parts[2] == nil {
		return nil
	}
	data := append(o.Order.AppendUint16(nil, btf.Magic), extVersion, 0)
	data = o.words(data, extHeaderCORELen)
	off := uint32(0)
	for _, p := range parts {
		data = o.words(data, off, uint32(len(p)))
		off += uint32(len(p))
	}
	for _, p := range parts {
		data = append(data, p...)
	}
	return data
}

func (o *Object) words(data []byte, words ...uint32) []byte {
	for _, w := range words {
		data = o.Order.AppendUint32(data, w)
	}
	return data
}
