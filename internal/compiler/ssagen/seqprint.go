package ssagen

import (
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// seqMaxArgs is the most values that the kernel formats at once (MAX_BPRINTF_VARARGS).
const seqMaxArgs = 12

// seqPrintf is printf in a pinned iterator: the kernel formats the text into the file that
// its reader reads, with what it knows of formats.
func (c *fn) seqPrintf(e syntax.Expr, args []syntax.Expr) {
	const who = "which prints what a pinned iterator does"
	if len(args) > seqMaxArgs {
		c.rep.Errorf(diag.CodeUnsupported, e.Span(), "the kernel, %s, takes %d values at most", who, seqMaxArgs)
		return
	}
	text, values := c.kernelPrint(e, args, who)
	if text == nil {
		return
	}
	data := c.emitAux(ssa.OpConst, ssa.Ptr, 0, nil)
	size := 8 * uint32(len(args))
	if size > 0 {
		data = c.slot("values", size, 8)
	}
	for i, v := range values {
		c.store(data, int64(8*i), v, 8, ssa.MemSlot)
	}
	index, off := c.rodata.place(c.gen, text)
	c.call(fnSeqPrintf, ssa.I64, c.seqFile(), c.mapValue(index, off), c.constU(uint64(len(text))), data, c.constU(uint64(size)))
}

// kernelPrint is the format of call e as the kernel writes it, with its NUL, and the values:
// numbers, or the addresses of strings. A format that the kernel, which who explains, doesn't
// know is reported, and text is nil.
func (c *fn) kernelPrint(e syntax.Expr, args []syntax.Expr, who string) (text []byte, values []*ssa.Value) {
	f := c.info.Formats[e.ID()]
	format, bad := kernelFormat(f)
	if bad != "" {
		c.rep.Errorf(diag.CodeUnsupported, e.Span(), "the kernel, %s, doesn't know %s", who, bad)
		return nil, nil
	}
	values = make([]*ssa.Value, len(args))
	for _, p := range f.Parts {
		switch p.Verb {
		case 0:
		case 's':
			values[p.Arg] = c.refAddr(c.inMemory(c.expr(args[p.Arg])))
		default:
			values[p.Arg] = c.intExpr(args[p.Arg])
		}
	}
	return append([]byte(format), 0), values
}

// kernelFormat writes f as the kernel's own formats are written, in which values are 64
// bits; bad is a conversion that they don't have (bpf_bprintf_prepare, kernel/bpf/helpers.c).
func kernelFormat(f *object.Format) (text, bad string) {
	verbs := map[byte]string{'d': "lld", 'i': "lld", 'u': "llu", 'x': "llx", 'X': "llX", 'p': "px", 's': "s", 'c': "c"}
	var b strings.Builder
	for _, p := range f.Parts {
		form, ok := verbs[p.Verb]
		switch {
		case p.Verb == 0:
			b.WriteString(strings.ReplaceAll(p.Lit, "%", "%%"))
			continue
		case !ok || p.StarWidth || p.StarPrec || p.Prec >= 0 || strings.Contains(p.Flags, "#"):
			return "", "%" + p.Flags + p.Mod + string(p.Verb) + " in this form"
		}
		b.WriteString("%" + p.Flags)
		if p.Width >= 0 {
			b.WriteString(strconv.Itoa(p.Width))
		}
		b.WriteString(form)
	}
	return b.String(), ""
}
