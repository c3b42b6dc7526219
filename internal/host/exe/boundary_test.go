package exe

import (
	"os"
	"runtime"
	"testing"
)

// The places between instructions of a function of this very program.
func TestBoundary(t *testing.T) {
	files := NewFiles(os.DirFS("/"))
	t.Cleanup(func() { files.Close() })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file, err := files.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	fn, ok := file.Symbol("testing.tRunner")
	if !ok {
		t.Fatal("no symbol testing.tRunner")
	}
	last, inside := uint64(0), 0
	for off := range min(fn.Size, 200) {
		begins, before, err := file.Boundary(fn, off)
		switch {
		case err != nil:
			t.Fatal(err)
		case begins:
			last = off
		default:
			inside++
		}
		if before != last {
			t.Errorf("+%d lies in the instruction at +%d, not +%d", off, last, before)
		}
	}
	if inside == 0 || runtime.GOARCH == "arm64" && inside != 150 {
		t.Errorf("%d places lie within instructions", inside)
	}
	if _, _, err := file.Boundary(fn, fn.Size); err == nil {
		t.Error("no error behind the end")
	}
	if _, _, err := file.Boundary(Symbol{Name: "x", Addr: fn.Addr}, 1); err == nil {
		t.Error("no error for a symbol without a size")
	}
}
