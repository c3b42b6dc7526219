package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/inspect"
)

// tracedCall is a function of the kernel whose calls by the programs are traced.
type tracedCall struct {
	name string
	// Expressions of the script for its result (as a number, or a word), the map that it's for
	// and the key's address; "": it has none.
	value, verb, mapID, key string
	maps                    []*inspect.Map // of the programs; of other maps its calls aren't told
}

// own are parts of names of functions that skep's own programs call, too: whose calls these
// are couldn't be told, except by the map that they are for.
var own = []string{"ringbuf", "ktime_get", "smp_processor_id", "get_current_task", "pid_tgid", "trace_printk"}

// findCalls finds the kernel's functions that the programs call. unseen are those that
// can't be traced.
func (s *strace) findCalls(b *bpfRun) (unseen []string, err error) {
	called := map[string]bool{}
	maps := map[uint32]*inspect.Map{}
	for _, p := range s.progs {
		if err := b.calls(p.id, called, maps); err != nil {
			return nil, err
		}
	}
	traceable := map[string]bool{}
	known := b.reader.Kernel().TraceableFuncs(func(name, _ string) bool {
		traceable[name] = called[name]
		return true
	}) == nil
	types, err := b.reader.Vmlinux()
	if err != nil {
		return nil, err
	}
	for name := range called {
		fn, typed := types.Find(name, kern.KindFunc)
		c := tracedCall{name: name}
		if typed {
			c.describe(fn.Ref())
		}
		isOwn := slices.ContainsFunc(own, func(part string) bool { return strings.Contains(name, part) })
		if !typed || known && !traceable[name] || isOwn && c.mapID == "" {
			unseen = append(unseen, name)
			continue
		}
		if c.mapID != "" {
			for _, m := range maps {
				if c.takes(m) {
					c.maps = append(c.maps, m)
				}
			}
			slices.SortFunc(c.maps, func(a, b *inspect.Map) int { return cmp.Compare(a.ID, b.ID) })
		}
		s.calls = append(s.calls, c)
	}
	slices.SortFunc(s.calls, func(a, b tracedCall) int { return strings.Compare(a.name, b.name) })
	slices.Sort(unseen)
	return unseen, nil
}

// describe reads a function's result and parameters. Helpers have numbers for all of these,
// but names as the kernel's other functions.
func (c *tracedCall) describe(proto kern.Type) {
	result := proto.Ref().Unqualified()
	switch result.Kind() {
	case kern.KindVoid:
	case kern.KindPtr:
		c.value, c.verb = `retval != 0 ? "found" : "none"`, "%s"
	default:
		c.value, c.verb = "(int64)retval", "%d"
		if signed, _, _, bits := result.Int(); result.Kind() == kern.KindInt && signed && bits == 64 {
			c.value = "retval"
		}
	}
	for _, p := range proto.Params() {
		pointer := p.Type.Unqualified().Kind() == kern.KindPtr
		switch {
		case p.Name == "map" && pointer:
			c.mapID = "args.map.id"
		case p.Name == "map":
			c.mapID = "((struct bpf_map *)args.map).id"
		case p.Name == "key" && pointer:
			c.key = "args.key"
		case p.Name == "key":
			c.key = "(void *)args.key"
		}
	}
}

// takes reports whether a function may be for such a map, by the name of the kind that it has.
func (c *tracedCall) takes(m *inspect.Map) bool {
	kind := m.TypeName()
	switch {
	case strings.Contains(c.name, "percpu"):
		return strings.Contains(kind, "percpu")
	case strings.Contains(c.name, "htab"):
		return strings.Contains(kind, "hash")
	case strings.Contains(c.name, "array_map"):
		return strings.Contains(kind, "array")
	case strings.Contains(c.name, "ringbuf"):
		return kind == "ringbuf"
	}
	return true
}

// calls adds the kernel's functions that a program calls, and its maps.
func (b *bpfRun) calls(id uint32, called map[string]bool, maps map[uint32]*inspect.Map) error {
	o, err := b.reader.OpenOne(inspect.KindProg, inspect.Selector{By: "id", Value: fmt.Sprint(id)}, false)
	if err != nil {
		return err
	}
	defer o.Close()
	c, err := b.reader.Code(o.FD)
	if err != nil {
		return err
	}
	insns, err := b.reader.XlatedInsns(c)
	if err != nil {
		return err
	}
	for _, in := range insns {
		if name, ok := in.Calls(); ok {
			called[name] = true
		}
	}
	for _, id := range c.Prog.Maps {
		if m, err := b.reader.Map(id); err == nil { // else it's gone
			maps[id] = m
		}
	}
	return nil
}

// callNames are the functions whose calls are traced, in words.
func (s *strace) callNames() string {
	var names []string
	for _, c := range s.calls {
		names = append(names, c.name)
	}
	return cmp.Or(strings.Join(names, ", "), "no functions")
}

// call traces the returns of a kernel function while one of the programs runs.
func (s *strace) call(b *strings.Builder, c *tracedCall) {
	var inside []string
	for _, p := range s.progs {
		inside = append(inside, fmt.Sprintf("@start[cpu, tid, %d]", p.id))
	}
	runs := strings.Join(inside, " || ")
	if c.mapID == "" {
		fmt.Fprintf(b, "\nfexit:vmlinux:%s /%s/ {\n\t%s;\n}\n", c.name, runs, s.printCall(c, nil))
		return
	}
	// The map is asked for before the runs, which are in a map of skep's own.
	fmt.Fprintf(b, "\nfexit:vmlinux:%s {\n\t$map = %s;\n", c.name, c.mapID)
	for _, m := range c.maps {
		fmt.Fprintf(b, "\tif ($map == %d && (%s)) {\n\t\t%s;\n\t}\n", m.ID, runs, s.printCall(c, m))
	}
	b.WriteString("}\n")
}

// longestKey is how many bytes of a key are shown.
const longestKey = 64

// printCall prints a call, for a map or for none.
func (s *strace) printCall(c *tracedCall, m *inspect.Map) string {
	format, args := c.name, []string{"cpu"}
	fields := []string{fmt.Sprintf("call=%q", c.name)}
	if m != nil {
		format += fmt.Sprintf("(map %d %s", m.ID, strings.ReplaceAll(m.Name, "%", "%%"))
		fields = append(fields, fmt.Sprintf("map=%d, map_name=%q", m.ID, m.Name))
		if key, verb := c.keyOf(m); key != "" {
			format, args = format+", key "+verb, append(args, key)
			fields = append(fields, "key="+key)
		}
		format += ")"
	}
	if c.value != "" {
		format, args = format+" = "+c.verb, append(args, c.value)
		fields = append(fields, "returned="+c.value)
	}
	if s.json {
		return fmt.Sprintf("print((%s))", strings.Join(append(fields, "pid=pid", "cpu=cpu"), ", "))
	}
	return fmt.Sprintf("printf(%q, %s)", "    cpu %d  "+format+"\n", strings.Join(args, ", "))
}

// keyOf is the key of a call for a map: a number where it may be one, else bytes. verb is
// printf's.
func (c *tracedCall) keyOf(m *inspect.Map) (expr, verb string) {
	switch {
	case c.key == "" || m.KeySize == 0:
		return "", ""
	case m.KeySize == 4:
		return "*(uint32 *)" + c.key, "%u"
	case m.KeySize == 8:
		return "*(uint64 *)" + c.key, "%llu"
	}
	return fmt.Sprintf("buf(%s, %d)", c.key, min(m.KeySize, longestKey)), "%r"
}
