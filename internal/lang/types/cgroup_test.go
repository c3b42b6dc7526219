package types

import (
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

// TestCgroups: a comparison with a name knows the cgroups of that name.
func TestCgroups(t *testing.T) {
	for _, tt := range []struct {
		expr string
		form object.CgroupForm
		want string // the paths
	}{
		{`container == "web"`, object.CgroupContainer, "/cg/web"},
		{`"web" != container(name)`, object.CgroupContainerName, "/cg/web"},
		{`(container(full)) == "we" + "b"`, object.CgroupContainerID, "/cg/web"},
		{`cgroup_path == "/system.slice"`, object.CgroupOwn, "/cg//system.slice"},
		{`container == ""`, object.CgroupContainer, "none"},
		{`pod != ""`, object.CgroupPod, "none"},
		{`pod(uid) == ""`, object.CgroupPodUID, "none"},
	} {
		r := check(t, "interval:s:1 /"+tt.expr+"/ { }", Options{})
		if r.rep.Failed() {
			t.Errorf("%s\n%s", tt.expr, r.messages())
			continue
		}
		if len(r.info.Cgroups) != 1 {
			t.Errorf("%s: %d comparisons", tt.expr, len(r.info.Cgroups))
		}
		for _, m := range r.info.Cgroups {
			got := strings.Join(m.Paths, " ")
			if m.None {
				got = "none"
			}
			if m.Form != tt.form || got != tt.want {
				t.Errorf("%s: form %d of %s", tt.expr, m.Form, got)
			}
		}
	}
}

// What a script calls container or pod is meant, as in bpftrace.
func TestOwnBuiltinsAreShadowed(t *testing.T) {
	for _, script := range []string{
		"fn container($x : int64) : int64 { return $x; } begin { $n = container(7); print($n + 1); }",
		"fn decimal($x : int64) : int64 { return $x; } begin { print(decimal(7)); }",
		"begin { let $pod = 1; print($pod); @container[1] = 2; $r = (container = 1, pod = 2); print($r.pod + $r.container); }",
	} {
		if r := check(t, script, Options{}); r.rep.Failed() {
			t.Errorf("%s\n%s", script, r.messages())
		}
	}
}
