package cdecl

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"modernc.org/cc/v4"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/types"
	"github.com/skep-bpf/skep/internal/testkit"
)

// read reads C text with no other files and a kernel that knows struct sock and u32.
func read(text string, opt Options) (*Scope, *diag.Reporter) {
	var sources diag.Sources
	rep := diag.NewReporter(&sources)
	if opt.Lookup == nil {
		opt.Lookup = func(name string) (*types.Type, bool) {
			switch name {
			case "struct sock":
				return &types.Type{Kind: types.Struct, Size: 760, S: types.NewStruct(name, 760, nil)}, true
			case "u32":
				return types.IntType(4, false), true
			}
			return nil, false
		}
	}
	r := NewReader(opt, rep)
	src := sources.Add("script", text)
	r.Text(src.Text, src.Base(), ".")
	return r.Scope(), rep
}

func messages(rep *diag.Reporter) string {
	var out []string
	for _, d := range rep.All() {
		place := "-"
		if f, at, _ := rep.Sources.Resolve(d.Span.Start); f != nil {
			line, col := f.LineCol(at)
			place = fmt.Sprintf("%s:%d:%d", f.Name, line, col)
		}
		out = append(out, fmt.Sprintf("%s %s: %s", place, d.Code, d.Msg))
	}
	return strings.Join(out, "\n")
}

// TestLayout compares sizes and offsets with testdata/layout.txt, which agrees with what
// clang -fdump-record-layouts tells of layout.h on amd64.
func TestLayout(t *testing.T) {
	text, err := os.ReadFile("testdata/layout.h")
	if err != nil {
		t.Fatal(err)
	}
	s, rep := read(string(text), Options{})
	if got := messages(rep); got != "" {
		t.Fatal(got)
	}
	var b strings.Builder
	for _, name := range definedTypes(s) {
		typ, ok := s.Type(name)
		if !ok {
			t.Fatalf("%s not found", name)
		}
		fmt.Fprintf(&b, "%s: %s, %d bytes\n", name, typ, typ.Size)
		if typ.Kind == types.Struct {
			showFields(&b, typ.S.Fields(), "\t")
		}
	}
	testkit.Golden(t, "testdata/layout.txt", []byte(b.String()))
}

