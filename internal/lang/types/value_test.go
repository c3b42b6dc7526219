package types

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// TestConsts: what is printed is known at compile time, in the type it has.
func TestConsts(t *testing.T) {
	tests := []struct{ expr, want string }{
		{"1 + 2", "3 int8"},
		{"5 - 10", "-5 int8"},
		{"-9223372036854775808", "-9223372036854775808 int64"},
		{"9223372036854775807 + 1", "9223372036854775808 uint64"},
		{"-1 * -200", "200 int16"},
		{"-7 / 2", "-3 int8"},
		{"-7 % 3", "-1 int8"},
		{"1 << 40", "1099511627776 int64"},
		{"-8 >> 1", "-4 int8"},
		{"~0", "18446744073709551615 uint64"},
		{"!5", "0 bool"},
		{"3 < 4 && -1 < 0", "1 bool"},
		{"18446744073709551615 > -1", "1 bool"},
		{`"ab" + "cd"`, `"abcd" string[5]`},
		{`"abc" < "abd"`, "1 bool"},
		{`"abc" + 1`, `"bc" string[3]`},
		{`"abc"[1]`, "98 int8"},
		{"(1, 2) == (1, 3)", "0 bool"},
		{"(uint8)300", "44 uint8"},
		{"(int8)200", "-56 int8"},
		{"(uint64)3 - (uint64)5", "-2 int64"},
		{"(uint32)7 / 2", "3 uint64"},
		{"(uint8)1 == 1", "1 bool"},
		{"bswap((uint16)0x1234)", "13330 uint16"},
		{"1 ? 5 : 6", "5 int8"},
		{"str(42)", `"42" string[3]`},
		{"sizeof(struct task_struct)", "64 int8"},
		{"sizeof(ntop(1))", "24 int8"},
		{`sizeof(strftime("%H", nsecs))`, "16 int8"},
		{"sizeof(cgroup_path(1))", "16 int8"},
		{"sizeof(kstack)", "1024 int16"},
		{"sizeof(kstack(3))", "32 int8"},
		{"sizeof(ustack)", "1032 int16"},
		{`0 ? (1,2) : "x"`, "- string[2]"},
		{`!0 ? (1,pid) : "x"`, "- (int8,uint32)"},
		{"offsetof(struct task_struct, hi)", "52 int8"},
		{"TASK_DEAD", "128 enum task_state"},
		{"kaddr(\"avenrun\")", "4096 uint64"},
		{"is_ptr(curtask)", "1 bool"},
		{`is_literal((1, ("a", pid)))`, "0 bool"},
		{`is_literal((a=1, b=("a", -1)))`, "1 bool"},
		{"{ 7 }", "7 int8"},
		{"pid + 1", "- uint64"},
		{"(uint64)5 / 0", "- uint64"},
	}
	for _, tt := range tests {
		r := check(t, "begin { print("+tt.expr+"); }", Options{})
		if r.rep.Failed() {
			t.Errorf("%s\n%s", tt.expr, r.messages())
			continue
		}
		arg := r.info.Units[0].Body.Stmts[0].(*syntax.ExprStmt).X.(*syntax.CallExpr).Args[0]
		typ := r.info.Types[arg.ID()]
		got := "-"
		if k := r.info.Consts[arg.ID()]; k != nil && k.IsStr {
			got = fmt.Sprintf("%q", k.Str)
		} else if k != nil {
			got = number(k, typ)
		}
		if got += " " + typ.String(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.expr, got, tt.want)
		}
	}
}

// TestParseFormat: "lit" for text, flags width prec mod verb and the numbers of arguments.
func TestParseFormat(t *testing.T) {
	tests := []struct {
		format string
		n      int
		want   string
	}{
		{"a%db%%c", 1, `"a" d=0 "b%c"`},
		{"%-8lld|%05x", 2, `-8lld=0 "|" 05x=1`},
		{"%+5.3s", 1, `+5.3s=0`},
		{"%*d %d", 3, `*0d=1 " " d=2`},
		{"%*d", 1, `d=0`},
		{"%rx%rh%r", 3, `rx=0 rh=1 r=2`},
		{"100%, 5% %z", 0, `"100%, 5%z"`},
		{"%hhx %jd", 2, `hhx=0 " " jd=1`},
	}
	for _, tt := range tests {
		f, problem := parseFormat(tt.format, tt.n)
		var parts []string
		for _, p := range f.Parts {
			parts = append(parts, showPart(p))
		}
		if got := strings.Join(parts, " ") + problem; got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.format, got, tt.want)
		}
	}
	for _, n := range []int{0, 2} {
		if _, problem := parseFormat("%d", n); problem == "" {
			t.Errorf("%%d takes %d arguments", n)
		}
	}
}

