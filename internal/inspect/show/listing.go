package show

import (
	"fmt"
	"iter"
	"strings"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/inspect"
)

// ListingOptions say what stands in a listing besides instructions.
type ListingOptions struct {
	Opcodes bool // the instructions' bytes
	Linum   bool // file, line and column of the source
}

// Xlated prints a program's translated instructions.
func (p *Printer) Xlated(c *inspect.Code, insns []inspect.Insn, o ListingOptions) {
	if p.JSON != nil {
		p.xlatedJSON(c, insns, o)
		return
	}
	for line := range XlatedLines(c, insns, o) {
		p.printf("%s\n", line.Text)
	}
}

// ListingLine is a line of a listing.
type ListingLine struct {
	Text     string
	Source   *inspect.Line // it's this line of the source; nil: it's none
	From, To uint64        // the machine code that it stands for; 0: not told, or none
}

func sourceLine(l *inspect.Line, linum bool) ListingLine {
	return ListingLine{"; " + sourceText(l, linum), l, l.Addr, l.End}
}

// XlatedLines lists translated instructions, source lines with the code that belongs to each.
func XlatedLines(c *inspect.Code, insns []inspect.Insn, o ListingOptions) iter.Seq[ListingLine] {
	return func(yield func(ListingLine) bool) {
		for _, in := range insns {
			if t, ok := c.Func(uint32(in.Slot)); ok && !yield(ListingLine{Text: proto(t) + ":"}) {
				return
			}
			if in.Source != nil && !yield(sourceLine(in.Source, o.Linum)) {
				return
			}
			if !yield(ListingLine{Text: fmt.Sprintf("%4d: %s%s", in.Slot, in.Text, mapNote(in))}) {
				return
			}
			if o.Opcodes && !yield(ListingLine{Text: "       " + opcodes(in.Raw)}) {
				return
			}
		}
	}
}

// mapNote is the name of the map that an instruction loads, as a comment.
func mapNote(in inspect.Insn) string {
	if in.Map == "" {
		return ""
	}
	return " ; " + in.Map
}

// opcodes are an instruction's bytes, 8 in a group.
func opcodes(raw []byte) string {
	s := hexRow(raw[:8])
	if len(raw) > 8 {
		s += " " + hexRow(raw[8:])
	}
	return s
}

func hexRow(b []byte) string { return strings.TrimSpace(fmt.Sprintf("% x", b)) }

// sourceText is a source line, with its place when that is wanted.
func sourceText(l *inspect.Line, linum bool) string {
	text := strings.TrimLeft(l.Text, " \t")
	if linum {
		text += fmt.Sprintf(" [file:%s line_num:%d line_col:%d]", l.File, l.Line, l.Col)
	}
	return text
}

func sourceJSON(j *JSON, l *inspect.Line, linum bool) {
	if l == nil {
		return
	}
	j.Member("src", strings.TrimLeft(l.Text, " \t"))
	if linum {
		j.Member("file", l.File)
		if l.Line != 0 {
			j.Member("line_num", l.Line)
		}
		if l.Col != 0 {
			j.Member("line_col", l.Col)
		}
	}
}

func (p *Printer) xlatedJSON(c *inspect.Code, insns []inspect.Insn, o ListingOptions) {
	j := p.JSON
	j.Open("[")
	for _, in := range insns {
		j.Open("{")
		if t, ok := c.Func(uint32(in.Slot)); ok {
			j.Member("proto", proto(t))
		}
		sourceJSON(j, in.Source, o.Linum)
		j.Member("disasm", in.Text)
		if in.Map != "" {
			j.Member("map", in.Map)
		}
		if o.Opcodes {
			opcodesJSON(j, in)
		}
		j.End("}")
	}
	j.End("]")
}

func opcodesJSON(j *JSON, in inspect.Insn) {
	j.Name("opcodes")
	j.Open("{")
	j.Member("code", fmt.Sprintf("0x%02x", in.Insn.Op))
	j.Member("src_reg", fmt.Sprintf("0x%x", in.Insn.Src))
	j.Member("dst_reg", fmt.Sprintf("0x%x", in.Insn.Dst))
	j.Name("off")
	hexArray(j, in.Raw[2:4])
	j.Name("imm")
	hexArray(j, in.Raw[4:])
	j.End("}")
}

