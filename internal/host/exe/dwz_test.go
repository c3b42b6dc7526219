package exe

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/testkit"
)

// dwzSources are two units that have types and an inlined function in common, and call each
// other, so that each has a declaration of the other's function.
var dwzSources = map[string]string{
	"common.h": `struct point { int x; long y; const char *name; };
enum color { RED, GREEN = 7 };
typedef struct point point_t;
struct wide { struct point a[4]; enum color c; union { int i; float f; } u; struct wide *next; };
static inline __attribute__((always_inline)) int add(struct point *p) { __asm__ volatile("nop"); return p->x + (int)p->y; }
`,
	"a.c": `#include "common.h"
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
int other(struct wide *w, point_t *q);
__attribute__((noinline)) int visit(struct point *p, enum color c) {
	return add(p) + c;
}
int main(void) { struct wide w = {}; return visit(&w.a[0], GREEN) + other(&w, &w.a[1]); }
`,
	"b.c": `#include "common.h"
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
int visit(struct point *p, enum color c);
__attribute__((noinline)) int other(struct wide *w, point_t *q) { return visit(&w->a[1], RED) + add(q); }
`,
}

// TestDwz: what dwz makes of a binary tells what it told before, whether it's compressed
// by itself or has another file for what several have in common, and in a separate debug file.
func TestDwz(t *testing.T) {
	testkit.Need(t, testkit.Program("gcc"), testkit.Program("objcopy"), testkit.Program("dwz"))
	dir := t.TempDir()
	for name, text := range dwzSources {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	command(t, dir, "gcc", "-g", "-O1", "-o", "plain", "a.c", "b.c")
	for _, name := range []string{"alone", "one", "two"} {
		command(t, dir, "cp", "plain", name)
	}
	command(t, dir, "dwz", "alone")
	command(t, dir, "dwz", "-m", "common.dwz", "one", "two")
	command(t, dir, "objcopy", "--only-keep-debug", "one", "stripped.debug")
	command(t, dir, "objcopy", "--strip-debug", "--remove-section=.gnu_debugaltlink", "--add-gnu-debuglink=stripped.debug", "one", "stripped")

	files := NewFiles(os.DirFS("/"))
	t.Cleanup(func() { files.Close() })
	told := func(name string) string {
		f, err := files.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, name := range []string{"visit", "other"} {
			p, ok, err := f.Func(name)
			if !ok || err != nil {
				t.Fatalf("%s of %s: %t, %v", name, f.Path, ok, err)
			}
			fmt.Fprintf(&b, "%s %s:", CName(p.Result), name)
			for _, param := range p.Params {
				fmt.Fprintf(&b, " %s %s %v", CName(param.Type), param.Name, param.Type)
			}
			sym, _ := f.Symbol(name)
			for off := range sym.Size {
				fmt.Fprintf(&b, "\n%d %s", off, short(f.Frames(sym.Addr+off)))
			}
			b.WriteByte('\n')
		}
		return b.String()
	}
	want := told("plain")
	for _, part := range []string{"struct point* p", "enum color c", "struct wide* w", "point_t* q", "add:5 :7"} {
		if !strings.Contains(want, part) {
			t.Fatalf("%q isn't in what the compiler's own says:\n%s", part, want)
		}
	}
	for _, name := range []string{"alone", "one", "stripped"} {
		testkit.Equal(t, name, want, told(name))
	}
	if one, err := files.Open(filepath.Join(dir, "one")); err != nil || one.ELF.Section(".gnu_debugaltlink") == nil {
		t.Errorf("dwz took nothing out: %v", err)
	}

	// A file without what was taken out knows nothing of types, and doesn't make them up.
	if err := os.Rename(filepath.Join(dir, "common.dwz"), filepath.Join(dir, "gone.dwz")); err != nil {
		t.Fatal(err)
	}
	again := NewFiles(os.DirFS("/"))
	t.Cleanup(func() { again.Close() })
	f, err := again.Open(filepath.Join(dir, "two"))
	if err != nil {
		t.Fatal(err)
	}
	if p, ok, err := f.Func("visit"); ok || err == nil || !strings.Contains(err.Error(), "common.dwz") {
		t.Errorf("visit without its types: %+v, %t, %v", p, ok, err)
	}
}
