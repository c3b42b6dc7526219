package target

import (
	"path"
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/host/cgroup"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// cgroupTree is cgroup2 as it was when it was first asked for.
type cgroupTree struct {
	mount      string
	paths      []string
	containers []owner
	pods       []owner
	err        error
}

// owner is a container or a pod, and what it's called besides its id.
type owner struct {
	cgroup.Owner
	names []string
}

// minAbbreviated is the least that is taken for the beginning of an id.
const minAbbreviated = 4

// FindCgroups are the cgroups of a container, a pod, or a path.
func (e *Env) FindCgroups(form object.CgroupForm, name string) (*types.Cgroups, error) {
	if e.cgroups == nil {
		e.cgroups = e.readCgroups()
	}
	t := e.cgroups
	switch {
	case t.err != nil:
		return nil, t.err
	case form == object.CgroupOwn:
		return t.findPath(name), nil
	case form.IsPod():
		return t.find(t.pods, name), nil
	}
	return t.find(t.containers, name), nil
}

func (e *Env) readCgroups() *cgroupTree {
	t := &cgroupTree{}
	if t.mount, t.err = cgroup.Mount(e.root); t.err != nil {
		return t
	}
	names := cgroup.Names{Root: e.root}
	cgroup.Walk(e.root, t.mount, func(d cgroup.Dir) bool {
		t.paths = append(t.paths, d.Path)
		if o, ok := cgroup.ContainerOf(d.Path); ok && o.Root == d.Path {
			// The payload below a machine's cgroup is the container, and comes after it.
			t.containers = slices.DeleteFunc(t.containers, func(c owner) bool {
				return c.ID == o.ID && strings.HasPrefix(o.Root, c.Root+"/")
			})
			t.containers = append(t.containers, owner{o, []string{names.Container(o.ID)}})
		}
		if o, ok := cgroup.PodOf(d.Path); ok && o.Root == d.Path {
			full := names.Pod(o.ID)
			t.pods = append(t.pods, owner{o, []string{full, path.Base(full)}})
		}
		return true
	})
	return t
}

// findPath finds a cgroup by its path in cgroup2, or in the file system.
func (t *cgroupTree) findPath(name string) *types.Cgroups {
	for _, p := range []string{name, strings.TrimPrefix(name, t.mount)} {
		if slices.Contains(t.paths, p) {
			return &types.Cgroups{Paths: []string{t.mount + p}}
		}
	}
	return &types.Cgroups{Known: t.paths}
}

// find finds owners by their ids or names; else by the beginning of one's id.
func (t *cgroupTree) find(owners []owner, name string) *types.Cgroups {
	found, abbreviated := &types.Cgroups{}, &types.Cgroups{}
	for _, o := range owners {
		known := cgroup.Short(o.ID)
		if o.names[0] != "" {
			known = o.names[0]
		}
		found.Known = append(found.Known, known)
		switch {
		case o.ID == name || cgroup.Short(o.ID) == name || slices.Contains(o.names, name):
			found.Paths = append(found.Paths, t.mount+o.Root)
		case len(name) >= minAbbreviated && strings.HasPrefix(o.ID, name):
			abbreviated.Paths = append(abbreviated.Paths, t.mount+o.Root)
			if !slices.Contains(abbreviated.Known, o.ID) {
				abbreviated.Known = append(abbreviated.Known, o.ID)
			}
		}
	}
	slices.Sort(found.Known)
	found.Known = slices.Compact(found.Known)
	if len(found.Paths) > 0 || len(abbreviated.Paths) == 0 {
		return found
	}
	abbreviated.Many = len(abbreviated.Known) > 1
	return abbreviated
}