// Jited prints a program's machine instructions.
func (p *Printer) Jited(funcs []inspect.JitedFunc, o ListingOptions) {
	if p.JSON != nil {
		p.jitedJSON(funcs, o)
		return
	}
	for _, f := range funcs {
		for line := range JitedLines(&f, o) {
			p.printf("%s\n", line.Text)
		}
		p.printf("\n")
	}
}

// JitedLines lists the machine instructions of a function, each with where it is.
func JitedLines(f *inspect.JitedFunc, o ListingOptions) iter.Seq[ListingLine] {
	return func(yield func(ListingLine) bool) {
		if f.Type.Kind() == kern.KindFunc && !yield(ListingLine{Text: proto(f.Type) + ":"}) {
			return
		}
		if !yield(ListingLine{Text: f.Name + ":"}) {
			return
		}
		for _, in := range f.Insns {
			if in.Source != nil && !yield(sourceLine(in.Source, o.Linum)) {
				return
			}
			from := f.Addr + uint64(in.PC)
			if !yield(ListingLine{Text: in.Text(), From: from, To: from + uint64(len(in.Raw))}) {
				return
			}
			if o.Opcodes && !yield(ListingLine{Text: "\t" + hexRow(in.Raw)}) {
				return
			}
		}
	}
}

func (p *Printer) jitedJSON(funcs []inspect.JitedFunc, o ListingOptions) {
	j := p.JSON
	j.Open("[")
	for _, f := range funcs {
		j.Open("{")
		if f.Type.Kind() == kern.KindFunc {
			j.Member("proto", proto(f.Type))
		}
		j.Member("name", f.Name)
		j.Name("insns")
		j.Open("[")
		for _, in := range f.Insns {
			j.Open("{")
			sourceJSON(j, in.Source, o.Linum)
			j.Member("pc", fmt.Sprintf("0x%x", in.PC))
			j.Member("operation", in.Op)
			operands := in.Operands
			if operands == nil {
				operands = []string{}
			}
			j.Member("operands", operands)
			if in.Symbol != "" {
				j.Member("symbol", in.Symbol)
			}
			if o.Opcodes {
				j.Name("opcodes")
				hexArray(j, in.Raw)
			}
			j.End("}")
		}
		j.End("]")
		j.End("}")
	}
	j.End("]")
}

// proto is a function's type as bpftool writes it: "int f(struct xdp_md * ctx)".
func proto(fn kern.Type) string {
	var b strings.Builder
	writeFunc(&b, fn.Ref(), fn.Name())
	return b.String()
}

func writeFunc(b *strings.Builder, t kern.Type, name string) {
	b.WriteString(typeWords(t.Ref(), 0) + name + "(")
	for i, param := range t.Params() {
		if i > 0 {
			b.WriteString(", ")
		}
		switch {
		case param.Type.Kind() == kern.KindVoid:
			b.WriteString("...")
		case param.Name == "":
			b.WriteString(strings.TrimSuffix(typeWords(param.Type, 0), " "))
		default:
			b.WriteString(typeWords(param.Type, 0) + param.Name)
		}
	}
	b.WriteString(")")
}

// typeWords is a type, each of its words with a blank after it.
func typeWords(t kern.Type, depth int) string {
	if depth > maxValueDepth {
		return "... "
	}
	switch t.Kind() {
	case kern.KindVoid:
		return "void "
	case kern.KindStruct, kern.KindUnion, kern.KindEnum, kern.KindEnum64, kern.KindFwd:
		return kern.Tag(t) + " " + t.Name() + " "
	case kern.KindPtr:
		return typeWords(t.Ref(), depth+1) + "* "
	case kern.KindArray:
		elem, n := t.Array()
		return fmt.Sprintf("%s[%d]", typeWords(elem, depth+1), n)
	case kern.KindConst:
		return "const " + typeWords(t.Ref(), depth+1)
	case kern.KindVolatile:
		return "volatile " + typeWords(t.Ref(), depth+1)
	case kern.KindRestrict:
		return "restrict " + typeWords(t.Ref(), depth+1)
	case kern.KindTypeTag:
		return typeWords(t.Ref(), depth+1)
	case kern.KindFuncProto:
		var b strings.Builder
		writeFunc(&b, t, "")
		return b.String()
	}
	return t.Name() + " "
}
