package cdecl

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// machineFiles is a machine with a kernel's build tree and the C library's headers.
func machineFiles(files map[string]string) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		if text, ok := files[path]; ok {
			return []byte(text), nil
		}
		return nil, os.ErrNotExist
	}
}

var headersOfMachine = map[string]string{
	"/lib/modules/6.1.0/build/include/linux/kconfig.h":       "#define CONFIG_X 1\n",
	"/lib/modules/6.1.0/build/include/linux/fs.h":            "#include <linux/bits.h>\n#ifdef __KERNEL__\n#define SB_RDONLY BIT(0)\n#define SB_NAME \"fs\"\n#ifdef CONFIG_X\n#define SB_SIZED (sizeof(struct sock) + TASK_COMM_LEN)\n#endif\n#endif\nstatic inline unreadable @ $;\n",
	"/lib/modules/6.1.0/build/include/uapi/linux/bits.h":     "#define BIT(n) (1UL << (n))\n",
	"/lib/modules/6.1.0/build/arch/x86/include/asm/broken.h": "#include <no/such.h>\n#define HIDDEN 1\n",
	"/usr/include/linux/fs.h":                                "#define SB_RDONLY 7\n#define FS_IOC_X _IO('f', 3)\n#define _IO(a, n) (((a) << 8) | (n))\nstruct only_here { int a[2]; };\nenum { ONLY_ENUM = 77 };\n#define FS_LEN(n) ((n) * 4)\n",
}

func kernelOptions(files map[string]string) Options {
	return Options{
		ReadFile: machineFiles(files), Release: "6.1.0",
		Enumerator: func(name string) (uint64, *types.Type, bool) {
			return 16, types.IntType(4, true), name == "TASK_COMM_LEN"
		},
	}
}

func TestKernelConstants(t *testing.T) {
	s, rep := read("#include <asm/broken.h>\n#include <linux/fs.h>\n", kernelOptions(headersOfMachine))
	if got := messages(rep); got != "" {
		t.Fatal(got)
	}
	for name, want := range map[string]uint64{
		"SB_RDONLY": 1, // the kernel's own come first
		"SB_SIZED":  776, "FS_IOC_X": 'f'<<8 | 3, "ONLY_ENUM": 77,
	} {
		if c, ok := s.Define(name); !ok || c.Int != want || c.IsStr {
			t.Errorf("%s is %+v, want %d", name, c, want)
		}
	}
	if c, ok := s.Define("SB_NAME"); !ok || c.Str != "fs" {
		t.Errorf("SB_NAME is %+v", c)
	}
	for _, name := range []string{"HIDDEN", "BIT", "NOTHING"} {
		if c, ok := s.Define(name); ok {
			t.Errorf("%s is %+v", name, c)
		}
	}
	if typ, ok := s.Late("struct only_here"); !ok || typ.Size != 8 {
		t.Errorf("struct only_here: %v", typ)
	}
	if got := messages(rep); got != "" {
		t.Error(got)
	}
}

// Headers elsewhere are looked for there, and not where the kernel's own are.
func TestKernelHeadersElsewhere(t *testing.T) {
	opt := kernelOptions(map[string]string{
		"/build/include/linux/fs.h":                        "#define SB_MADE 1\n",
		"/source/include/linux/fs.h":                       "#define SB_MADE 2\n",
		"/source/include/uapi/linux/mount.h":               "#define MS_GIVEN 3\n",
		"/lib/modules/6.1.0/build/include/linux/hidden.h":  "#define HIDDEN 4\n",
		"/lib/modules/6.1.0/source/include/linux/hidden.h": "#define HIDDEN 5\n",
	})
	opt.Headers = []string{"/build", "/source"}
	s, _ := read("#include <linux/fs.h>\n#include <linux/mount.h>\n#include <linux/hidden.h>\n", opt)
	for name, want := range map[string]uint64{"SB_MADE": 1, "MS_GIVEN": 3} {
		if c, ok := s.Define(name); !ok || c.Int != want {
			t.Errorf("%s is %+v, want %d", name, c, want)
		}
	}
	if c, ok := s.Define("HIDDEN"); ok {
		t.Errorf("HIDDEN is %+v", c)
	}
}

