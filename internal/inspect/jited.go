package inspect

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/arch/arm64/arm64asm"
	"golang.org/x/arch/x86/x86asm"

	"github.com/skep-bpf/skep/internal/host/kern"
)

// JitedFunc is a jited function of a listing.
type JitedFunc struct {
	Name  string // the kernel's: bpf_prog_TAG_NAME
	Addr  uint64 // 0: hidden
	Type  kern.Type
	Insns []MachineInsn
}

// MachineInsn is an instruction of the machine.
type MachineInsn struct {
	PC       int // from the function's start
	Raw      []byte
	Op       string
	Operands []string
	Symbol   string // what a call or jump out of the function goes to
	Source   *Line
}

// JitedFuncs lists a program's machine instructions. The error wraps ErrHidden when the
// kernel doesn't give them.
func (r *Reader) JitedFuncs(c *Code) ([]JitedFunc, error) {
	if c.Prog.JitedLen == 0 {
		return nil, fmt.Errorf("list machine instructions of program %d: it isn't jited (net.core.bpf_jit_enable)", c.Prog.ID)
	}
	if len(c.Jited) == 0 {
		return nil, fmt.Errorf("list machine instructions of program %d: %w", c.Prog.ID, ErrHidden)
	}
	lens := c.Lens
	if len(lens) == 0 {
		lens = []uint32{uint32(len(c.Jited))}
	}
	var funcs []JitedFunc
	code := c.Jited
	for i, n := range lens {
		f := JitedFunc{Name: "unknown"}
		if i < len(c.Ksyms) {
			f.Addr = c.Ksyms[i]
			f.Name = r.funcName(f.Addr)
		}
		if i < len(c.Funcs) {
			f.Type = c.Funcs[i].Type
		}
		n = min(n, uint32(len(code)))
		f.Insns = r.disassemble(c, &f, code[:n])
		code = code[n:]
		funcs = append(funcs, f)
	}
	return funcs, nil
}

func (r *Reader) disassemble(c *Code, f *JitedFunc, code []byte) []MachineInsn {
	starts := map[uint64]*Line{}
	for i := range c.Lines {
		if a := c.Lines[i].Addr; a != 0 && starts[a] == nil {
			starts[a] = &c.Lines[i]
		}
	}
	var out []MachineInsn
	for pc := 0; pc < len(code); {
		in := r.machineInsn(code[pc:], f.Addr+uint64(pc), f.Addr, len(code))
		in.PC = pc
		if f.Addr != 0 {
			in.Source = starts[f.Addr+uint64(pc)]
		}
		out = append(out, in)
		pc += len(in.Raw)
	}
	return out
}

// machineInsn disassembles one instruction; bytes that are none are shown as data.
func (r *Reader) machineInsn(code []byte, pc, start uint64, size int) MachineInsn {
	var in MachineInsn
	name := func(addr uint64) {
		if s, ok := r.Symbol(addr); ok && s.Offset < maxSymbol {
			in.Symbol = s.Name
			if s.Offset != 0 {
				in.Symbol = fmt.Sprintf("%s+0x%x", s.Name, s.Offset)
			}
		}
	}
	n, text := decodeMachine(runtime.GOARCH, code, pc, start, uint64(size), name)
	in.Raw = code[:n]
	op, rest, _ := strings.Cut(text, " ")
	in.Op, in.Operands = op, splitOperands(rest)
	return in
}

// maxSymbol is how far behind a symbol's start an address may be to be told by it.
const maxSymbol = 1 << 16

// decodeMachine disassembles the instruction at the start of code for an architecture.
// Targets in the function are told from its start, name is called for others.
func decodeMachine(arch string, code []byte, pc, start, size uint64, name func(uint64)) (n int, text string) {
	show := func(target uint64) uint64 {
		if target >= start && target < start+size {
			return pc - start
		}
		name(target)
		return pc
	}
	if arch == "arm64" {
		if len(code) < 4 {
			return len(code), dataText(code)
		}
		in, err := arm64asm.Decode(code)
		if err != nil {
			return 4, fmt.Sprintf(".inst 0x%08x", binary.LittleEndian.Uint32(code))
		}
		text := arm64asm.GNUSyntax(in)
		for i, a := range in.Args {
			if rel, ok := a.(arm64asm.PCRel); ok && in.Args[i] != nil {
				target := pc + uint64(int64(rel))
				text = strings.Replace(text, rel.String(), fmt.Sprintf("0x%x", target-pc+show(target)), 1)
			}
		}
		return 4, text
	}
	if n, text, ok := x86Extra(code); ok {
		return n, text
	}
	in, err := x86asm.Decode(code, 64)
	if err != nil {
		return 1, dataText(code[:1])
	}
	at := pc
	for _, a := range in.Args {
		if rel, ok := a.(x86asm.Rel); ok {
			at = show(pc + uint64(in.Len) + uint64(int64(rel)))
		}
	}
	return in.Len, x86asm.GNUSyntax(in, at, nil)
}

func dataText(b []byte) string {
	words := make([]string, len(b))
	for i, c := range b {
		words[i] = fmt.Sprintf("0x%02x", c)
	}
	return ".byte " + strings.Join(words, ",")
}

// splitOperands cuts "a,b(c,d)" at the commas outside of parentheses.
func splitOperands(s string) []string {
	var out []string
	depth, from := 0, 0
	for i, c := range s {
		switch c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, strings.TrimSpace(s[from:i]))
				from = i + 1
			}
		}
	}
	if rest := strings.TrimSpace(s[from:]); rest != "" {
		out = append(out, rest)
	}
	return out
}
