package exe

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/skep-bpf/skep/internal/host/srcline"
)

// shop opens a binary of testdata/shop, whose build.sh makes them all from shop.c.
func shop(t *testing.T, name string) (*Files, *File) {
	t.Helper()
	dir, err := filepath.Abs("testdata/shop")
	if err != nil {
		t.Fatal(err)
	}
	files := NewFiles(os.DirFS("/"))
	t.Cleanup(func() { files.Close() })
	f, err := files.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return files, f
}

// short is the frames of an address in one line: "put:6 add:13 :19".
func short(frames []srcline.Frame) string {
	var list []string
	for _, f := range frames {
		list = append(list, fmt.Sprintf("%s:%d", f.Func, f.Line))
	}
	return strings.Join(list, " ")
}

// The source of each instruction of sell is what addr2line -i tells of it.
func TestFrames(t *testing.T) {
	want := map[uint64]string{
		0: ":18", 6: ":18", 9: ":18", 15: "add:11 :19", 18: "add:11 :19", 20: "add:12 :19", 23: "put:6 add:12 :19",
		29: "put:6 add:13 :19", 34: "put:6 add:13 :19", 35: ":20",
	}
	for _, name := range []string{"dwarf2", "dwarf4", "dwarf5", "zlib5", "split4", "split5", "packed5"} {
		t.Run(name, func(t *testing.T) {
			_, f := shop(t, name)
			sell, ok := f.Symbol("sell")
			if !ok {
				t.Fatal("no function sell")
			}
			for off, want := range want {
				frames := f.Frames(sell.Addr + off)
				if got := short(frames); got != want {
					t.Errorf("sell+%d: %s, want %s", off, got, want)
				}
				for _, fr := range frames {
					if fr.Path != "/src/shop/shop.c" {
						t.Errorf("sell+%d: in %s", off, fr.Path)
					}
				}
			}
			if got := f.Frames(sell.Addr + sell.Size + 4096); got != nil {
				t.Errorf("behind the code: %v", got)
			}
		})
	}
}

// Types and arguments are in the split units.
func TestSplitTypes(t *testing.T) {
	for _, name := range []string{"split5", "packed5"} {
		_, f := shop(t, name)
		p, ok, err := f.Func("sell")
		if err != nil || !ok || len(p.Params) != 1 || p.Params[0].Name != "n" || CName(p.Params[0].Type) != "int" {
			t.Errorf("%s: %+v, %v, %v", name, p, ok, err)
		}
	}
}

// What was read is given back with the file.
func TestFramesReleased(t *testing.T) {
	files, f := shop(t, "zlib5")
	sell, _ := f.Symbol("sell")
	if len(f.Frames(sell.Addr)) == 0 || files.plainSize == 0 {
		t.Fatal("nothing was read")
	}
	if err := files.Release(f); err != nil || files.plainSize != 0 {
		t.Errorf("%d bytes are left, %v", files.plainSize, err)
	}
}

// Damaged debug information gives wrong or no answers, and never ends the session.
func TestFramesDamaged(t *testing.T) {
	for _, name := range []string{"dwarf2", "dwarf5", "packed5"} {
		whole, err := os.ReadFile("testdata/shop/" + name)
		if err != nil {
			t.Fatal(err)
		}
		root := fstest.MapFS{}
		if pkg, err := os.ReadFile("testdata/shop/" + name + ".dwp"); err == nil {
			root["a.dwp"] = &fstest.MapFile{Data: pkg}
		}
		for i := 0x120; i < len(whole); i++ {
			data := bytes.Clone(whole)
			data[i] ^= byte(0x81 + i%0x7e)
			root["a"] = &fstest.MapFile{Data: data}
			files := NewFiles(root)
			if f, err := files.Open("/a"); err == nil {
				for addr := uint64(0x4000e0); addr < 0x400110; addr += 5 {
					f.Frames(addr)
				}
			}
			files.Close()
		}
	}
}

// A Go binary's frames are those that the runtime itself tells of this test.
func TestFramesGo(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	files := NewFiles(os.DirFS("/"))
	defer files.Close()
	f, err := files.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	main, ok := f.Symbol("main.main")
	fn := runtime.FuncForPC(reflect.ValueOf(TestFramesGo).Pointer())
	own, found := f.Symbol(fn.Name())
	if !ok || !found || f.goLines() == nil {
		t.Fatal("the test's own binary isn't read as one of Go")
	}
	slide := uint64(fn.Entry()) - own.Addr
	n, inlined := 0, 0
	for _, sym := range []Symbol{main, own} {
		for addr := sym.Addr; addr < sym.Addr+sym.Size; addr += 3 {
			// Callers would look at the instruction before. The runtime tells the innermost.
			want, _ := runtime.CallersFrames([]uintptr{uintptr(addr + slide + 1)}).Next()
			got := f.Frames(addr)
			if len(got) == 0 {
				if want.Line != 0 {
					t.Errorf("%s+%d: nothing, want %+v", sym.Name, addr-sym.Addr, want)
				}
				continue // between functions
			}
			if got[0].Path != want.File || got[0].Line != want.Line || len(got) > 1 && got[0].Func != want.Function {
				t.Errorf("%s+%d: %+v, want %+v", sym.Name, addr-sym.Addr, got, want)
			}
			if last := got[len(got)-1]; sym.Name == own.Name && filepath.Base(last.Path) != "lines_test.go" {
				t.Errorf("%s+%d: the function itself is in %s", sym.Name, addr-sym.Addr, last.Path)
			}
			n, inlined = n+1, inlined+len(got)-1
		}
	}
	if n < 100 || inlined == 0 {
		t.Errorf("%d addresses, %d inlined calls", n, inlined)
	}
}

// The first address costs what its unit does, not what the binary does.
func TestFramesCost(t *testing.T) {
	_, f := shop(t, "dwarf5")
	sell, _ := f.Symbol("sell")
	f.Frames(sell.Addr + 23)
	if n := testing.AllocsPerRun(100, func() { f.Frames(sell.Addr + 23) }); n > 12 {
		t.Errorf("%v allocations for an address whose unit is known", n)
	}
}
