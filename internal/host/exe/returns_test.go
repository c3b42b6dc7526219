package exe

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/skep-bpf/skep/internal/testkit"
)

func TestInstructionLengths(t *testing.T) {
	for _, tt := range []struct {
		name string
		code []byte
		n    int
		ret  bool
	}{
		{"ret", []byte{0xc3}, 1, true},
		{"ret 8", []byte{0xc2, 8, 0}, 3, true},
		{"mov $0xc3,%eax", []byte{0xb8, 0xc3, 0, 0, 0}, 5, false},
		{"vzeroupper", []byte{0xc5, 0xf8, 0x77, 0xc3, 0xc3}, 3, false},
		{"vmovdqu (%rsi),%ymm0", []byte{0xc5, 0xfe, 0x6f, 0x06, 0xc3}, 4, false},
		{"vmovdqu 0x20(%rsi),%ymm1", []byte{0xc5, 0xfe, 0x6f, 0x4e, 0x20, 0xc3}, 5, false},
		{"vmovdqu 0x0(%rip),%ymm0", []byte{0xc5, 0xfe, 0x6f, 0x05, 0, 0, 0, 0, 0xc3}, 8, false},
		{"vmovdqu -0x40(%rsi,%rbx,1),%ymm2", []byte{0xc5, 0xfe, 0x6f, 0x54, 0x1e, 0xc0, 0xc3}, 6, false},
		{"andn %rax,%rbx,%rcx", []byte{0xc4, 0xe2, 0xe0, 0xf2, 0xc8, 0xc3}, 5, false},
		{"rorx $3,%rax,%rbx", []byte{0xc4, 0xe3, 0xfb, 0xf0, 0xd8, 0x03, 0xc3}, 6, false},
		{"vpshufd $1,%ymm0,%ymm1", []byte{0xc5, 0xfd, 0x70, 0xc8, 0x01, 0xc3}, 5, false},
		{"vmovdqu64 0x40(%rsi),%zmm0", []byte{0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x46, 0x01, 0xc3}, 7, false},
		{"cut", []byte{0xc5, 0xfe, 0x6f, 0x05, 0}, 0, false},
	} {
		if n, ret := x86Insn(tt.code); n != tt.n || ret != tt.ret {
			t.Errorf("%s: length %d, return %v; want %d, %v", tt.name, n, ret, tt.n, tt.ret)
		}
	}
	if n, ret := arm64Insn([]byte{0xc0, 0x03, 0x5f, 0xd6}); n != 4 || !ret {
		t.Errorf("arm64 ret: %d, %v", n, ret)
	}
	if n, ret := arm64Insn([]byte{0x1f, 0x20, 0x03, 0xd5}); n != 4 || ret {
		t.Errorf("arm64 nop: %d, %v", n, ret)
	}
}

const manyReturns = `package main

import "os"

func main() { os.Exit(choose(len(os.Args))) }

//go:noinline
func choose(n int) int {
	switch {
	case n < 10:
		return n
	case n < 20:
		return os.Getpid()
	}
	return len(os.Getenv("HOME"))
}
`

// Every function of a real program, for both architectures and for CPUs with AVX, is walked
// to its end.
func TestReturns(t *testing.T) {
	testkit.Need(t, testkit.Program("go"))
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte(manyReturns), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CGO_ENABLED", "0")
	t.Setenv("GOOS", "linux")
	files := NewFiles(os.DirFS(dir))
	defer files.Close()
	for _, arch := range []string{"amd64", "arm64"} {
		t.Setenv("GOARCH", arch)
		command(t, dir, "go", "build", "-o", arch, "p.go")
		f, err := files.Open("/" + arch)
		if err != nil {
			t.Fatal(err)
		}
		choose, ok := f.Symbol("main.choose")
		if !ok {
			t.Fatal("no main.choose")
		}
		rets, err := f.Returns(choose)
		if err != nil || len(rets) != 3 || !slices.IsSorted(rets) {
			t.Errorf("%s: main.choose returns at %#x, %v; want 3 places", arch, rets, err)
		}
		unknown, all := 0, 0
		f.Funcs(func(s Symbol) bool {
			if s.Size > 0 {
				all++
				if _, err := f.Returns(s); err != nil {
					unknown++
					t.Log(err)
				}
			}
			return true
		})
		if all < 1000 || unknown > 0 {
			t.Errorf("%s: %d of %d functions can't be disassembled", arch, unknown, all)
		}
	}
	if _, err := files.open["/amd64"].Returns(Symbol{Name: "nothing", Addr: 0x401000}); err == nil {
		t.Error("a function without a size was disassembled")
	}
}
