package expand

import (
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/lang/cdecl"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// stdlib are the parts of bpftrace's standard library that can be imported by name.
var stdlib = []string{"map", "process", "stack", "strings", "system", "task", "test", "usdt"}

// stdlibC are the parts' functions that bpftrace has in C and that scripts may call by their
// names, without those that change the system. They are compiled when a script calls one: what
// the language itself has of the standard library is built in.
var stdlibC = map[string]string{
	"test": `int __always_true(void) { return 1; }
`,
	"map": `#include <bpf/bpf_helpers.h>
extern long bpf_map_sum_elem_count(const void *map) __ksym __weak;
static long next(void *map, const void *key, void *value, void *ctx) { return 0; }
void *__lookup_elem(void *map, void *key) { return bpf_map_lookup_elem(map, key); }
long __delete(void *map, void *key) { return bpf_map_delete_elem(map, key); }
long __elem_count(void *map)
{
	if (bpf_map_sum_elem_count)
		return bpf_map_sum_elem_count(map);
	return bpf_for_each_map_elem(map, next, 0, 0);
}
`,
	"process": `#include <bpf/bpf_helpers.h>
unsigned long long __get_current_uid_gid(void) { return bpf_get_current_uid_gid(); }
unsigned long long __get_cgroup(void) { return bpf_get_current_cgroup_id(); }
unsigned long long __get_current_task(void) { return bpf_get_current_task(); }
`,
	"system": `#include <bpf/bpf_helpers.h>
long __get_numa_node_id(void) { return bpf_get_numa_node_id(); }
unsigned long long __get_jiffies(void) { return bpf_jiffies64(); }
unsigned long long __get_rand(void) { return bpf_get_prandom_u32(); }
`,
}

// importStdlib compiles the C functions of the imported parts of the standard library that the
// script calls.
func (x *expander) importStdlib() {
	if len(x.parts) == 0 {
		return
	}
	called := map[string]bool{}
	note := func(n syntax.Node) bool {
		if call, ok := n.(*syntax.CallExpr); ok && strings.HasPrefix(call.Fun.Name, "__") {
			called[call.Fun.Name] = true
		}
		return true
	}
	for _, p := range x.out.Probes {
		syntax.Inspect(p.Body, note)
	}
	for _, f := range x.out.Funcs {
		syntax.Inspect(f.Body, note)
	}
	for _, m := range x.decls {
		syntax.Inspect(m.Body, note)
	}
	for _, part := range stdlib {
		text := stdlibC[part]
		if !slices.Contains(x.parts, part) {
			continue
		}
		for name := range called {
			if strings.Contains(text, name+"(") {
				x.addProgram(cdecl.ReadProgram("stdlib/"+part+".bpf.c", text, x.cOptions(), x.rep))
				break
			}
		}
	}
}
