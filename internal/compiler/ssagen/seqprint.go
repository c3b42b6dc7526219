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
	f := c.info.Formats[e.ID()]
	text, bad := kernelFormat(f)
	switch {
	case bad != "":
		c.rep.Errorf(diag.CodeUnsupported, e.Span(), "the kernel, which prints what a pinned iterator does, doesn't know %s", bad)
		return
	case len(args) > seqMaxArgs:
		c.rep.Errorf(diag.CodeUnsupported, e.Span(), "the kernel, which prints what a pinned iterator does, takes %d values at most", seqMaxArgs)
		return
	}
	data := c.emitAux(ssa.OpConst, ssa.Ptr, 0, nil)
	size := 8 * uint32(len(args))
	if size > 0 {
		data = c.slot("values", size, 8)
	}
	for _, p := range f.Parts {
		if p.Verb == 0 {
			continue
		}
		var v *ssa.Value
		if p.Verb == 's' {
			v = c.refAddr(c.inMemory(c.expr(args[p.Arg])))
		} else {
			v = c.intExpr(args[p.Arg])
		}
		c.store(data, int64(8*p.Arg), v, 8, ssa.MemSlot)
	}
	index, off := c.rodata.place(c.gen, append([]byte(text), 0))
	c.call(fnSeqPrintf, ssa.I64, c.seqFile(), c.mapValue(index, off), c.constU(uint64(len(text)+1)), data, c.constU(uint64(size)))
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
