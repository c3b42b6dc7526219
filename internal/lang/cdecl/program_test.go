package cdecl

import (
	"slices"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/ctree"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// program reads C functions beside a kernel that has struct task.
func program(text string) ([]*types.CFunc, *diag.Reporter) {
	rep := diag.NewReporter(new(diag.Sources))
	pid := types.Field{Name: "pid", Type: types.IntType(4, true), Offset: 100}
	task := &types.Type{Kind: types.Struct, Size: 128, S: &types.StructType{Name: "struct task", Size: 128}}
	parent := types.Field{Name: "parent", Type: types.PointerTo(task, types.SpaceNone), Offset: 64}
	task.S.Load = func() []types.Field { return []types.Field{parent, pid} }
	return ReadProgram("x.bpf.c", text, Options{Lookup: func(name string) (*types.Type, bool) {
		return task, name == "struct task"
	}}, rep), rep
}

// returned is what a function of one statement returns.
func returned(t *testing.T, text string) ctree.Expr {
	t.Helper()
	funcs, rep := program(text)
	if got := messages(rep); got != "" {
		t.Fatalf("%s in\n%s", got, text)
	}
	body := funcs[len(funcs)-1].Code.Body.Stmts
	return body[len(body)-1].(*ctree.Return).X
}

// TestMembersAreWhereTheKernelHasThem: of its own structs, of the text's ideas of them, and none
// that it doesn't have.
func TestMembersAreWhereTheKernelHasThem(t *testing.T) {
	for _, c := range []struct {
		text string
		off  int64
	}{
		{"int f(struct task *t) { return t->pid; }", 100},
		{"int f(struct task *t) { return t->parent->parent->pid; }", 100},
		{"struct task___x { int pid; } __attribute__((preserve_access_index)); int f(struct task___x *t) { return t->pid; }", 100},
		{"struct task { int a, pid; }; int f(struct task *t) { return t->pid; }", 4},
	} {
		m, ok := returned(t, c.text).(*ctree.Member)
		if !ok || m.Off != c.off {
			t.Errorf("%#v, not at %d, in\n%s", m, c.off, c.text)
		}
	}
	for _, text := range []string{
		"struct task { int none; } __attribute__((preserve_access_index)); int f(struct task *t) { return t->none; }",
		"#include <bpf/bpf_core_read.h>\nint g(struct task *t) { return bpf_core_field_exists(t->none); }\nlong f(struct task *t) { return t->none; }",
	} {
		if x, ok := returned(t, text).(*ctree.Absent); !ok {
			t.Errorf("%#v in\n%s", x, text)
		}
	}
}

// TestFunctionsHaveTheirAttributes reads what specifiers and attributes say.
func TestFunctionsHaveTheirAttributes(t *testing.T) {
	funcs, rep := program(`#include <bpf/bpf_helpers.h>
extern int bpf_kernel(int x) __ksym __weak;
static __always_inline int a(int x) { return x; }
static inline int b(int x) { return a(x) + a(x); }
__attribute__((noinline)) int c(int x, const char *s) { return b(x) + (bpf_kernel ? bpf_kernel(x) : 0) + bpf_ktime_get_ns(); }
`)
	if got := messages(rep); got != "" {
		t.Fatal(got)
	}
	var inline []ctree.Inlining
	for _, f := range funcs {
		inline = append(inline, f.Code.Inline)
	}
	if want := []ctree.Inlining{ctree.AlwaysInline, ctree.WantsInline, ctree.NeverInline}; !slices.Equal(inline, want) {
		t.Errorf("inlining %v, not %v", inline, want)
	}
	if a, c := funcs[0], funcs[2]; a.Code.Uses != 2 || !a.Code.Static || c.Code.Static || c.Params[1].Kind != types.Pointer {
		t.Errorf("%+v, %+v", a.Code, c.Params[1])
	}
	seen := map[string]bool{}
	ctree.Inspect(funcs[2].Code.Body, func(n any) {
		if call, ok := n.(*ctree.Call); ok {
			seen[call.Func.Name] = call.Func.Kernel && call.Func.Weak || call.Func.Helper == 5
		}
	})
	if !seen["bpf_kernel"] || !seen["bpf_ktime_get_ns"] || seen["b"] {
		t.Errorf("%v", seen)
	}
}

// TestHeadersOfProgramsAreC: every header that stands for libbpf's is read without a word.
func TestHeadersOfProgramsAreC(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		for _, h := range []string{"bpf/bpf_helpers.h", "bpf/bpf_core_read.h", "bpf/bpf_tracing.h", "bpf/bpf_endian.h", "stdbool.h", "string.h", "stdint.h", "stddef.h", "vmlinux.h"} {
			rep := diag.NewReporter(new(diag.Sources))
			funcs := ReadProgram("x.bpf.c", "#include <"+h+">\n#include <"+h+">\nint f(void) { return 1; }\n", Options{Arch: arch}, rep)
			if got := messages(rep); got != "" || len(funcs) != 1 {
				t.Errorf("%s, %s: %s", arch, h, got)
			}
		}
	}
}

