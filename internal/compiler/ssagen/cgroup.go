package ssagen

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// cgroups are the maps in which programs look for cgroups.
type cgroups struct {
	array int          // in Object.Maps, of cgroups that tasks may be below; -1 until needed
	under uint32       // entries of array
	sets  map[bool]int // in Object.Maps, of the cgroups in pods (true) or containers
}

// maxCgroups is how many cgroups a set holds.
const maxCgroups = 1 << 14

// cgroupPath keeps the id; the path is looked up where it's printed.
func (c *fn) cgroupPath(e syntax.Expr, args []syntax.Expr) operand {
	if len(args) == 0 {
		return operand{t: c.typeOf(e), v: c.call(fnCgroupID, ssa.I64)}
	}
	return operand{t: c.typeOf(e), v: c.intExpr(args[0])}
}

// matchCgroup is the comparison of the current task's cgroup with a name. A task is in a
// container or pod when its cgroup is the topmost one's, or below it.
func (c *fn) matchCgroup(op syntax.Op, m *types.CgroupMatch) *ssa.Value {
	in := c.constI(0)
	switch {
	case m.None:
		key := c.slot("cgroup", 8, 8)
		c.store(key, 0, c.call(fnCgroupID, ssa.I64), 8, ssa.MemSlot)
		p := c.call(fnMapLookup, ssa.Ptr, c.mapPtr(c.cgroupSet(m.Form)), key)
		in = c.asInt(c.cmp(ssa.OpEq, p, c.emitAux(ssa.OpConst, ssa.Ptr, 0, nil)))
	case m.Form == object.CgroupOwn:
		id := c.call(fnCgroupID, ssa.I64)
		for _, path := range m.Paths {
			s := c.cgroupSlot(path, false)
			want := c.load(c.mapValue(s.Map, int64(s.At)), 0, mem(8, ssa.MemMap, false))
			in = c.bin(ssa.OpOr, in, c.asInt(c.cmp(ssa.OpEq, id, want)))
		}
	default:
		for _, path := range m.Paths {
			s := c.cgroupSlot(path, true)
			under := c.call(fnTaskUnderCgroup, ssa.I64, c.mapPtr(s.Map), c.constU(uint64(s.At)))
			in = c.bin(ssa.OpOr, in, c.asInt(c.cmp(ssa.OpEq, under, c.constI(1))))
		}
	}
	return c.cmp(pick(op == syntax.Ne, ssa.OpEq, ssa.OpNe), in, c.constI(0))
}

// cgroupSlot is where programs look for the cgroup at a path.
func (g *gen) cgroupSlot(path string, under bool) object.CgroupSlot {
	for _, s := range g.obj.Cgroups {
		if s.Path == path && s.Under == under {
			return s
		}
	}
	s := object.CgroupSlot{Path: path, Under: under}
	if under {
		if g.cgroups.array < 0 {
			g.cgroups.array = g.addMap(&object.Map{Name: "cgroups", Kind: object.MapCgroupArray, KeySize: 4, ValueSize: 4})
		}
		s.Map, s.At = g.cgroups.array, g.cgroups.under
		g.cgroups.under++
	} else {
		s.Map, s.At = g.globalMap(&g.globals), g.globals.take(8, 8)
	}
	g.obj.Cgroups = append(g.obj.Cgroups, s)
	return s
}

// cgroupSet is the map of all cgroups that are in a container, or in a pod.
func (g *gen) cgroupSet(form object.CgroupForm) int {
	if i, ok := g.cgroups.sets[form.IsPod()]; ok {
		return i
	}
	name := "containers"
	if form.IsPod() {
		name = "pods"
	}
	i := g.addMap(&object.Map{Name: name, Kind: object.MapHash, KeySize: 8, ValueSize: 1, MaxEntries: maxCgroups})
	g.cgroups.sets[form.IsPod()] = i
	g.obj.CgroupSets = append(g.obj.CgroupSets, object.CgroupSet{Map: i, Form: form})
	return i
}
