package discover

import (
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/host/exe"
	"github.com/skep-bpf/skep/internal/probe"
)

// boundary checks that an instruction begins offset bytes into a function, since a breakpoint
// elsewhere corrupts the program. --unsafe leaves that to the user.
func (f *Finder) boundary(p *probe.Point, file *exe.File, sym exe.Symbol, offset uint64) error {
	if f.Unsafe || offset == 0 {
		return nil
	}
	if sym.Size == 0 {
		return sizeless(sym)
	}
	if offset >= sym.Size {
		return missing(diag.CodeUserPlace, "Offset outside the function bounds ('%s' size is %d)", sym.Name, sym.Size)
	}
	begins, before, err := file.Boundary(sym, offset)
	switch {
	case err != nil:
		return missing(diag.CodeUserPlace, "Could not determine instruction boundary for %s: %v", p.Text, err).because(unsafeNote)
	case !begins:
		m := missing(diag.CodeUserPlace, "Could not add uprobe into middle of instruction: %s:%s+%d", p.Target, sym.Name, offset)
		q := *p
		q.Func, q.Offset, q.Addr, q.HasAddr = sym.Name, before, 0, false
		m.near = q.Canonical()
		return m
	}
	return nil
}

// sizeless refuses a place in a function whose size its symbol doesn't tell.
func sizeless(sym exe.Symbol) error {
	return missing(diag.CodeUserPlace, "Could not determine boundary for %s (symbol has size 0)", sym.Name).because(unsafeNote)
}

// unsafeNote says how to probe a place that can't be checked.
const unsafeNote = "--unsafe attaches nevertheless, which corrupts the program if no instruction begins there"

// around is the function that an address lies in.
func around(file *exe.File, addr uint64) (found exe.Symbol, ok bool) {
	file.Funcs(func(s exe.Symbol) bool {
		ok = s.Addr <= addr && addr < s.Addr+s.Size
		found = s
		return !ok
	})
	return found, ok
}