func showPart(p object.FormatPart) string {
	if p.Verb == 0 {
		return fmt.Sprintf("%q", p.Lit)
	}
	s := p.Flags
	switch {
	case p.StarWidth:
		s += fmt.Sprintf("*%d", p.Width)
	case p.Width >= 0:
		s += fmt.Sprint(p.Width)
	}
	if p.Prec >= 0 {
		s += fmt.Sprintf(".%d", p.Prec)
	}
	verb := string(p.Verb)
	if p.Verb == 'r' && p.Mod != "" {
		verb = ""
	}
	return fmt.Sprintf("%s%s%s=%d", s, p.Mod, verb, p.Arg)
}

// TestConfig: the environment goes before the script.
func TestConfig(t *testing.T) {
	script := `config = { BPFTRACE_MAX_STRLEN = 128; STACK_MODE = perf; license = "GPL v2"; print_maps_on_exit = 0;
	max_map_keys = 7; missing_probes = "WARN"; on_stack_limit = 64; cache_user_symbols = per_pid; }
begin { $k = kstack; $s = path; }`
	script = strings.Replace(script, " $s = path;", "", 1)
	info := check(t, script, Options{Environ: []string{"BPFTRACE_MAX_MAP_KEYS=9", "HOME=/", "BPFTRACE_PERF_RB_PAGES=0x10", "BPFTRACE_LOG_SIZE=1e6"}}).info
	got := fmt.Sprint(info.Config.MaxStrlen, info.StackMode, info.License, info.Config.PrintMapsOnExit, info.MaxMapKeys,
		info.Config.MissingProbes, info.OnStackLimit, info.Config.CacheUserSymbols, info.Config.PerfRBPages)
	if want := fmt.Sprint(128, object.StackPerf, "GPL v2", false, 9, "warn", 64, "PER_PID", 16); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	r := check(t, "begin { }", Options{Environ: []string{"BPFTRACE_MAX_STRLEN=many"}})
	if !strings.Contains(r.messages(), "BPFTRACE_MAX_STRLEN (from the environment): a number is needed") {
		t.Errorf("a wrong value in the environment gives %q", r.messages())
	}
}

// TestSpaces: where the pointer in $p points into.
func TestSpaces(t *testing.T) {
	tests := []struct {
		script string
		want   Space
	}{
		{"begin { $p = curtask; }", SpaceBTF},
		{"begin { $p = curtask.real_parent; }", SpaceBTF},
		{"begin { $p = curtask.other; }", SpaceKernel}, // through a union
		{"begin { @p = curtask; $p = @p; }", SpaceKernel},
		{"begin { $p = (struct task_struct *)curtask; }", SpaceBTF},
		{"begin { $p = curtask + 1; }", SpaceKernel},
		{"begin { $p = (struct task_struct *)kptr(5); }", SpaceKernel},
		{"begin { $p = curtask; $p = (struct task_struct *)kptr(5); }", SpaceKernel},
		{"fentry:vfs_read { $p = args.task; }", SpaceBTF},
		{"begin { $p = curtask.driver; }", SpaceKernel}, // the verifier knows no such struct
		{"begin { $p = curtask.driver.task; }", SpaceKernel},
		{"begin { $p = curtask.driver; $p = (struct driver *)kptr(5); }", SpaceKernel},
		{"kprobe:f { $p = (struct task_struct *)arg0; $q = $p.real_parent; }", SpaceKernel},
		{"uprobe:/bin/sh:f { $p = (uint8 *)arg0; }", SpaceUser},
		{"uprobe:/bin/sh:f { @a[tid] = arg0; } interval:1s { $p = (uint8 *)@a[1]; }", SpaceUser},
		{"tracepoint:syscalls:sys_enter_open { $p = args.filename; }", SpaceUser},
		{"begin { $x = 5; $p = &$x; }", SpaceLocal},
		{"kprobe:f { $p = ctx; }", SpaceCtx},
		{"begin { $p = uptr((uint8 *)5); }", SpaceUser},
	}
	for _, tt := range tests {
		r := check(t, tt.script, Options{})
		if r.rep.Failed() {
			t.Errorf("%s\n%s", tt.script, r.messages())
		}
		for _, l := range r.info.Locals {
			if l != nil && l.Name == "$p" && (l.Type.Kind != Pointer || l.Type.Space != tt.want) {
				t.Errorf("%s: %s in space %d, want %d", tt.script, l.Type, l.Type.Space, tt.want)
				break
			}
		}
	}
}
