package kern

import (
	"cmp"
	"slices"
)

// Tags of functions that programs may call (kernel 6.10), and of those that keep the caller's
// registers.
const (
	kfuncTag    = "bpf_kfunc"
	fastcallTag = "bpf_fastcall"
)

// kfuncsStart has the macros of libbpf's headers, for programs that come without them.
const kfuncsStart = `/* functions that programs may call */
#ifndef BPF_NO_KFUNC_PROTOTYPES
#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif
#ifndef __bpf_fastcall
#if __has_attribute(bpf_fastcall)
#define __bpf_fastcall __attribute__((bpf_fastcall))
#else
#define __bpf_fastcall
#endif
#endif

`

// kfuncs declares the functions that programs may call, by name.
func (h *header) kfuncs(b *BTF) {
	var funcs []Type
	fast := map[TypeID]bool{}
	for id := b.First(); id < b.Len(); id++ {
		t := b.Type(id)
		if t.Kind() != KindDeclTag || t.Ref().Kind() != KindFunc {
			continue
		}
		switch t.Name() {
		case kfuncTag:
			funcs = append(funcs, t.Ref())
		case fastcallTag:
			fast[t.Ref().ID] = true
		}
	}
	if len(funcs) == 0 {
		return
	}
	slices.SortFunc(funcs, func(a, b Type) int { return cmp.Or(cmp.Compare(a.Name(), b.Name()), cmp.Compare(a.ID, b.ID)) })
	funcs = slices.CompactFunc(funcs, func(a, b Type) bool { return a.Name() == b.Name() })
	for _, f := range funcs {
		h.need(f.Ref(), true)
	}
	h.text(kfuncsStart)
	for _, f := range funcs {
		h.text("extern ")
		if fast[f.ID] {
			h.text("__bpf_fastcall ")
		}
		h.d.decl(f.Ref(), f.Name(), 0)
		h.flush(" __weak __ksym;\n")
	}
	h.text("#endif\n\n")
}
