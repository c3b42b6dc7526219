package inspect

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/helper"
	"github.com/skep-bpf/skep/internal/bpf/isa"
)

// Insn is a translated instruction of a listing.
type Insn struct {
	Slot   int
	Insn   isa.Insn
	Raw    []byte // 8 bytes, or 16
	Text   string // as the kernel's verifier writes it
	Map    string // name of the map that it loads; "" for others
	Source *Line  // the source line that begins here
}

// Calls is the kernel function that an instruction calls; ok is false for other
// instructions, and where the kernel doesn't tell functions' addresses.
func (in *Insn) Calls() (name string, ok bool) {
	if !in.Insn.IsCall() || in.Insn.Src == isa.PseudoCall {
		return "", false
	}
	_, name, _ = strings.Cut(in.Text, "call ")
	name, _, _ = strings.Cut(name, "#")
	return name, name != "" && name != "unknown" && !strings.HasPrefix(name, "0x")
}

// addrPercpu in Off makes a move one of a per-CPU address (BPF_ADDR_PERCPU, linux/filter.h).
const addrPercpu = -1

// insnNospec is the kernel's speculation barrier (BPF_ST | BPF_NOSPEC).
const insnNospec = 0xc2

// XlatedInsns lists a program's translated instructions. The error wraps ErrHidden when
// the kernel doesn't give them.
func (r *Reader) XlatedInsns(c *Code) ([]Insn, error) {
	if len(c.Xlated) == 0 {
		return nil, fmt.Errorf("list instructions of program %d: %w", c.Prog.ID, ErrHidden)
	}
	prog, err := isa.Decode(c.Xlated, binary.NativeEndian)
	if err != nil {
		return nil, fmt.Errorf("list instructions of program %d: %w", c.Prog.ID, err)
	}
	base, _ := r.syms.KernelAddr("__bpf_call_base")
	printer := isa.Printer{}
	out := make([]Insn, len(prog))
	printer.Operand = func(n int) string { return r.operand(c, prog[n], base) }
	lines := c.Lines
	slot := 0
	for n, in := range prog {
		o := Insn{Slot: slot, Insn: in, Raw: c.Xlated[slot*isa.SlotSize:][:isa.SlotSize*width(in)]}
		o.Text = fmt.Sprintf("(%02x) %s", in.Op, xlatedText(&printer, n, in))
		if in.Wide() && (in.Src == isa.PseudoMapFD || in.Src == isa.PseudoMapValue) {
			o.Map = r.mapName(uint32(in.Imm))
		}
		for len(lines) > 0 && lines[0].Insn < uint32(slot) {
			lines = lines[1:]
		}
		if len(lines) > 0 && lines[0].Insn == uint32(slot) {
			o.Source, lines = &lines[0], lines[1:]
		}
		out[n] = o
		slot += width(in)
	}
	return out, nil
}

func width(in isa.Insn) int {
	if in.Wide() {
		return 2
	}
	return 1
}

// xlatedText is an instruction's text; the kernel's own instructions have forms too.
func xlatedText(p *isa.Printer, n int, in isa.Insn) string {
	switch {
	case in.Op == insnNospec:
		return "nospec"
	case in.Op == isa.ClassALU64|isa.SrcX|isa.AluMOV && in.Off == addrPercpu:
		return fmt.Sprintf("r%d = &(void __percpu *)(r%d)", in.Dst, in.Src)
	case in.Op == isa.ClassALU64|isa.SrcX|isa.AluMOV && in.Off == 1:
		return fmt.Sprintf("r%d = addr_space_cast(r%d, %d, %d)", in.Dst, in.Src, uint32(in.Imm)>>16, uint16(in.Imm))
	}
	return p.Text(n, in)
}

// operand is what an instruction loads or calls, by name.
func (r *Reader) operand(c *Code, in isa.Insn, base uint64) string {
	switch {
	case in.Wide() && in.Src == isa.PseudoMapFD:
		return fmt.Sprintf("map[id:%d]", int32(in.Imm))
	case in.Wide() && in.Src == isa.PseudoMapValue:
		return fmt.Sprintf("map[id:%d][0]+%d", int32(in.Imm), int32(in.Imm>>32))
	case in.Wide() && in.Src == isa.PseudoFunc:
		return fmt.Sprintf("subprog[%+d]", int32(in.Imm))
	case !in.IsCall():
		return ""
	}
	addr := base + uint64(in.Imm)
	if in.Src == isa.PseudoCall {
		if len(c.Ksyms) == 0 {
			return fmt.Sprintf("pc%+d", in.Off)
		}
		if in.Imm >= 0 && in.Imm < int64(len(c.Ksyms)) {
			addr = c.Ksyms[in.Imm]
		}
		return fmt.Sprintf("pc%+d#%s", in.Off, r.funcName(addr))
	}
	if h := helper.ByID(in.Imm); in.Src == 0 && h != nil {
		return fmt.Sprintf("%s#%d", h, in.Imm) // of tail calls the number stays
	}
	name := "unknown"
	if base != 0 {
		name = r.funcName(addr)
	}
	return fmt.Sprintf("%s#%d", name, int32(in.Imm))
}

// funcName is the kernel function at an address, or the address.
func (r *Reader) funcName(addr uint64) string {
	if s, ok := r.Symbol(addr); ok && s.Offset == 0 {
		return s.Name
	}
	return fmt.Sprintf("0x%x", addr)
}

func (r *Reader) mapName(id uint32) string {
	m, err := r.Map(id)
	if err != nil {
		return ""
	}
	return m.Name
}
