package exe

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// header is the start of an ELF file of a type.
func header(kind elf.Type) []byte {
	b := make([]byte, 64)
	copy(b, elf.ELFMAG)
	b[elf.EI_CLASS], b[elf.EI_DATA], b[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	binary.LittleEndian.PutUint16(b[16:], uint16(kind))
	return b
}

// cache is an ld.so.cache with libraries as name, path pairs; those with a leading ! are of
// another machine.
func cache(pairs ...string) []byte {
	const headerLen, entryLen = 48, 24
	data := append([]byte(newCacheMagic), make([]byte, headerLen-len(newCacheMagic))...)
	binary.NativeEndian.PutUint32(data[20:], uint32(len(pairs)/2))
	strs := make([]byte, 0)
	base := headerLen + entryLen*len(pairs)/2
	for i := 0; i < len(pairs); i += 2 {
		flags := hostFlags()
		name, foreign := strings.CutPrefix(pairs[i], "!")
		if foreign {
			flags = 1
		}
		e := make([]byte, entryLen)
		binary.NativeEndian.PutUint32(e, flags)
		binary.NativeEndian.PutUint32(e[4:], uint32(base+len(strs)))
		strs = append(append(strs, name...), 0)
		binary.NativeEndian.PutUint32(e[8:], uint32(base+len(strs)))
		strs = append(append(strs, pairs[i+1]...), 0)
		data = append(data, e...)
	}
	return append(data, strs...)
}

func TestFind(t *testing.T) {
	lib, prog := &fstest.MapFile{Data: header(elf.ET_DYN), Mode: 0o644}, &fstest.MapFile{Data: header(elf.ET_EXEC), Mode: 0o755}
	files := NewFiles(fstest.MapFS{
		"etc/ld.so.cache": {Data: cache("!libc.so.6", "/lib32/libc.so.6", "libssl.so.3", "/lib/libssl.so.3",
			"libssl.so.59", "/lib/libssl.so.59", "libc.so.6", "/lib/libc.so.6", "libz.so", "/lib/gone.so")},
		"lib32/libc.so.6": lib, "lib/libc.so.6": lib, "lib/libssl.so.3": lib, "lib/libssl.so.59": lib,
		"usr/lib/libodd.so.1": lib, "usr/lib/" + multiarch() + "/libdeb.so.2": lib,
		"usr/bin/tool": prog, "bin/tool": prog, "bin/text": {Data: []byte("#!/bin/sh\necho long enough a text\n"), Mode: 0o755},
		"bin/locked": {Data: header(elf.ET_EXEC), Mode: 0o644},
	})
	const path = "/usr/bin:/bin"
	for name, want := range map[string]string{
		"libc": "/lib/libc.so.6", "libc.so.6": "/lib/libc.so.6", "libssl.so.59": "/lib/libssl.so.59", "libssl": "/lib/libssl.so.3",
		"libodd": "/usr/lib/libodd.so.1", "libdeb": "/usr/lib/" + multiarch() + "/libdeb.so.2",
		"tool": "/usr/bin/tool", "/bin/tool": "/bin/tool", "/bin/t*": "/bin/tool", "/lib/libssl.so.*": "/lib/libssl.so.3 /lib/libssl.so.59",
	} {
		got, err := files.Find(name, path)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v %v, want %s", name, got, err, want)
		}
	}
	for name, want := range map[string]error{"nosuch": ErrNotFound, "libz": ErrNotFound, "/bin/text": ErrNotELF, "libnone": ErrNotFound} {
		if got, err := files.Find(name, path); !errors.Is(err, want) {
			t.Errorf("%s: %v %v, want %v", name, got, err, want)
		}
	}
	if got, err := files.Find("/bin/locked", path); err == nil {
		t.Errorf("not executable: %v", got)
	}
}

func TestLibCacheDamaged(t *testing.T) {
	good := cache("libc.so.6", "/lib/libc.so.6", "libm.so.6", "/lib/libm.so.6")
	for n := range good {
		parseLibCache(good[:n], hostFlags())
	}
	if c := parseLibCache(good, hostFlags()); len(c.entries) != 2 || c.entries[1].path != "/lib/libm.so.6" {
		t.Errorf("%+v", c.entries)
	}
}