// Without any header there are BTF's types and the well-known constants, and a hint.
func TestNoKernelHeaders(t *testing.T) {
	s, rep := read("#include <linux/fs.h>\n#include <linux/version.h>\nstruct s { struct sock k; u32 n[TASK_COMM_LEN]; };\n"+
		"#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0)\n#define NEW 1\n#endif", kernelOptions(nil))
	if got := messages(rep); got != "" {
		t.Fatal(got)
	}
	if typ, ok := s.Type("struct s"); !ok || typ.Size != 760+64 {
		t.Errorf("struct s: %v", typ)
	}
	if _, ok := s.Macro("NEW"); !ok {
		t.Error("LINUX_VERSION_CODE isn't the kernel's")
	}
	if d, ok := s.Macro("O_CREAT"); !ok || d.Text != "0100" {
		t.Errorf("O_CREAT is %v", d)
	}
	for name, want := range map[string]string{
		"SB_RDONLY": "BTF has the types of linux/fs.h, linux/version.h, not the macros, and there are no headers in " +
			"/lib/modules/6.1.0/build or /usr/include: install them, or write `#define SB_RDONLY …` in the script",
		"lower": "",
	} {
		if got := s.Hint(name); got != want {
			t.Errorf("the hint for %s is %q", name, got)
		}
	}
}

// A text that needs a kernel header's macros, or types that BTF hasn't got, gets the header.
func TestInstalledHeaders(t *testing.T) {
	for _, text := range []string{
		"struct s { char a[FS_LEN(2)]; };",
		"enum { X = FS_LEN(1) };\nstruct s { int a[X / 2]; };",
		"struct s { struct only_here a; };",
	} {
		s, rep := read("#include <linux/fs.h>\n"+text, kernelOptions(headersOfMachine))
		if typ, ok := s.Type("struct s"); !ok || typ.Size != 8 || rep.Failed() {
			t.Errorf("%s: %v %s", text, typ, messages(rep))
		}
	}
}

// An error in a header is at its place there, and the notes lead to the script.
func TestIncludeChain(t *testing.T) {
	files := map[string]string{
		"lib/outer.h":  "// first line\n#include \"inner.h\"\n",
		"lib/inner.h":  "#pragma once\n\nstruct bad { foo_t x; };\n",
		"lib/broken.h": "struct broken { int a b; };\n",
		"lib/unused.h": "#include \"inner.h\"\n",
	}
	for _, c := range []struct{ text, want string }{
		{"#include <outer.h>", "lib/inner.h:3:14 E0234: unknown type `foo_t`\n\tlib/outer.h:2:1: included from here\n\tscript:1:1: included from here"},
		{"\n  # include \"broken.h\"", "lib/broken.h:1:23 E0233: expected `;`, found `b`\n\tscript:2:3: included from here"},
	} {
		_, rep := read(c.text, Options{ReadFile: machineFiles(files), Dirs: []string{"lib"}})
		if got := strings.Join(withNotes(rep), "\n"); got != c.want {
			t.Errorf("%s gives\n%s\nwant\n%s", c.text, got, c.want)
		}
	}
}

func withNotes(rep *diag.Reporter) (out []string) {
	for i, line := range strings.Split(messages(rep), "\n") {
		out = append(out, line)
		for _, n := range rep.All()[i].Notes {
			f, at, _ := rep.Sources.Resolve(n.Span.Start)
			row, col := f.LineCol(at)
			out = append(out, "\t"+f.Name+":"+strconv.Itoa(row)+":"+strconv.Itoa(col)+": "+n.Msg)
		}
	}
	return out
}
