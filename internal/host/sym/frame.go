package sym

import (
	"strconv"

	"github.com/skep-bpf/skep/internal/bpf/object"
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

// UserFrame is a line of a user stack; in perf mode with the binary.
func (s *Symbolizer) UserFrame(pid uint32, addr uint64, mode object.StackMode) []string {
	u, ok := s.User(pid, addr)
	line, module := hex(addr), "[unknown]"
	if ok {
		line, module = u.withOffset(), u.Module
	}
	if mode == object.StackPerf {
		line += " (" + module + ")"
	}
	return []string{line}
}

func (k *Symbol) withOffset() string { return k.Name + "+" + strconv.FormatUint(k.Offset, 10) }

// hex is an address as C++ streams print pointers: nothing marks a null one.
func hex(addr uint64) string {
	if addr == 0 {
		return "0"
	}
	return "0x" + strconv.FormatUint(addr, 16)
}
