package cdecl

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/lang/types"
	"github.com/skep-bpf/skep/internal/testkit"
)

// TestLayoutIsGccs compares sizes, offsets, bits and enumerators with those that a program
// compiled by gcc from the same text finds.
func TestLayoutIsGccs(t *testing.T) {
	testkit.Need(t, testkit.Program("gcc"))
	dir, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, text string }{
		{"layout", `#include "layout.h"`},
		{"abi", `#include "abi.h"`},
		{"twice", "#include \"abi.h\"\n#include \"abi.h\""},
	} {
		t.Run(c.name, func(t *testing.T) { compareWithGcc(t, c.text, dir) })
	}
}

// TestInstalledHeadersAreGccs does the same with headers of the machine.
func TestInstalledHeadersAreGccs(t *testing.T) {
	testkit.Need(t, testkit.Program("gcc"))
	for _, h := range []string{
		"netinet/in.h", "netdb.h", "sys/stat.h", "sys/socket.h", "pthread.h", "stdio.h", "time.h", "stdlib.h",
		"sys/inotify.h", "poll.h", "dirent.h", "termios.h", "sys/epoll.h", "sys/resource.h", "sys/statvfs.h", "utmpx.h", "aio.h",
	} {
		t.Run(h, func(t *testing.T) {
			testkit.Need(t, installed(h))
			compareWithGcc(t, "#include <"+h+">", ".")
		})
	}
}

// compareWithGcc compares the types that the text defines, in dir, where quoted headers are.
func compareWithGcc(t *testing.T, text, dir string) {
	s, rep := read(text+"\n", Options{ReadFile: os.ReadFile, Dirs: []string{dir}, Arch: runtime.GOARCH})
	if got := messages(rep); got != "" {
		t.Fatal(got)
	}
	var ours strings.Builder
	program := text + "\n#include <stdio.h>\n#include <string.h>\n" + bitsHelper + "int main(void) {\n"
	for _, name := range namesFor(s) {
		typ, ok := s.Type(name)
		if !ok || typ.Size == 0 && typ.Kind != types.Struct {
			continue
		}
		fmt.Fprintf(&ours, "%s %d\n", name, typ.Size)
		program += fmt.Sprintf("printf(\"%s %%zu\\n\", sizeof(%s));\n", name, name)
		switch typ.Kind {
		case types.Enum:
			for _, v := range typ.Enum.Values {
				fmt.Fprintf(&ours, "%s %d\n", v.Name, int64(v.Val))
				program += fmt.Sprintf("printf(\"%s %%lld\\n\", (long long)%s);\n", v.Name, v.Name)
			}
		case types.Struct:
			program += places(&ours, name, "", typ, 0)
		}
	}
	testkit.Equal(t, "the layout", runGcc(t, program+"}\n", dir), ours.String())
}

// namesFor are the names that the text itself defines; of those with two underscores the C library
// has some that it takes back.
func namesFor(s *Scope) []string {
	var out []string
	for _, name := range definedTypes(s) {
		if !strings.HasSuffix(name, " ") {
			out = append(out, name)
		}
	}
	return out
}

// bitsHelper prints the first set bit of some bytes, and how many there are.
const bitsHelper = `
static void bits(const char *name, const void *at, size_t size) {
	const unsigned char *p = at; long first = -1, n = 0;
	for (size_t i = 0; i < size * 8; i++)
		if (p[i / 8] >> i % 8 & 1) { if (first < 0) first = i; n++; }
	printf("%s %ld:%ld\n", name, first, n);
}
`

// places writes where the members of a struct are, and returns C that prints the same.
func places(ours *strings.Builder, name, path string, typ *types.Type, base uint32) (program string) {
	for _, f := range typ.S.Fields() {
		switch member := path + f.Name; {
		case f.Name == "":
			program += places(ours, name, path, f.Type, base+f.Offset)
		case f.BitLen > 0:
			fmt.Fprintf(ours, "%s.%s %d:%d\n", name, member, (base+f.Offset)*8+uint32(f.BitOff), f.BitLen)
			program += fmt.Sprintf("{ %s v; memset(&v, 0, sizeof v); v.%s = -1; bits(\"%s.%s\", &v, sizeof v); }\n", name, member, name, member)
		default:
			fmt.Fprintf(ours, "%s.%s %d %d\n", name, member, base+f.Offset, f.Type.Size)
			size := fmt.Sprintf("sizeof(((%s *)0)->%s)", name, member)
			if f.Type.Size == 0 {
				size = "(size_t)0" // a flexible array
			}
			program += fmt.Sprintf("printf(\"%s.%s %%zu %%zu\\n\", __builtin_offsetof(%s, %s), %s);\n", name, member, name, member, size)
			if f.Type.Kind == types.Struct && f.Type.S.Name == "" {
				program += places(ours, name, member+".", f.Type, base+f.Offset)
			}
		}
	}
	return program
}

// runGcc compiles and runs a program, and returns what it prints.
func runGcc(t *testing.T, program, dir string) string {
	t.Helper()
	tmp := t.TempDir()
	source := filepath.Join(tmp, "p.c")
	if err := os.WriteFile(source, []byte(program), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("gcc", "-std=gnu17", "-w", "-I", dir, "-o", filepath.Join(tmp, "p"), source).CombinedOutput()
	if err != nil {
		t.Fatalf("gcc: %v\n%s", err, out[:min(len(out), 2000)])
	}
	out, err = exec.Command(filepath.Join(tmp, "p")).CombinedOutput()
	if err != nil {
		t.Fatalf("run: %v\n%s", err, out)
	}
	return string(out)
}
