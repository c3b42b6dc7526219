package inspect

import (
	"encoding/binary"
	"errors"

	"github.com/skep-bpf/skep/internal/bpf/isa"
)

// The memory of programs is told in /proc only, a file for each descriptor, which takes
// longer than all else about a program. An iterator gives that of all programs at once.

// progCtx is the program's place in struct bpf_iter__bpf_prog (kernel/bpf/prog_iter.c), and
// pageRecord what is written of each: u32 id, u32 pages.
const (
	progCtx    = 8
	pageRecord = 8
)

// progPages are the pages of each loaded program, by id.
func (r *Reader) progPages() (pages map[uint32]uint32, err error) {
	btf, err := r.kernel.BTF()
	if err != nil {
		return nil, err
	}
	l := &layout{btf: btf}
	aux, id, n, seq := l.off("bpf_prog", "aux"), l.off("bpf_prog_aux", "id"), l.off("bpf_prog", "pages"), l.off("bpf_iter_meta", "seq")
	if l.err != nil {
		return nil, l.err
	}
	a := newAssembly()
	a.add(isa.Mov(isa.R6, isa.R1), isa.Load(isa.SizeDW, isa.R7, isa.R6, progCtx))
	a.jump(isa.JumpIfImm(isa.JmpJEQ, isa.R7, 0, 0), "out")
	a.add(isa.Load(isa.SizeH, isa.R1, isa.R7, int16(n)), isa.Store(isa.SizeW, isa.R10, -4, isa.R1),
		isa.Load(isa.SizeDW, isa.R1, isa.R7, int16(aux)), isa.Load(isa.SizeW, isa.R1, isa.R1, int16(id)),
		isa.Store(isa.SizeW, isa.R10, -8, isa.R1))
	a.seqWrite(isa.R6, seq, -pageRecord, pageRecord)
	a.label("out")
	a.add(isa.MovImm(isa.R0, 0), isa.Exit())
	it, err := r.loadIterator("bpf_prog", a)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	pages = map[uint32]uint32{}
	err = it.run(pageRecord, func(rec []byte) bool {
		pages[binary.NativeEndian.Uint32(rec)] = binary.NativeEndian.Uint32(rec[4:])
		return true
	})
	return pages, err
}
