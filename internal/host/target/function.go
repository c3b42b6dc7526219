package target

import (
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// KernelFunc is a function's signature. Without a module vmlinux is looked at, then the
// modules. Struct pointers among its arguments are SpaceBTF, as fentry gets them.
func (e *Env) KernelFunc(module, name string) (*types.Signature, bool) {
	fn, ok := e.findFunc(module, name)
	if !ok {
		return nil, false
	}
	sig := e.conv.signature(name, fn.Ref(), 0)
	sig.Module, sig.BTFID = fn.BTF().Name, uint32(fn.ID)
	return sig, true
}

// BPFFunc is a function of a program that the running kernel has loaded. Numbers among its
// results are known; what its pointers point to isn't.
func (e *Env) BPFFunc(prog uint32, name string) (*types.Signature, bool) {
	if e.Progs == nil {
		return nil, false
	}
	fn, ok := e.Progs.Func(prog, name)
	if !ok {
		return nil, false
	}
	sig := &types.Signature{Name: name, Args: make([]types.Field, len(fn.Ref().Params()))}
	switch t := fn.Ref().Ref().Unqualified(); t.Kind() {
	case kern.KindInt:
		signed, _, _, _ := t.Int()
		sig.Result = types.IntType(t.Size(), signed)
	case kern.KindEnum, kern.KindEnum64:
		sig.Result = types.IntType(t.Size(), false)
	case kern.KindPtr:
		sig.Result = types.IntType(8, false)
	}
	return sig, true
}

func (e *Env) findFunc(module, name string) (kern.Type, bool) {
	b := e.btf()
	if b == nil {
		return kern.Type{}, false
	}
	if module == "" || module == "*" || module == "vmlinux" {
		if fn, ok := b.Find(name, kern.KindFunc); ok {
			return fn, true
		}
		if module == "vmlinux" {
			return kern.Type{}, false
		}
	}
	candidates := []string{module}
	if module == "" || module == "*" {
		candidates = e.kernel.BTFModules()
	}
	for _, m := range candidates {
		mb, err := e.kernel.ModuleBTF(m)
		if err != nil {
			continue
		}
		if fn, ok := mb.FindOwn(name, kern.KindFunc); ok {
			e.useModule(mb)
			return fn, true
		}
	}
	return kern.Type{}, false
}

// useModule makes a module's types known to the script.
func (e *Env) useModule(b *kern.BTF) {
	for _, m := range e.modules {
		if m == b {
			return
		}
	}
	e.modules = append(e.modules, b)
	clear(e.named)
}

// RawTracepoint is the signature of a raw tracepoint. The kernel attaches by the
// typedef btf_trace_NAME, whose prototype has no parameter names; those are the
// ones of a function that the tracepoint's macros make.
func (e *Env) RawTracepoint(name string) (*types.Signature, bool) {
	typedef := "btf_trace_" + name
	def, ok := e.find(func(b *kern.BTF) (kern.Type, bool) { return b.Find(typedef, kern.KindTypedef) })
	if !ok {
		if def, ok = e.kernel.LookupInModules(typedef); !ok {
			return nil, false
		}
		e.useModule(def.BTF())
	}
	proto := def.Unqualified().Ref()
	if proto.Kind() != kern.KindFuncProto {
		return nil, false
	}
	sig := e.conv.signature(name, proto, 1)
	sig.Module, sig.BTFID = def.BTF().Name, uint32(def.ID)
	for i, n := range tracepointParams(def.BTF(), name) {
		if i < len(sig.Args) && n != "" {
			sig.Args[i].Name = n
		}
	}
	return sig, true
}

// tracepointParams are the names of a tracepoint's parameters. A tracepoint of a class
// (DEFINE_EVENT) has no __bpf_trace_ function of its own; the others are there
// for each, from 6.8 and 5.10 on.
func tracepointParams(b *kern.BTF, name string) []string {
	for _, prefix := range []string{"__probestub_", "__traceiter_", "__bpf_trace_"} {
		fn, ok := b.Find(prefix+name, kern.KindFunc)
		if !ok {
			continue
		}
		var names []string
		for i, p := range fn.Ref().Params() {
			if i > 0 {
				names = append(names, p.Name)
			}
		}
		return names
	}
	return nil
}
