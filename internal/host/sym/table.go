package sym

import (
	"bytes"
	"cmp"
	"debug/elf"
	"os"
	"slices"
	"sort"
	"strings"

	"github.com/skep-bpf/skep/internal/host/exe"
)

// table holds the functions of a binary by address.
type table struct {
	syms  []symbol
	loads []load
	file  *exe.File // whose memory the names share; nil: they have their own
	used  uint64    // when it was last asked for, in requests
}

type symbol struct {
	addr, size uint64
	name       string
}

// load is where a part of the file is in the binary's own addresses.
type load struct{ off, size, vaddr uint64 }

func (t *table) add(addr, size uint64, name string) {
	t.syms = append(t.syms, symbol{addr, size, name})
}

// sort orders symbols by address. Of several names for an address the plainest comes
// last, where find looks first: "malloc" rather than "__libc_malloc".
func (t *table) sort() {
	slices.SortFunc(t.syms, func(a, b symbol) int {
		return cmp.Or(cmp.Compare(a.addr, b.addr), cmp.Compare(underscores(b.name), underscores(a.name)),
			cmp.Compare(len(b.name), len(a.name)), cmp.Compare(b.name, a.name))
	})
}

// sortStable orders symbols by address; of several at one address the last added comes last.
func (t *table) sortStable() {
	slices.SortStableFunc(t.syms, func(a, b symbol) int { return cmp.Compare(a.addr, b.addr) })
}

func underscores(name string) int { return len(name) - len(strings.TrimLeft(name, "_")) }

// maxBack bounds the search for a symbol around addr that starts far before it.
const maxBack = 64

// find names addr, an address as the table has them.
func (t *table) find(addr uint64, module string, demangle func(string) string) (Symbol, bool) {
	i := sort.Search(len(t.syms), func(i int) bool { return t.syms[i].addr > addr }) - 1
	for n := 0; i >= 0 && n < maxBack; i, n = i-1, n+1 {
		s := &t.syms[i]
		// A symbol without size, as assembly leaves it, names its first byte only.
		if addr-s.addr < s.size || addr == s.addr {
			// The name outlives the file that it's in.
			return Symbol{demangle(strings.Clone(s.name)), addr - s.addr, module}, true
		}
	}
	return Symbol{Module: module}, false
}

// vaddr is the binary's own address of a place in the file.
func (t *table) vaddr(off uint64) uint64 {
	for _, l := range t.loads {
		if off >= l.off && off-l.off < l.size {
			return off - l.off + l.vaddr
		}
	}
	return off
}

// read takes the functions of f, which has to stay open as long as the table is used.
func (t *table) read(f *exe.File) {
	t.file = f
	for _, p := range f.ELF.Progs {
		if p.Type == elf.PT_LOAD {
			t.loads = append(t.loads, load{p.Off, p.Filesz, p.Vaddr})
		}
	}
	f.Funcs(func(s exe.Symbol) bool {
		t.add(s.Addr, s.Size, s.Name)
		return true
	})
}

// readVDSO reads the kernel's code out of our own memory; it's the same in all
// processes of an architecture.
func (t *table) readVDSO() {
	data, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for _, m := range parseMaps(data) {
		if m.path != vdsoName {
			continue
		}
		mem, err := os.Open("/proc/self/mem")
		if err != nil {
			return
		}
		defer mem.Close()
		image := make([]byte, m.end-m.start)
		if _, err := mem.ReadAt(image, int64(m.start)); err != nil {
			return
		}
		f, err := elf.NewFile(bytes.NewReader(image))
		if err != nil {
			return
		}
		syms, err := f.DynamicSymbols()
		if err != nil {
			return
		}
		for _, s := range syms {
			if elf.ST_TYPE(s.Info) == elf.STT_FUNC {
				t.add(s.Value, s.Size, s.Name)
			}
		}
	}
}
