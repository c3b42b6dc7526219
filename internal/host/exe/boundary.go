package exe

import (
	"debug/elf"
	"fmt"
)

// Boundary reports whether an instruction begins offset bytes into a function; before is
// where the one begins that offset lies in. A breakpoint within an instruction would change it.
func (f *File) Boundary(fn Symbol, offset uint64) (begins bool, before uint64, err error) {
	start, ok := f.Offset(fn.Addr)
	if !ok || fn.Size == 0 || fn.Size > uint64(len(f.data)) || start > uint64(len(f.data))-fn.Size {
		return false, 0, fmt.Errorf("disassemble %s: its size isn't known", fn.Name)
	}
	length := x86Insn
	if f.ELF.Machine == elf.EM_AARCH64 {
		length = arm64Insn
	}
	code := f.data[start : start+fn.Size]
	for at := uint64(0); at < fn.Size; {
		n, _ := length(code[at:])
		switch {
		case at == offset:
			return true, at, nil
		case n == 0:
			return false, 0, fmt.Errorf("disassemble %s: unknown instruction at +%d", fn.Name, at)
		case at+uint64(n) > offset:
			return false, at, nil
		}
		at += uint64(n)
	}
	return false, 0, fmt.Errorf("disassemble %s: it ends before +%d", fn.Name, offset)
}
