package types

import (
	"path"
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

func cgroupType(form object.CgroupForm) *Type {
	t := plain(CgroupPath)
	t.Cgroup = form
	return t
}

func checkContainer(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	if len(args) == 0 {
		return cgroupType(object.CgroupContainer)
	}
	switch c.wordArg(args[0], b.Name, "full", "name") {
	case "full":
		return cgroupType(object.CgroupContainerID)
	case "name":
		return cgroupType(object.CgroupContainerName)
	}
	return invalidType()
}

func checkPod(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	switch {
	case len(args) == 0:
		return cgroupType(object.CgroupPod)
	case c.wordArg(args[0], b.Name, "uid") == "":
		return invalidType()
	}
	return cgroupType(object.CgroupPodUID)
}

// matchCgroup types the comparison of container, pod or cgroup_path with a name: which cgroups
// that means is found out here. False: it's another comparison.
func (c *checker) matchCgroup(e *syntax.BinaryExpr, x, y *Type) (*Type, bool) {
	of, name, t := e.X, e.Y, x
	if y.Kind == CgroupPath {
		of, name, t, y = e.Y, e.X, y, x
	}
	if t.Kind != CgroupPath || t.Cgroup == object.CgroupPaths || y.Kind != String || !equality(e.Op) {
		return nil, false
	}
	b, k := c.info.Calls[unparen(of).ID()], c.info.Consts[name.ID()]
	switch {
	case b == nil:
		c.errorf(diag.CodeOperand, of.Span(), "what is kept of a cgroup can't be compared with its name").
			Note("compare container, pod or cgroup_path itself, which stand for the current task's")
		return invalidType(), true
	case k == nil || !k.IsStr:
		c.errorf(diag.CodeLiteral, name.Span(), "%s is compared with a string known at compile time: a literal, or an option of the script", b.Name).
			Note("the cgroups of that name are looked up before the script runs, and the kernel compares cgroups")
		return invalidType(), true
	}
	m := &CgroupMatch{Form: t.Cgroup}
	if m.None = k.Str == ""; !m.None && !c.findCgroups(m, b.Name, k.Str, name) {
		return invalidType(), true
	}
	if c.info.Cgroups == nil {
		c.info.Cgroups = map[syntax.ExprID]*CgroupMatch{}
	}
	c.info.Cgroups[e.ID()] = m
	return boolType(), true
}

// findCgroups looks a name up, and reports when it's none.
func (c *checker) findCgroups(m *CgroupMatch, what, name string, at syntax.Expr) bool {
	what, list := strings.ReplaceAll(what, "_path", ""), "containers"
	switch {
	case m.Form.IsPod():
		list = "pods"
	case m.Form == object.CgroupOwn:
		list = "cgroups"
	}
	found, err := c.env.FindCgroups(m.Form, name)
	switch {
	case err != nil:
		c.errorf(diag.CodeCgroup, at.Span(), "%s %q can't be looked for: %v", what, name, err)
		return false
	case found.Many:
		c.errorf(diag.CodeCgroup, at.Span(), "there are several %s that begin with %q: %s", list, name, some(found.Known))
		return false
	case len(found.Paths) > 0:
		m.Paths = found.Paths
		return true
	}
	d := c.errorf(diag.CodeCgroup, at.Span(), "there is no %s %q", what, name)
	near := nearest(name, found.Known)
	for _, k := range found.Known {
		if near == "" && path.Base(k) == path.Base(name) {
			near = k
		}
	}
	switch {
	case near != "":
		d.Suggest("\"" + near + "\"")
	case len(found.Known) == 0:
		d.Note("there are no %s here", list)
	default:
		d.Note("there are these %s: %s", list, some(found.Known))
	}
	return false
}

// maxKnown is how many names a message tells.
const maxKnown = 12

// some are the first names.
func some(names []string) string {
	names = slices.Sorted(slices.Values(names))
	more := ""
	if len(names) > maxKnown {
		names, more = names[:maxKnown], " …"
	}
	return strings.Join(names, ", ") + more
}