// definedTypes are the types that the text itself defines, sorted.
func definedTypes(s *Scope) []string {
	var names []string
	for _, nodes := range s.ast.Scope.Nodes {
		for _, n := range nodes {
			switch n := n.(type) {
			case *cc.StructOrUnionSpecifier:
				names = append(names, n.StructOrUnion.Token.SrcStr()+" "+n.Token.SrcStr())
			case *cc.EnumSpecifier:
				names = append(names, "enum "+n.Token2.SrcStr())
			case *cc.Declarator:
				if n.IsTypename() && !isSystem(fileOf(n)) {
					names = append(names, n.Name())
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func showFields(b *strings.Builder, fields []types.Field, indent string) {
	for _, f := range fields {
		fmt.Fprintf(b, "%s%d", indent, f.Offset)
		if f.BitLen > 0 {
			fmt.Fprintf(b, ":%d-%d", f.BitOff, f.BitOff+f.BitLen-1)
		}
		fmt.Fprintf(b, " %s %s\n", f.Type, f.Name)
		if f.Name == "" {
			showFields(b, f.Type.S.Fields(), indent+"\t")
		}
	}
}

// The last member's semicolon may be missing.
func TestLastSemicolon(t *testing.T) {
	s, rep := read("struct s { struct { int m[1] } y; union { int n; char c } u; int b : 3 };", Options{})
	if got := messages(rep); got != "" {
		t.Fatal(got)
	}
	typ, ok := s.Type("struct s")
	if !ok || typ.Size != 12 || len(typ.S.Fields()) != 3 || typ.S.Fields()[2].BitLen != 3 {
		t.Errorf("struct s: %+v", typ)
	}
}

func TestSyscallNumbers(t *testing.T) {
	for arch, want := range map[string]string{"amd64": "59 59", "arm64": "221 221"} {
		s, rep := read("#include <syscall.h>\nenum { A = __NR_execve, B = SYS_execve };", Options{Arch: arch})
		a, _, _ := s.Enumerator("A")
		b, _, _ := s.Enumerator("B")
		if got := fmt.Sprint(a, b); got != want || messages(rep) != "" {
			t.Errorf("%s: %s, want %s %s", arch, got, want, messages(rep))
		}
	}
}

func TestEnumerators(t *testing.T) {
	s, _ := read("enum a { X, Y = 7, Z, N = -2, M }; enum { ANON = sizeof(long) * Y };", Options{})
	for name, want := range map[string]int64{"X": 0, "Y": 7, "Z": 8, "N": -2, "M": -1, "ANON": 56} {
		if v, _, ok := s.Enumerator(name); !ok || int64(v) != want {
			t.Errorf("%s is %d, %t; want %d", name, int64(v), ok, want)
		}
	}
	for name, want := range map[string]string{"X": "enum a", "M": "enum a", "IN": "enum in"} {
		s, _ := read("enum a { X, Y = 7, Z, N = -2, M }; struct s { enum in { IN } e; };", Options{})
		if _, typ, _ := s.Enumerator(name); typ.String() != want || len(typ.Enum.Values) == 0 {
			t.Errorf("%s is of %v, want %s", name, typ, want)
		}
	}
	if _, typ, _ := s.Enumerator("ANON"); typ.Enum == nil || typ.Enum.Values[0].Name != "ANON" {
		t.Errorf("ANON is of %v", typ)
	}
	if typ, _ := s.Type("enum a"); !typ.Signed || typ.Size != 4 || typ.String() != "enum a" {
		t.Errorf("enum a is %v, signed %t, %d bytes", typ, typ.Signed, typ.Size)
	}
}

func TestDefines(t *testing.T) {
	tests := []struct{ text, name, want string }{
		{"#define A 1", "A", "1"},
		{"#define A (1 + \\\n 2) // three", "A", "(1 +    2)"},
		{"#define A 1\n#undef A", "A", "none"},
		{"#define A $x", "A", "$x"},
		{"#define A(x) x", "A", "none"},
		{"#if 1 + 1 == 2 && !defined(B)\n#define A yes\n#else\n#define A no\n#endif", "A", "yes"},
		{"#define TWO(x) ((x) * 2)\n#if TWO(3) == 6\n#define A yes\n#endif", "A", "yes"},
		{"#if 0\n#if 1\n#define A no\n#endif\n#elif 1\n#define A yes\n#elif 1\n#define A no\n#endif", "A", "yes"},
		{"#ifdef BPFTRACE_HAVE_BTF\n#define A yes\n#endif", "A", "yes"},
		{"#include <linux/fcntl.h>", "O_DIRECTORY", "0200000"},
		{"#include <linux/errno.h>", "ENOENT", "2"},
		{"#include <linux/in.h>", "EINTR", "4"},
		{"#include <linux/sched.h>", "TASK_RUNNING", "0"},
		{"#include <linux/fs.h>", "DT_REG", "8"},
		{"#include <linux/ipv6.h>", "ICMPV6_ECHO_REQUEST", "128"},
		{"#include <linux/types.h>", "ENOENT", "none"},
	}
	for _, tt := range tests {
		s, rep := read(tt.text, Options{HaveBTF: true})
		got := "none"
		if d, ok := s.Macro(tt.name); ok {
			got = d.Text
		}
		if rep.Failed() || got != tt.want {
			t.Errorf("%q: %s is %q, want %q; %s", tt.text, tt.name, got, tt.want, messages(rep))
		}
	}
}

func TestConstants(t *testing.T) {
	s, _ := read("enum { E = 4 };\n#define N (E + 1)\n#define S \"a\\n\"\n#define T struct x", Options{})
	var defs types.CDefs = s
	if c, ok := defs.Define("N"); !ok || c.Int != 5 {
		t.Errorf("N is %v, %t", c, ok)
	}
	if c, ok := defs.Define("S"); !ok || c.Str != "a\n" {
		t.Errorf("S is %v, %t", c, ok)
	}
	if _, ok := defs.Define("T"); ok {
		t.Error("T has a value")
	}
}

func TestDefinePosition(t *testing.T) {
	const text = "#define  SUM  ( 1 \\\n + x )\n"
	s, _ := read(text, Options{})
	d, _ := s.Macro("SUM")
	at := int(d.Pos) - 1 // the first source begins at position 1
	if text[at] != '(' || d.Text[strings.Index(d.Text, "x")] != text[at+strings.Index(d.Text, "x")] {
		t.Errorf("text %q doesn't fit the source at %d", d.Text, at)
	}
}

func TestArch(t *testing.T) {
	s, _ := read("#include <fcntl.h>", Options{Arch: "arm64"})
	if d, _ := s.Macro("O_DIRECTORY"); d.Text != "040000" {
		t.Errorf("O_DIRECTORY is %s on arm64", d.Text)
	}
}

func TestHeaders(t *testing.T) {
	files := map[string]string{
		"a.h":     "#pragma once\n#include \"sub/b.h\"\nstruct a { struct b b; };",
		"sub/b.h": "#include \"../a.h\"\nstruct b { int x; };",
		"inc/c.h": "struct c { char c[9]; };",
	}
	readFile := func(path string) ([]byte, error) {
		if text, ok := files[path]; ok {
			return []byte(text), nil
		}
		return nil, errors.New("no such file")
	}
	s, rep := read("#include \"a.h\"\n#include <c.h>\n#include <linux/sched.h>", Options{ReadFile: readFile, Dirs: []string{"inc"}})
	if got := messages(rep); got != "" {
		t.Fatal(got)
	}
	for name, size := range map[string]uint32{"struct a": 4, "struct b": 4, "struct c": 9} {
		if typ, ok := s.Type(name); !ok || typ.Size != size {
			t.Errorf("%s: %v, %t", name, typ, ok)
		}
	}
}

func TestKernelTypes(t *testing.T) {
	s, rep := read("struct mine { struct sock sk; u32 n; struct nowhere *p; u64 old; }; struct sock2 { struct mine *m; };", Options{})
	typ, _ := s.Type("struct mine")
	if rep.Failed() || typ.Size != 760+8+8+8 {
		t.Errorf("struct mine has %d bytes; %s", typ.Size, messages(rep))
	}
}

func TestErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{"struct s { foo_t x; };", "script:1:12 E0234: unknown type `foo_t`"},
		{"struct s { chhar x[4]; };", "script:1:12 E0234: unknown type `chhar`"},
		{"struct s { struct none x; };", "script:1:24 E0234: member `x` has the incomplete type `struct none`"},
		{"struct s { int x int y; };", "script:1:18 E0233: expected `;`, found `int`"},
		{"struct s { int; int x; };", "script:1:12 E0233: expected a member's name"},
		{"struct s { enum { A }; int x; };", "script:1:12 E0233: expected a member's name"},
		{"struct s { struct t { int a; }; };", "script:1:12 E0233: expected a member's name"},
		{"struct s { int v __attribute__((vector_size(16))); };", "script:1:33 E0235: " + vectorMember},
		{"typedef int v4 __attribute__((vector_size(16)));\nstruct s { v4 v; };", "script:2:15 E0235: " + vectorMember},
		{"struct s { struct { enum { A } a; int b; }; union u { int x; } w; };", ""},
		{"struct s { int *; };", "script:1:17 E0233: expected type qualifier, found `;`"},
		{"enum", "script:1:1 E0233: expected enum specifier, found `enum`"},
		{"struct s { int x;", "script:1:10 E0233: `{` is never closed"},
		{"struct s { int x; }; }", "script:1:22 E0233: unexpected `}`"},
		{"#define OPEN {\nstruct s OPEN int x;", "script:1:1 E0233: `{` is never closed, after macros are expanded"},
		{"struct s { int x : 40; };", "script:1:16 E0233: width 40 doesn't fit the bit-field's type"},
		{"struct s { int x[N]; };", "script:1:18 E0233: unknown name `N` in a constant expression"},
		{"struct s { int x[1/0]; };", "script:1:18 E0233: the length of the array isn't a constant"},
		{"struct s { int a; };\nstruct s { int b; };", "script:2:8 E0238: `struct s` is defined twice, differently"},
		{"#if 1", "script:1:2 E0230: `#if` without `#endif`"},
		{"#endif", "script:1:1 E0230: `#endif` without `#if`"},
		{"#if " + strings.Repeat("(", 1<<18) + "1\n#endif", "script:1:505 E0120: nested too deeply: more than 500 levels"},
		{"struct s { int " + strings.Repeat("*", 1<<18) + "x; };", "script:1:16400 E0120: more than 16384 operators in a row"},
		{"enum e { A = " + strings.Repeat("!", 1<<18) + "1 };", "script:1:16397 E0120: more than 16384 operators in a row"},
		{strings.Repeat("#define A -1\n#undef A\n", 1<<15) + "struct s { int x; };", ""},
		{"struct s { int " + strings.Repeat("(", 1<<18) + "*x; };", "script:1:515 E0120: nested too deeply: more than 500 levels"},
		{"#frob", "script:1:2 E0230: unknown directive `#frob`"},
		{"#error not here", "script:1:2 E0231: #error not here"},
		{"#include \"nope.h\"", "script:1:10 E0232: 'nope.h' file not found"},
		{"#include nope", "script:1:10 E0230: `#include` takes \"file\" or <file>"},
		{"#if (\n#endif", "script:1:5 E0230: unbalanced parenthesis"},
		{"#define F(a) a\nstruct s { int F(x, y); };", "script:2:22 E0233: too many macro arguments"},
		{"#define A 1\n#define A 2", "script:2:9 W0203: `A` is defined again"},
	}
	for _, tt := range tests {
		if _, rep := read(tt.text, Options{}); messages(rep) != tt.want {
			t.Errorf("%q gives\n%s\nwant\n%s", tt.text, messages(rep), tt.want)
		}
	}
}

// FuzzText: no C text makes the reader panic or hang.
func FuzzText(f *testing.F) {
	text, err := os.ReadFile("testdata/layout.h")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	for _, s := range []string{"#define A(x) x A", "struct {", "#if defined(", "enum e { A = (", "typedef int (*f[3])(void);", "int x[["} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { read(text, Options{}) })
}

// A misspelt directive is told by what it may have been meant to be.
func TestDirectiveHints(t *testing.T) {
	_, rep := read("#inlcude <x.h>\n", Options{})
	if d := rep.All()[0]; d.Fix == nil || d.Fix.Text != "include" {
		t.Errorf("fix is %+v", d.Fix)
	}
}
