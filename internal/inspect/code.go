package inspect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// Code is a loaded program's instructions, translated and jited, with what maps them to
// functions and source lines.
type Code struct {
	Prog   *Prog
	Xlated []byte // struct bpf_insn
	Jited  []byte
	Ksyms  []uint64 // addresses of the jited functions; none when the kernel hides them
	Lens   []uint32 // their bytes
	Funcs  []FuncStart
	Lines  []Line // by Insn
	btf    *kern.BTF
}

// FuncStart is where a function begins.
type FuncStart struct {
	Insn uint32 // slot
	Type kern.Type
}

// Line is where the instructions of a source line begin.
type Line struct {
	Insn      uint32 // slot
	Addr, End uint64 // its jited code; 0: not told
	File      string
	Text      string
	Line, Col uint32
}

// ErrHidden: the kernel doesn't give a program's instructions to this user.
var ErrHidden = errors.New("the kernel hides the instructions (it takes CAP_BPF and CAP_PERFMON; see kernel.kptr_restrict too)")

// Code reads a program's instructions.
func (r *Reader) Code(fd int) (*Code, error) {
	p, err := r.ProgByFD(fd)
	if err != nil {
		return nil, err
	}
	size, err := sys.ProgInfoByFD(fd)
	if err != nil {
		return nil, fmt.Errorf("read program %d: %w", p.ID, err)
	}
	a := &sys.ProgArrays{
		Xlated: make([]byte, size.XlatedLen), Jited: make([]byte, size.JitedLen),
		Ksyms: make([]uint64, size.NrKsyms), FuncLens: make([]uint32, size.NrFuncLens),
		FuncInfo: make([]byte, size.NrFuncInfo*8), LineInfo: make([]byte, size.NrLineInfo*16),
		JitedLineInfo: make([]uint64, size.NrJitedLineInfo),
	}
	got, err := sys.ProgInfoWith(fd, a)
	if err != nil {
		return nil, fmt.Errorf("read instructions of program %d: %w", p.ID, err)
	}
	c := &Code{Prog: p, Xlated: a.Xlated, Jited: a.Jited, Ksyms: a.Ksyms, Lens: a.FuncLens}
	// What the kernel hides comes back with an address of 0.
	if got.Xlated == 0 {
		c.Xlated = nil
	}
	if got.Jited == 0 {
		c.Jited = nil
	}
	if got.Ksyms == 0 {
		c.Ksyms = nil
	}
	if p.BTF == 0 {
		return c, nil
	}
	if c.btf, err = r.Types(p.BTF); err != nil {
		p.Missing = append(p.Missing, fmt.Errorf("read types of program %d: %w", p.ID, err))
		return c, nil
	}
	c.readFuncs(a.FuncInfo)
	c.readLines(a, got.JitedLineInfo != 0)
	return c, nil
}

// readFuncs reads struct bpf_func_info: u32 insn_off, type_id.
func (c *Code) readFuncs(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		id := binary.NativeEndian.Uint32(b[4:])
		c.Funcs = append(c.Funcs, FuncStart{binary.NativeEndian.Uint32(b), c.btf.Type(kern.TypeID(id))})
	}
}

// readLines reads struct bpf_line_info: u32 insn_off, file_name_off, line_off, line_col.
func (c *Code) readLines(a *sys.ProgArrays, addrs bool) {
	for i, b := 0, a.LineInfo; len(b) >= 16; i, b = i+1, b[16:] {
		w := func(n int) uint32 { return binary.NativeEndian.Uint32(b[4*n:]) }
		l := Line{Insn: w(0), File: c.btf.String(w(1)), Text: c.btf.String(w(2)), Line: w(3) >> 10, Col: w(3) & 0x3ff}
		if addrs && i < len(a.JitedLineInfo) {
			l.Addr = a.JitedLineInfo[i]
		}
		c.Lines = append(c.Lines, l)
	}
	// A line's code ends where the next line's begins, or with the function.
	spans := c.spans()
	for i := range c.Lines {
		l := &c.Lines[i]
		f := slices.IndexFunc(spans, func(s span) bool { return s.has(l.Addr) })
		if f < 0 {
			continue
		}
		l.End = spans[f].to
		if i+1 < len(c.Lines) && spans[f].has(c.Lines[i+1].Addr) {
			l.End = max(l.Addr, c.Lines[i+1].Addr)
		}
	}
}

// Func is the function that begins at a slot.
func (c *Code) Func(slot uint32) (kern.Type, bool) {
	for _, f := range c.Funcs {
		if f.Insn == slot {
			return f.Type, true
		}
	}
	return kern.Type{}, false
}
