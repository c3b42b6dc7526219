package sym

import (
	"strconv"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/host/srcline"
)

// The methods below give names as the language's outputs print them: the symbol, "+" and
// the decimal offset in stacks, the address in hexadecimal where nothing is known.

// Ksym is the function at a kernel address.
func (s *Symbolizer) Ksym(addr uint64) string {
	if k, ok := s.Kernel(addr); ok {
		return k.Name
	}
	return hex(addr)
}

// Usym is the function at an address of a process.
func (s *Symbolizer) Usym(pid uint32, addr uint64) string {
	if u, ok := s.User(pid, addr); ok {
		return u.Name
	}
	return hex(addr)
}

// KernelFrame is a line of a kernel stack.
func (s *Symbolizer) KernelFrame(addr uint64, _ object.StackMode) []string {
	k, ok := s.Kernel(addr)
	if !ok {
		return []string{hex(addr)}
	}
	return []string{k.withOffset()}
}

// UserFrame is an address of a user stack, in perf mode with the binary. Functions that were
// inlined there come first, a line each. The source of an address that a call returns to is
// that of the call before it, but for the start of a function, which nothing calls: there
// signal handlers return to.
func (s *Symbolizer) UserFrame(pid uint32, addr uint64, returns bool, mode object.StackMode) []string {
	u, at, ok := s.user(pid, addr)
	if !ok {
		if mode == object.StackPerf {
			return []string{hex(addr) + " ([unknown])"}
		}
		return []string{hex(addr)}
	}
	var source []srcline.Frame
	if s.cfg.Source && at.file != nil {
		if returns && u.Offset > 0 {
			at.addr--
		}
		source = at.file.Frames(at.addr)
	}
	if len(source) == 0 {
		source = []srcline.Frame{{}}
	}
	lines := make([]string, len(source))
	for i, f := range source {
		inlined := i < len(source)-1
		name := u.withOffset()
		if inlined {
			name = s.demangle(f.Func)
		}
		lines[i] = frameText(name, f, inlined, u.Module, mode)
	}
	return lines
}

// frameText is a frame as bpftrace prints it, which leaves file and line out in perf mode.
func frameText(name string, f srcline.Frame, inlined bool, module string, mode object.StackMode) string {
	switch {
	case mode == object.StackPerf && inlined:
		return name + " (inlined)"
	case mode == object.StackPerf:
		return name + " (" + module + ")"
	case inlined:
		name = "[inlined] " + name
	}
	if f.Path == "" {
		return name
	}
	return name + "@" + f.Path + ":" + strconv.Itoa(f.Line)
}

func (k *Symbol) withOffset() string { return k.Name + "+" + strconv.FormatUint(k.Offset, 10) }

// hex is an address as C++ streams print pointers: nothing marks a null one.
func hex(addr uint64) string {
	if addr == 0 {
		return "0"
	}
	return "0x" + strconv.FormatUint(addr, 16)
}