// TestMistakesInFunctions: the message and its place, "line:column code: message".
func TestMistakesInFunctions(t *testing.T) {
	for text, want := range map[string]string{
		"int f(int n) { return g(n); }":                                             "1:23 E0254: unknown function `g`",
		"int f(int n) { return\n x; }":                                              "2:2 E0233: unknown name `x`",
		"int f(int n) { switch (n) { case 1: case 0 ... 3: return 1; } return 2; }": "1:37 E0238: this case stands twice in the switch",
		"int f(int n) { const int k = n; k++; return k; }":                          "1:33 E0233: `k` is const",
		"int f(int *p) { return p; }":                                               "1:24 E0234: a pointer isn't a number: a cast makes it one",
		"int f(void) { double d = 0; return d; }":                                   "1:22 E0270: BPF has no floating-point numbers",
		"struct s { int a : 3; }; int *f(struct s *s) { return &s->a; }":            "1:55 E0233: a bit-field has no address",
		"int f(int n) { asm volatile(\"r0 = 1\"); return n; }":                      "1:16 E0235: assembly isn't supported",
		"int f(_Atomic int n) { return n; }":                                        "1:7 E0235: `_Atomic` isn't supported",
		"int f(struct task *t) { struct task x = { 0, 1 }; return x.pid; }":         "1:43 E0233: the members of a struct of the kernel are set by their names: `.name = …`",
		"int f(const int *p) { *p = 3; return 0; }":                                 "1:23 E0233: this is const",
		"struct s { const int k; }; int f(struct s *s) { return s->k++; }":          "1:56 E0233: this is const",
		"int f(int n) { return n; } int f(int m) { return m; }":                     "1:32 E0238: `f` is defined twice",
		"int f(int n) { int a;\n  int a; return n; }":                               "2:7 E0238: `a` is declared twice",
		"static int *p = &p[1]; int f(void) { return *p; }":                         "1:17 E0233: the first value of what lives on has to be a constant number",
	} {
		_, rep := program(text)
		if got := messages(rep); got != "x.bpf.c:"+want {
			t.Errorf("%s\nnot %s in\n%s", got, want, text)
		}
	}
}

// TestPointersToConstAreNotConst: only what they lead to is.
func TestPointersToConstAreNotConst(t *testing.T) {
	for _, text := range []string{
		"int f(const int *p) { const int *w[2]; w[0] = p; *(w + 1) = p; const int **q = w; *q = p; p++; return *p; }",
		"struct s { const char *n; }; int f(struct s *s) { s->n = \"a\"; s->n++; return *s->n; }",
	} {
		if _, rep := program(text); rep.Failed() {
			t.Errorf("%s in\n%s", messages(rep), text)
		}
	}
}

// TestUnknownHelpersNameTheirHeader as a note.
func TestUnknownHelpersNameTheirHeader(t *testing.T) {
	_, rep := program("long f(void) { return bpf_ktime_get_ns(); }")
	if all := rep.All(); len(all) != 1 || len(all[0].Notes) != 1 || !strings.Contains(all[0].Notes[0].Msg, "<bpf/bpf_helpers.h>") {
		t.Errorf("%+v", all)
	}
}

// TestTentativeDefinitionsAreOneVariable, whichever of them a function saw.
func TestTentativeDefinitionsAreOneVariable(t *testing.T) {
	funcs, rep := program("static int x; int a(void) { return x; } static int x = 5; int b(void) { return x; } static int x; int c(void) { return x; }")
	if got := messages(rep); got != "" {
		t.Fatal(got)
	}
	seen := map[*ctree.Var]bool{}
	for _, f := range funcs {
		ctree.Inspect(f.Code.Body, func(n any) {
			if v, ok := n.(*ctree.VarRef); ok {
				seen[v.Var] = true
			}
		})
	}
	if len(seen) != 1 {
		t.Errorf("%d variables", len(seen))
	}
}

// TestFunctionsThatEndWithoutAValue are warned of; bodies of int f(int n).
func TestFunctionsThatEndWithoutAValue(t *testing.T) {
	for body, want := range map[string]bool{
		"if (n) return 1;":                                                   true,
		"if (n) return 1; else return 2;":                                    false,
		"while (n) return 1;":                                                true,
		"while (1) { if (n) break; }":                                        true,
		"for (;;) { if (n) return 1; }":                                      false,
		"do { if (n) continue; return 1; } while (0);":                       true,
		"do { return 1; } while (n);":                                        false,
		"switch (n) { case 1: return 1; }":                                   true,
		"switch (n) { case 1: return 1; default: return 2; }":                false,
		"switch (n) { case 1: break; default: return 2; }":                   true,
		"switch (n) { default: for (;;) { switch (n) { case 1: break; } } }": false,
		"goto end; end: return n;":                                           false,
		"if (n) goto end; return 1; end: n++;":                               true,
		"return 1; end: return n; goto end;":                                 false,
		"if (n) return 1; __builtin_unreachable();":                          false,
		"if (0) n++; else return 1;":                                         false,
	} {
		_, rep := program("int f(int n) { " + body + " }")
		warned := false
		for _, d := range rep.All() {
			warned = warned || d.Code == diag.CodeCNoReturn
		}
		if warned != want || rep.Failed() {
			t.Errorf("warned: %v, errors: %v, of\n%s", warned, rep.Failed(), body)
		}
	}
}