func TestUSDTNote(t *testing.T) {
	f := &File{ELF: &elf.File{FileHeader: elf.FileHeader{Class: elf.ELFCLASS64, ByteOrder: binary.LittleEndian}, Progs: []*elf.Prog{
		{ProgHeader: elf.ProgHeader{Type: elf.PT_LOAD, Flags: elf.PF_X, Vaddr: 0x1000, Off: 0x400, Filesz: 0x1000}},
		{ProgHeader: elf.ProgHeader{Type: elf.PT_LOAD, Flags: elf.PF_W, Vaddr: 0x4000, Off: 0x2000, Filesz: 0x100}},
	}}}
	desc := func(pc, base, sem uint64) []byte {
		b := binary.LittleEndian.AppendUint64(nil, pc)
		b = binary.LittleEndian.AppendUint64(b, base)
		b = binary.LittleEndian.AppendUint64(b, sem)
		return append(b, "prov\x00event\x00-4@%edi 8@%rsi\x00"...)
	}
	u, ok := f.usdt(desc(0x1010, 0x5000, 0x4008), 0x5000)
	if !ok || u != (USDT{"prov", "event", "-4@%edi 8@%rsi", 0x410, 0x2008}) {
		t.Errorf("%+v", u)
	}
	if u, ok := f.usdt(desc(0x10, 0x4000, 0), 0x5000); !ok || u.FileOff != 0x410 || u.Semaphore != 0 {
		t.Errorf("prelinked: %+v", u)
	}
	if _, ok := f.usdt(desc(0x9000, 0, 0), 0); ok {
		t.Error("a probe outside the code")
	}
	for n := range 24 {
		if _, ok := f.usdt(desc(0x1010, 0, 0)[:n], 0); ok {
			t.Errorf("a note of %d bytes", n)
		}
	}
}

func TestLiveLibc(t *testing.T) {
	files := NewFiles(os.DirFS("/"))
	defer files.Close()
	paths, err := files.Find("libc", "")
	if err != nil {
		t.Skipf("skip(no libc): %v", err)
	}
	f, err := files.Open(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	s, ok := f.Symbol("malloc")
	off, mapped := f.Offset(s.Addr)
	if !ok || !s.Func() || s.Size == 0 || !mapped || off == 0 {
		t.Errorf("malloc: %+v at %#x", s, off)
	}
	if len(f.BuildID()) == 0 {
		t.Error("no build id")
	}
	if n := testing.AllocsPerRun(5, func() { f.Symbol("malloc") }); n > 4 {
		t.Errorf("a lookup allocates %v times", n)
	}
}

const program = `package main

type point struct{ x, y int }

//go:noinline
func add(p *point, n uint32) int { return p.x + int(n) }

func main() { println(add(&point{1, 2}, 3)) }
`

func TestDWARF(t *testing.T) {
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skipf("skip(no go): %v", err)
	}
	dir := t.TempDir()
	src, bin := filepath.Join(dir, "main.go"), filepath.Join(dir, "prog")
	if err := os.WriteFile(src, []byte(program), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(tool, "build", "-o", bin, src).CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	files := NewFiles(os.DirFS("/"))
	defer files.Close()
	f, err := files.Open(bin)
	if err != nil {
		t.Fatal(err)
	}
	p, ok, err := f.Func("main.add")
	if err != nil || !ok || len(p.Params) < 2 {
		t.Fatalf("main.add: %+v %v %v", p, ok, err)
	}
	if got := p.Params[0].Name + " " + CName(p.Params[0].Type) + ", " + p.Params[1].Name + " " + CName(p.Params[1].Type); got != "p main.point*, n uint32" {
		t.Errorf("parameters: %s", got)
	}
	sym, _ := f.Symbol("main.add")
	addr, ok, err := f.LineAddr("main.go", 6, 0)
	if err != nil || !ok || addr < sym.Addr || addr >= sym.Addr+sym.Size {
		t.Errorf("main.go:6 is at %#x (%v, %v), the function at %#x", addr, ok, err, sym.Addr)
	}
	if _, ok, _ := f.LineAddr("main.go", 4000, 0); ok {
		t.Error("found a line behind the end")
	}
	if _, ok, _ := f.Func("main.nosuch"); ok {
		t.Error("found a function that isn't there")
	}
}

func TestDemangle(t *testing.T) {
	for _, tt := range []struct {
		symbol string
		params bool
		want   string
	}{
		{"_ZN2ns1fEi", true, "ns::f(int)"}, {"_ZN2ns1fEi", false, "ns::f"}, {"main", true, ""},
	} {
		if got, ok := Demangle(tt.symbol, tt.params); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: %q", tt.symbol, got)
		}
	}
}
