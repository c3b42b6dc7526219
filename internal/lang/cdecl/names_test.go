package cdecl

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestNeeds(t *testing.T) {
	for _, c := range []struct{ text, tags, types, values, macros string }{
		{"struct s { u32 a; const u64 *b; u8 c:3; int d; };", "", "u32 u64 u8", "", ""},
		{"struct s { struct sock *p; struct list l; enum e k; union u v[2]; };", "struct list, enum e, union u", "", "", ""},
		{"struct a; struct b { struct a *x; struct c { int y; } z; struct c w; };", "", "", "", ""},
		{"typedef u32 mine; struct s { mine m; };", "", "u32", "", ""},
		{"typedef int (*fn)(foo_t, bar_t *b); struct s { fn f; };", "", "foo_t bar_t", "", ""},
		{"enum { A, B = C + sizeof(D), E }; struct s { char x[B + N]; };", "", "", "C D N", ""},
		{"struct s { foo_t (*f)(void); __u64 __attribute__((aligned(8))) t; };", "", "foo_t __u64", "", ""},
		{"struct s { int a : W; int b[LEN(2)]; DECLARE(x, 3); };", "", "", "W x", "LEN DECLARE"},
		{"struct s { int a __attribute__((aligned(ALIGN), packed)); };", "", "", "ALIGN", ""},
		{"static inline foo_t f(bar_t *p, int n) { u32 x; baz_t *q = g(n * y); return (quux)n; }", "", "foo_t bar_t u32", "baz_t n q quux x y", ""},
		{"int x __attribute__((section(\".data\"))); extern u8 f(void) __asm__(\"g\");", "", "u8", "", ""},
		{"struct s { int a; } __attribute__((packed)) ; struct t { struct s s; } x = { A };", "", "", "A", ""},
	} {
		n := findNeeds(c.text, false)
		slices.Sort(n.values)
		got := fmt.Sprintf("%s | %s | %s | %s", strings.Join(n.tags, ", "), strings.Join(n.types, " "), strings.Join(n.values, " "), strings.Join(n.macros, " "))
		want := fmt.Sprintf("%s | %s | %s | %s", c.tags, c.types, c.values, c.macros)
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, want)
		}
	}
}

// What the front end would lay out otherwise than C is put right or refused.
func TestMisfits(t *testing.T) {
	s, rep := read("struct s { ; int a;; /* x */ ; char b; };\nenum e { A, B = 300 } __attribute__((packed));\n"+
		"typedef enum { C = -1 } __attribute__((__packed__)) f;\nstruct p { char c; enum e e; f f; };", Options{})
	if got := messages(rep); got != "" {
		t.Fatal(got)
	}
	for name, want := range map[string]uint32{"struct s": 8, "enum e": 2, "f": 1, "struct p": 6} {
		if typ, ok := s.Type(name); !ok || typ.Size != want {
			t.Errorf("%s has %d bytes, want %d", name, typ.Size, want)
		}
	}
	_, rep = read("#define F(n) int n;\nstruct s { F(a); char b; };", Options{})
	if got, want := messages(rep), "script:1:1 E0235: a macro makes an empty member or one without a name in `struct s`, which isn't supported"; got != want {
		t.Errorf("got %s", got)
	}
}
