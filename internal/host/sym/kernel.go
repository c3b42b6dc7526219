package sym

import (
	"bytes"
	"cmp"
	"io"
	"slices"
	"sort"
)

// kernelTable holds the kernel's functions by address. Names are in one buffer.
type kernelTable struct {
	syms    []kernelSym
	names   []byte
	modules []string // by number; the first is vmlinux, ""
}

type kernelSym struct {
	addr   uint64
	name   uint32 // offset in names
	len    uint16
	module uint16
}

// find is the last symbol at or before addr. Kernel symbols have no sizes.
func (t *kernelTable) find(addr uint64) (Symbol, bool) {
	i := sort.Search(len(t.syms), func(i int) bool { return t.syms[i].addr > addr }) - 1
	if i < 0 {
		return Symbol{}, false
	}
	k := &t.syms[i]
	return Symbol{
		Name:   string(t.names[k.name : k.name+uint32(k.len)]),
		Offset: addr - k.addr, Module: t.modules[k.module],
	}, true
}

// addr is the address of the first function with a name.
func (t *kernelTable) addr(name string) (uint64, bool) {
	for _, k := range t.syms {
		if int(k.len) == len(name) && string(t.names[k.name:k.name+uint32(k.len)]) == name {
			return k.addr, true
		}
	}
	return 0, false
}

// readKallsyms reads lines "ffffffff81000000 T name\t[module]" and keeps functions. What
// is read before an error counts; a kernel that hides its addresses gives nothing.
func readKallsyms(r io.Reader) *kernelTable {
	t := &kernelTable{modules: []string{""}, syms: make([]kernelSym, 0, 1<<16), names: make([]byte, 0, 1<<21)}
	buf := make([]byte, 1<<18)
	have := 0
	for {
		n, err := r.Read(buf[have:])
		have += n
		end := bytes.LastIndexByte(buf[:have], '\n') + 1
		t.lines(buf[:end])
		have = copy(buf, buf[end:have])
		if err != nil || have == len(buf) {
			break
		}
	}
	byAddr := func(a, b kernelSym) int { return cmp.Compare(a.addr, b.addr) }
	if !slices.IsSortedFunc(t.syms, byAddr) {
		slices.SortStableFunc(t.syms, byAddr)
	}
	return t
}

// lines adds the functions of whole lines.
func (t *kernelTable) lines(b []byte) {
	for len(b) > 0 {
		n := bytes.IndexByte(b, '\n')
		line := b[:n]
		b = b[n+1:]
		addr, rest, ok := hexWord(line)
		if !ok || addr == 0 || len(rest) < 3 || !isText(rest[0]) {
			continue
		}
		name, module, _ := bytes.Cut(rest[2:], []byte{'\t'})
		t.syms = append(t.syms, kernelSym{addr, uint32(len(t.names)), uint16(min(len(name), 1<<16-1)), t.module(module)})
		t.names = append(t.names, name...)
	}
}

// isText reports whether a symbol type as nm prints it is code, weak code included.
func isText(typ byte) bool { return typ|0x20 == 't' || typ|0x20 == 'w' }

// module is the number of the module in "[module]"; a module's symbols stand together.
func (t *kernelTable) module(b []byte) uint16 {
	b = bytes.Trim(b, "[] ")
	if len(b) == 0 {
		return 0
	}
	if last := len(t.modules) - 1; t.modules[last] != string(b) {
		t.modules = append(t.modules, string(b))
	}
	return uint16(len(t.modules) - 1)
}

// hexWord reads a hexadecimal number and the space after it.
func hexWord(b []byte) (v uint64, rest []byte, ok bool) {
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			v = v<<4 | uint64(c-'a'+10)
		default:
			return v, b[min(i+1, len(b)):], i > 0
		}
	}
	return v, nil, len(b) > 0
}
