package event

import "github.com/skep-bpf/skep/internal/bpf/object"

// keyMerger makes keys that print alike the same, in place.
type keyMerger func(key []byte)

// cgroupName is what a form has of a cgroup.
type cgroupName struct {
	form object.CgroupForm
	name string
}

// sameCgroup makes the keys of a map the same whose cgroups are of one container or pod: in the
// kernel each cgroup is a key of its own. Nil: the keys have no such part.
func (d *Decoder) sameCgroup(v *object.Var) keyMerger {
	if d.Names == nil || v.Key == nil || !namesOwners(v.Key) {
		return nil
	}
	if d.owners == nil {
		d.owners = map[cgroupName]uint64{}
	}
	return func(key []byte) { d.sameOwner(v.Key, key) }
}

// namesOwners reports whether a key has a container or a pod.
func namesOwners(t *object.Type) bool {
	if t.Kind == object.CgroupPath {
		return t.Cgroup.IsContainer() || t.Cgroup.IsPod()
	}
	for i := range t.Fields {
		if namesOwners(t.Fields[i].Type) {
			return true
		}
	}
	return false
}

// sameOwner puts the first cgroup's id in the place of each id of its container or pod.
func (d *Decoder) sameOwner(t *object.Type, b []byte) {
	for i := range t.Fields {
		f := &t.Fields[i]
		d.sameOwner(f.Type, b[f.Offset:])
	}
	if t.Kind != object.CgroupPath || !namesOwners(t) {
		return
	}
	id := order.Uint64(b)
	name := cgroupName{t.Cgroup, d.Names.Cgroup(id, t.Cgroup)}
	if n, ok := d.owners[name]; ok {
		order.PutUint64(b, n)
		return
	}
	d.owners[name] = id
}
