package run

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine/event"
)

// Names resolves addresses; a *sym.Symbolizer does.
type Names interface {
	event.Resolver
	// Preload reads what naming a process's addresses takes before it ends.
	Preload(pid uint32)
	// Follow records what a process and its descendants map from now on; 0: all processes.
	Follow(pid uint32) error
	// FollowCgroups records which cgroups are made from now on.
	FollowCgroups() error
	// Collect takes in what was recorded. It's called every tick.
	Collect()
	// Troubles tell why addresses that were asked for have no names.
	Troubles() []string
}

// follow has recorded which cgroups are made when some are to be named, and what processes
// map when addresses of theirs are to be named, since they may be gone by then: the command
// and its descendants, or all.
func (r *runner) follow() {
	if r.Names == nil || r.DryRun {
		return
	}
	if prints(r.Object, func(t *object.Type) bool { return t.Kind == object.CgroupPath }) {
		r.naming = true
		if err := r.Names.FollowCgroups(); err != nil && r.Options.Logf != nil {
			r.Options.Logf("%v", err)
		}
	}
	if !namesUsers(r.Object) {
		return
	}
	r.naming, r.users = true, true
	pid := uint32(0)
	if r.Child != nil {
		pid = uint32(r.Child.Pid())
	}
	err := r.Names.Follow(pid)
	if err != nil && r.Options.Logf != nil {
		r.Options.Logf("%v", err)
	}
	r.recorded = err == nil
}

// collect reads what naming takes, while it's there.
func (r *runner) collect() {
	r.Names.Collect()
	if r.users && !r.recorded && r.Child != nil {
		r.Names.Preload(uint32(r.Child.Pid()))
	}
}

// namesUsers reports whether output may name addresses of processes.
func namesUsers(o *object.Object) bool {
	return prints(o, func(t *object.Type) bool { return t.Kind == object.Usym || t.Kind == object.Ustack })
}

// printsTimes reports whether output may hold times of the boot clock.
func printsTimes(o *object.Object) bool {
	for _, a := range o.Actions {
		if a.Kind == object.ActionTime {
			return true
		}
	}
	return prints(o, func(t *object.Type) bool { return t.Kind == object.Timestamp || t.Point.Elapsed })
}

// prints reports whether output may hold a value of such a type.
func prints(o *object.Object, such func(*object.Type) bool) bool {
	for _, v := range o.Vars {
		if holds(v.Key, such) || holds(v.Value, such) {
			return true
		}
	}
	for _, a := range o.Actions {
		for i := range a.Args {
			if holds(a.Args[i].Type, such) {
				return true
			}
		}
	}
	return false
}

// holds reports whether a value of type t is or has one of such a type.
func holds(t *object.Type, such func(*object.Type) bool) bool {
	if t == nil || such(t) {
		return t != nil
	}
	for i := range t.Fields {
		if holds(t.Fields[i].Type, such) {
			return true
		}
	}
	return holds(t.Elem, such)
}
